"""A training step between its forward and the end of its backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ortviz.capture.autocast import AutocastState
from ortviz.capture.loss_watch import LossWatch
from ortviz.capture.outline import Outline
from ortviz.capture.plan import TapPlan
from ortviz.capture.records import SideBuilder
from ortviz.capture.rerun_inputs import RerunNotes
from ortviz.capture.second_run import StepFeeds
from ortviz.capture.shadow import ShadowRun
from ortviz.record import Keeping, Site, TapCheck, TensorStats


@dataclass(slots=True)
class PendingStep:
    """What has been seen so far of one training forward pass.

    Attributes:
        step: Its number.
        sampled: Whether it is recorded in full.
        keeping: Says which tensors are kept whole; None when none is.
        fallback: Whether eager PyTorch ran instead of ORT.
        plan: What the tapped agent reads; None for the plain agent.
        start: Inputs and weights as the step found them; only when sampled.
        buffers_before: Copies of the buffers when the step began; only when sampled.
        outputs: ORT's outputs, flattened copies; only when sampled.
        verify_asked: Whether the user wants this step looked into deeply.
        times_asked: How often the user wants it to be run again to time its nodes.
        arguments: Copies of the user's positional and keyword arguments; only when sampled.
        weight_versions: Of the parameters when the forward was over: whether they changed since.
        feeds: What ORT was fed; only when the tapped agent ran.
        values: What was read from ORT's run, by value name.
        inner: Statistics of what was read only for them, by value name, at the tensor level;
            None for what turned out to hold no floating-point numbers.
        shadow: The eager side; None when not sampled, not wanted or impossible.
        outline: What an earlier eager run told, where this step has none of its own.
        shadow_outputs: The eager side's outputs, detached.
        watch: Looks out for the loss.
        output_gradients: What arrived at the outputs, one per output; empty before backward.
        parameter_grads: ORT's, by name, copied; only when sampled.
        gradient_names: ONNX names of those.
        ort_secs: Wall time of ORT's forward and backward.
        read_beside: Whether what was read comes from a run beside the one the user was given,
            which differs from it.
        tap_check: Whether reading tensors changed the results; where that was checked.
        notes: Sentences about what could not be seen.
        autocast: As the forward found it; None before.
        rerun: What re-running it takes, as far as known when it began; None when not kept.
        unseen_changes: How the call differs from the one that was exported; only when sampled.
    """

    step: int
    sampled: bool
    keeping: Keeping | None = None
    fallback: bool = False
    plan: TapPlan | None = None
    start: SideBuilder | None = None
    buffers_before: dict[str, torch.Tensor] = field(default_factory=dict)
    outputs: list[torch.Tensor] = field(default_factory=list)
    verify_asked: bool = False
    times_asked: int = 0
    arguments: tuple[Sequence[object], Mapping[str, object]] | None = None
    weight_versions: tuple[int, ...] = ()
    feeds: StepFeeds | None = None
    values: dict[str, torch.Tensor] = field(default_factory=dict)
    inner: dict[str, TensorStats | None] = field(default_factory=dict)
    shadow: ShadowRun | None = None
    outline: Outline | None = None
    shadow_outputs: tuple[torch.Tensor, ...] | None = None
    watch: LossWatch = field(default_factory=LossWatch)
    output_gradients: list[torch.Tensor | None] = field(default_factory=list)
    parameter_grads: Mapping[str, torch.Tensor | None] = field(default_factory=dict)
    gradient_names: Mapping[str, str] = field(default_factory=dict)
    ort_secs: float = 0.0
    read_beside: bool = False
    tap_check: TapCheck | None = None
    notes: list[str] = field(default_factory=list)
    autocast: AutocastState | None = None
    rerun: RerunNotes | None = None
    unseen_changes: tuple[str, ...] = ()

    def keeps(self, site: Site) -> bool:
        """Whether the values of a site are wanted beyond the comparison."""
        return self.keeping is not None and self.keeping.keeps(site.id)

    def arrived_gradients(self) -> list[torch.Tensor | None]:
        """What arrived at each output; None where autograd had nothing to give.

        ORTModule then feeds a 0-d zero in place of the missing gradient.
        """
        return [
            None if gradient is not None and gradient.shape != output.shape else gradient
            for gradient, output in zip(self.output_gradients, self.outputs, strict=False)
        ]
