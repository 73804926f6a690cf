"""ORT's side once more: the same graph on the same feeds, for a noise floor and for checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import Agent, new_training_agent, tapped_model
from ortviz._compat.ort_private import ExecutionManager, InputKind
from ortviz._compat.ort_repeat import masked_model, run_once

if TYPE_CHECKING:
    import onnx


@dataclass(slots=True)
class StepFeeds:
    """What ORT was given in one step, so that it can be given again.

    Attributes:
        inputs: One per graph input, in order. User inputs and buffers are copies; parameters are
            the user's own, so the second run has to come before the optimiser changes them.
        gradients: What the backward run was fed, in order; None before it ran.
    """

    inputs: tuple[torch.Tensor, ...]
    gradients: tuple[torch.Tensor, ...] | None = None


@dataclass(frozen=True, slots=True)
class SecondResult:
    """What a second run gave; the tensors belong to the reader.

    Attributes:
        outputs: The model's outputs, flattened.
        values: Those asked for, by ONNX value name.
        parameter_grads: By fully qualified name; empty when no backward ran.
    """

    outputs: tuple[torch.Tensor, ...]
    values: Mapping[str, torch.Tensor] = field(default_factory=dict)
    parameter_grads: Mapping[str, torch.Tensor] = field(default_factory=dict)


def copy_feeds(manager: ExecutionManager, feeds: Sequence[torch.Tensor]) -> StepFeeds:
    """Keep what a forward was fed.

    Args:
        manager: The training manager whose agent was fed.
        feeds: One per graph input, sharing memory with their owners.
    """
    kinds = [each.kind for each in ort_private.graph_inputs(manager)]
    return StepFeeds(
        tuple(
            tensor if kind is InputKind.PARAMETER else tensor.clone()
            for tensor, kind in zip(feeds, kinds, strict=True)
        )
    )


class SecondRun:
    """A further agent for the training graph of one export, with dropout masks as inputs.

    It draws nothing from any generator and writes to nothing of the user's. Its memory is given
    back after every run.

    Args:
        manager: ORTModule's training manager, after the export.
        forward_names: Values to read in the forward half; with none the graph stays as plain as
            the one that serves steps that are not sampled.
        backward_names: Values to read in the backward half.
        model: The graph to run; the manager's own optimised model by default.
        user_code: Whether autograd Functions of the user's may be called.

    Raises:
        NotRepeatableError: The graph draws other random numbers than dropout masks.
        LookupError: There is no training graph.
        RuntimeError: ORT's own error if it refuses the model.
    """

    def __init__(
        self,
        manager: ExecutionManager,
        forward_names: Sequence[str] = (),
        backward_names: Sequence[str] = (),
        model: onnx.ModelProto | None = None,
        *,
        user_code: bool = False,
    ) -> None:
        found = model or ort_private.optimized_model(manager)
        if found is None:
            raise LookupError("ORTModule has no training graph.")
        masked = masked_model(found, user_code=user_code)
        self._manager = manager
        self._mask_names = masked.mask_names
        # A mask is an input now, and no longer a value that the graph makes.
        self._forward_names = tuple(n for n in forward_names if n not in masked.mask_names)
        self._backward_names = tuple(backward_names)
        self._agent: Agent = new_training_agent(
            manager,
            tapped_model(masked.model, self._forward_names, self._backward_names),
            keep_memory=False,
        )

    def run(self, feeds: StepFeeds, masks: Mapping[str, torch.Tensor]) -> SecondResult:
        """Run the step again, before the optimiser changes the weights.

        Args:
            feeds: What the step was given.
            masks: ONNX value name -> the dropout mask ORT drew in the step, boolean.

        Raises:
            LookupError: A mask is missing.
            RuntimeError: ORT's own error.
        """
        missing = [name for name in self._mask_names if name not in masks]
        if missing:
            raise LookupError(f"The dropout mask {missing[0]} was not read in this step.")
        inputs = [*feeds.inputs, *(masks[name] for name in self._mask_names)]
        forward, backward = run_once(
            self._agent,
            inputs,
            feeds.gradients,
            ort_private.differentiable_outputs(self._manager),
        )
        output_count = len(forward) - len(self._forward_names)
        gradient_count = len(backward) - len(self._backward_names)
        values = dict(zip(self._forward_names, forward[output_count:], strict=True))
        grads: dict[str, torch.Tensor] = {}
        if feeds.gradients is not None:
            values.update(zip(self._backward_names, backward[gradient_count:], strict=True))
            for each in ort_private.graph_inputs(self._manager):
                if each.kind is InputKind.PARAMETER and each.gradient_index is not None:
                    assert each.qualified_name is not None
                    grads[each.qualified_name] = backward[each.gradient_index]
        return SecondResult(forward[:output_count], values, grads)
