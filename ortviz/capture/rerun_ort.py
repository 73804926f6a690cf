"""ORT's side of a step that runs again: exported anew, its dropout masks given as inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from ortviz._compat import ensure_ortmodule, ort_private
from ortviz._compat.ort_agents import OrtValues, as_tensors, on_agent_created, set_execution_agent
from ortviz._compat.ort_private import ExecutionManager, InputKind
from ortviz.capture.fallback_off import fallback_off
from ortviz.capture.model_info import module_aliases
from ortviz.capture.plan import TapPlan, add_inner_values, build_plan
from ortviz.capture.second_run import SecondRun, StepFeeds
from ortviz.errors import CaptureError
from ortviz.graphs import ModuleScopes, parse_model
from ortviz.record import Level, Mode, Stage

_PREFIX = "rerun"


@dataclass(frozen=True, slots=True)
class OrtRerun:
    """What ORT's run gave.

    Attributes:
        plan: Where the values belong.
        outputs: The model's outputs, flattened.
        values: By ONNX value name; the dropout masks that were given among them.
        parameter_grads: By fully qualified name.
        gradient_names: ONNX names of those.
        buffers: By fully qualified name, as ORT left those that it was fed.
    """

    plan: TapPlan
    outputs: tuple[torch.Tensor, ...]
    values: Mapping[str, torch.Tensor]
    parameter_grads: Mapping[str, torch.Tensor]
    gradient_names: Mapping[str, str]
    buffers: Mapping[str, torch.Tensor]


class _FedError(Exception):
    """The forward was stopped once it was known what ORT is fed."""


class _Stop:
    """Stands in for ORT's agent: takes the feeds and runs nothing, so that nothing is drawn."""

    def __init__(self) -> None:
        self.feeds: tuple[torch.Tensor, ...] | None = None

    def run_forward(
        self, feeds: OrtValues, fetches: OrtValues, state: object, cache: object = None
    ) -> None:
        """Keep copies of the feeds, and stop."""
        self.feeds = tuple(tensor.clone() for tensor in as_tensors(feeds))
        raise _FedError

    def run_backward(self, feeds: OrtValues, fetches: OrtValues, state: object) -> None:
        """Never comes: no forward returns."""
        raise _FedError


def run_ort(
    twin: nn.Module,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    masks: Sequence[torch.Tensor] | None,
    gradients: Sequence[torch.Tensor | None],
    level: Level,
) -> OrtRerun:
    """Export a model and run its training graph once, without drawing random numbers.

    Args:
        twin: A copy of the user's module, in the state of the step; it is used up.
        args: Positional arguments of the step.
        kwargs: Keyword arguments.
        masks: Recorded dropout masks in graph order; None when there are none.
        gradients: What arrived at each output; empty when no backward ran.
        level: Which values to read.

    Raises:
        CaptureError: ORTModule cannot export the model, or another graph comes out.
        EnvironmentProblem: ORTModule cannot be used here.
        ValueError: The graph draws other random numbers than dropout masks.
        RuntimeError: ORT's own error.
    """
    with tempfile.TemporaryDirectory(prefix="ortviz-rerun-") as folder:
        manager, fed = _exported(twin, args, kwargs, Path(folder))
        plan = _plan(twin, manager, Path(folder), level)
    if len(masks or ()) != len(plan.mask_names):
        raise CaptureError(
            f"ORT's graph has {len(plan.mask_names)} dropout masks now, and {len(masks or ())} "
            "were recorded, so its side cannot be run again."
        )
    given = dict(zip(plan.mask_names, masks or (), strict=True))
    # A tensor that is read may keep ORT from merging operations, so what the user was given comes
    # from a graph in which none is.
    plain = SecondRun(manager, user_code=True)
    feeds = _feeds(manager, plain, fed, given, gradients)
    tapped = SecondRun(
        manager,
        plan.forward_names + plan.inner.forward_names,
        plan.backward_names + plan.inner.backward_names,
        user_code=True,
    )
    values = tapped.run(_copy(feeds), given).values
    result = plain.run(feeds, given)
    return OrtRerun(
        plan,
        result.outputs,
        {**values, **given},
        result.parameter_grads,
        ort_private.parameter_gradient_names(manager),
        _buffers(manager, feeds),
    )


def _plan(twin: nn.Module, manager: ExecutionManager, folder: Path, level: Level) -> TapPlan:
    """What to read of the graph that was exported into a folder."""
    optimized = ort_private.optimized_model(manager)
    assert optimized is not None, "ORTModule made an agent, so it has a graph"

    def saved(stage: Stage) -> onnx.ModelProto:
        name = ort_private.saved_stage_file_name(_PREFIX, stage.value, training=True)
        return parse_model((folder / name).read_bytes(), f"{Mode.TRAINING.value}/{stage.value}")

    names = tuple(name for name, _ in twin.named_modules())
    scopes = ModuleScopes(names, module_aliases(twin))
    plan = build_plan(saved(Stage.TORCH_EXPORTED), optimized, scopes, names)
    if level is Level.MODULE:
        return plan
    return add_inner_values(plan, saved(Stage.POST_PROCESSED), optimized, scopes)


def _exported(
    twin: nn.Module, args: Sequence[object], kwargs: Mapping[str, object], folder: Path
) -> tuple[ExecutionManager, tuple[torch.Tensor, ...]]:
    """An ORTModule's manager with the model's graph, and what ORT would have been fed."""
    api: Any = ensure_ortmodule()
    options = api.DebugOptions(
        log_level=api.LogLevel.ERROR, save_onnx=True, onnx_prefix=_PREFIX, save_path=str(folder)
    )
    modes = [(module, module.training) for module in twin.modules()]
    with fallback_off():
        ort_module: nn.Module = api.ORTModule(twin, options)
    # ORTModule puts every submodule into the mode of the outermost one.
    for module, mode in modes:
        module.training = mode
    manager = ort_private.training_manager(ort_module)
    if manager is None or not ort_private.is_training_step(ort_module):
        raise CaptureError("ORTModule does not train this model, so its side cannot run again.")
    stop = _Stop()
    unwatch = on_agent_created(manager, lambda made: set_execution_agent(made, stop))
    # The export runs the model once, which updates its buffers.
    buffers = {name: buffer.detach().clone() for name, buffer in twin.named_buffers()}
    try:
        for _ in range(2):
            stop.feeds = None
            for name, buffer in twin.named_buffers():
                buffer.data.copy_(buffers[name])
            try:
                ort_module(*args, **kwargs)
            except Exception:
                if stop.feeds is None:
                    raise
    finally:
        unwatch()
    if stop.feeds is None:
        raise CaptureError("ORTModule runs this model in eager PyTorch, not in ONNX Runtime.")
    return manager, stop.feeds


def _feeds(
    manager: ExecutionManager,
    plain: SecondRun,
    fed: tuple[torch.Tensor, ...],
    masks: Mapping[str, torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
) -> StepFeeds:
    """What both halves are given; of outputs without a gradient the shapes must be known."""
    feeds = StepFeeds(fed)
    if any(gradient is not None for gradient in gradients):
        missing = any(gradient is None for gradient in gradients)
        outputs = plain.run(_copy(feeds), masks).outputs if missing else ()
        feeds.gradients = _gradient_feeds(manager, outputs, gradients)
    return feeds


def _buffers(manager: ExecutionManager, feeds: StepFeeds) -> dict[str, torch.Tensor]:
    """ORT writes what it makes of running statistics into what it is fed."""
    return {
        each.qualified_name: tensor
        for each, tensor in zip(ort_private.graph_inputs(manager), feeds.inputs, strict=True)
        if each.kind is InputKind.BUFFER and each.qualified_name is not None
    }


def _copy(feeds: StepFeeds) -> StepFeeds:
    """Feeds of a run that writes its running statistics nowhere that counts."""
    return StepFeeds(tuple(tensor.clone() for tensor in feeds.inputs), feeds.gradients)


def _gradient_feeds(
    manager: ExecutionManager,
    outputs: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
) -> tuple[torch.Tensor, ...]:
    """What ORTModule feeds the backward run; zeros where no gradient arrived."""
    feeds = []
    for place in ort_private.differentiable_outputs(manager):
        gradient = gradients[place]
        feeds.append(torch.zeros_like(outputs[place]) if gradient is None else gradient)
    return tuple(feeds)
