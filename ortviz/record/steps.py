"""What one step left behind: the sites of both sides, hook events and losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ortviz.record._enum import StrEnum
from ortviz.record.checks import TapCheck
from ortviz.record.sites import Site
from ortviz.record.tensors import TensorStats

if TYPE_CHECKING:
    import numpy as np

    from ortviz.record.node_times import NodeTimes
    from ortviz.record.reruns import Rerunnable


class Side(StrEnum):
    """The two runs that are held side by side."""

    REFERENCE = "reference"
    """Eager PyTorch."""
    CANDIDATE = "candidate"
    """ONNX Runtime."""


class Mode(StrEnum):
    """Which of ORTModule's two graphs ran."""

    TRAINING = "training"
    INFERENCE = "inference"


class SiteStatus(StrEnum):
    """Whether a site was seen, and if not, why."""

    CAPTURED = "captured"
    FUSED_AWAY = "fused_away"
    """ORT merged the operation that made this tensor into another; it does not exist there."""
    NEVER_CALLED = "never_called"
    """The module did not run in this step."""
    NO_GRADIENT = "no_gradient"
    """The gradient is None: nothing that needs it reaches this tensor, or no backward ran."""
    NOT_CAPTURED = "not_captured"
    """Not seen for another reason, given in ``reason``."""


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """One site on one side in one step.

    Attributes:
        site: The address.
        order: Position in execution order within the side, from 0.
        status: Whether the tensor was seen.
        stats: Its statistics; None unless ``status`` is CAPTURED.
        reason: One sentence for a person when it was not captured; else empty.
        value_name: The ONNX value this site is in ORT's training graph; empty where unknown or
            on the eager side.
        module_type: Class name of the module, for example ``Linear``.
    """

    site: Site
    order: int
    status: SiteStatus
    stats: TensorStats | None = None
    reason: str = ""
    value_name: str = ""
    module_type: str = ""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """A hook that ran on the eager shadow, or a call the trace saw.

    Attributes:
        order: Position in the step, from 0, over all kinds.
        kind: ``forward_pre``, ``forward`` or ``output_gradient``.
        module: Fully qualified module name.
        call: Which call of the module within the step, from 0.
        duration_secs: Wall time since the matching pre hook; None for pre hooks.
    """

    order: int
    kind: str
    module: str
    call: int
    duration_secs: float | None = None


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """How many elements of a ratio were replaced by 0, by what they were."""

    nan_count: int = 0
    posinf_count: int = 0
    neginf_count: int = 0

    @property
    def total(self) -> int:
        """All masked elements."""
        return self.nan_count + self.posinf_count + self.neginf_count


@dataclass(frozen=True, slots=True)
class LossRecord:
    """The three losses of one side at one step, from the same (input, target).

    Non-finite values are kept as Python floats. None means not known on this side.

    Attributes:
        side: Eager or ORT outputs.
        mae: As darts 0.48.1 defines MAELoss.
        mape: As darts defines MapeLoss; no factor 100.
        smape: As darts defines SmapeLoss; no factor 200.
        effective_mape: Mean over the unmasked elements only; None when all are masked.
        effective_smape: Likewise for sMAPE.
        mape_mask: Masked elements of MAPE's ratio.
        smape_mask: Masked elements of sMAPE's ratio.
        element_count: Elements of the broadcast (input, target).
        user_value: The value of the loss the user trains with.
        user_loss: Its name: ``mae``, ``mape`` or ``smape`` where recognised, else the class
            or function name; empty when no loss was seen.
        input_nonfinite_count: NaN and ±inf in the loss's input.
        target_zero_count: Elements of the target that are exactly 0.
        target_nonfinite_count: NaN and ±inf in the target.
    """

    side: Side
    mae: float | None
    mape: float | None
    smape: float | None
    effective_mape: float | None
    effective_smape: float | None
    mape_mask: MaskCounts
    smape_mask: MaskCounts
    element_count: int
    user_value: float | None
    user_loss: str
    input_nonfinite_count: int
    target_zero_count: int
    target_nonfinite_count: int


@dataclass(frozen=True, slots=True)
class MaskedElement:
    """One masked (or poisoning) element of a loss at one step, for the step × position map.

    Attributes:
        loss: ``mape`` or ``smape``.
        position: Index in the loss's broadcast shape, batch axis first.
        code: 1 NaN, 2 +inf, 3 −inf.
        input: The prediction there.
        target: The target there.
        gradient: The gradient that this element of the input received, None if not seen.
    """

    loss: str
    position: tuple[int, ...]
    code: int
    input: float
    target: float
    gradient: float | None = None


@dataclass(frozen=True, slots=True)
class GradientArrival:
    """The gradient that the model's first output received at a step, seen on ORT's side.

    Recorded at every step, sampled or not.

    Attributes:
        nan_count: NaN elements.
        inf_count: ±inf elements.
        first_nonfinite_index: Of the first NaN or ±inf in row-major order; None if all finite.
        input_value: The loss's input at that index, where the shapes agree.
        target_value: The target at that index, where the shapes agree.
    """

    nan_count: int
    inf_count: int
    first_nonfinite_index: tuple[int, ...] | None = None
    input_value: float | None = None
    target_value: float | None = None


@dataclass(frozen=True, slots=True)
class StepLosses:
    """Losses of one step, recorded at every step, sampled or not.

    Attributes:
        step: Number of the training forward pass, from 0.
        candidate: From ORT's outputs; None when no loss call was seen.
        reference: From the eager shadow's outputs; only at sampled steps.
        masked: At most 256 masked elements of the candidate, first ones in row-major order.
        loss_shape: The broadcast shape of (input, target); ``()`` when unknown.
        gradient: What came back into the model; None when no backward was seen.
        note: Why a side is missing, for a person; else empty.
    """

    step: int
    candidate: LossRecord | None
    reference: LossRecord | None = None
    masked: tuple[MaskedElement, ...] = ()
    loss_shape: tuple[int, ...] = ()
    gradient: GradientArrival | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A ``torch.autograd.Function`` of the user's that a module called on the eager side.

    Attributes:
        function: Its class name.
        module: Fully qualified name of the innermost module that called it.
    """

    function: str
    module: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """Everything seen in one sampled step, except the tensors themselves.

    Attributes:
        step: Number of the training forward pass, from 0.
        mode: Which of ORTModule's graphs ran.
        fallback: True when ORTModule ran eager PyTorch instead of ORT.
        reference: Sites of the eager shadow in execution order.
        candidate: Sites of ORT's run, in the order of its graph.
        hook_events: What ran on the shadow, in order.
        ort_secs: Wall time of ORT's forward and backward of this step.
        eager_secs: Wall time of the shadow's forward and backward.
        notes: Sentences for a person about what could not be recorded in this step.
        autocast: The dtype of autocast on the model's device during the forward, ``bfloat16`` or
            ``float16``; empty when it was off.
        drew_differently: Why what the two sides drew at random is not the same; empty when it is,
            or when nothing was drawn.
        undrawn_count: So many of the eager side's first module outputs were made before that was
            drawn, and can be compared all the same.
        unseen_changes: How the call differs from the one ORT's graph was exported for, where
            ORTModule did not look and ran the old graph; phrases for a person.
        functions: Custom autograd Functions that were called; looked for in some steps only.
        tap_check: Whether the instrumented graph gave what the plain one gives; only in the step
            in which that was checked, once for each export.
    """

    step: int
    mode: Mode
    fallback: bool
    reference: tuple[SiteRecord, ...]
    candidate: tuple[SiteRecord, ...]
    hook_events: tuple[HookEvent, ...] = ()
    ort_secs: float | None = None
    eager_secs: float | None = None
    notes: tuple[str, ...] = ()
    autocast: str = ""
    unseen_changes: tuple[str, ...] = ()
    drew_differently: str = ""
    undrawn_count: int = 0
    functions: tuple[FunctionCall, ...] = ()
    tap_check: TapCheck | None = None


@dataclass(frozen=True, slots=True)
class LossObservation:
    """What one call of a loss saw, as capture hands it on; nothing is computed from it yet.

    Arrays are on the host; bfloat16 is widened to float32, ``dtype`` keeps the true name.

    Attributes:
        step: Number of the training forward pass, from 0.
        input: The loss's first argument on ORT's side; None when it cannot be set against
            ``target`` element by element (for example class indices) or was never seen.
        target: The loss's second argument; None likewise.
        dtype: PyTorch's name of the input's dtype without ``torch.``.
        user_value: What the user's loss returned, when it is one number.
        user_loss: ``mae``, ``mape``, ``smape``, or the class name of another loss; several are
            joined by `` + ``; empty when no loss was seen.
        reference_input: The eager shadow's input to the same loss; None at unsampled steps.
        reference_user_value: The user's loss on the shadow's outputs; None when unknown.
        gradient: Gradient that arrived at the model's first output; None when no backward ran;
            without elements when it arrived, is finite, and no single element matters.
        note: Why something is missing, one sentence for a person; else empty.
    """

    step: int
    input: np.ndarray | None
    target: np.ndarray | None
    dtype: str
    user_value: float | None
    user_loss: str
    reference_input: np.ndarray | None = None
    reference_user_value: float | None = None
    gradient: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepCapture:
    """A sampled step with its tensors, as capture hands it on; the tensors live only here.

    Attributes:
        record: What is kept.
        reference_values: Site id to array on the host. bfloat16 is widened to float32.
        candidate_values: Likewise for ORT's side.
        repeat_values: ORT's side once more, from a second run on the same inputs; only in steps
            that were looked into deeply.
        wide_values: The eager side in float64 throughout; only in such steps.
        local_values: What eager PyTorch makes of ORT's own inputs to each single module: its
            outputs (``forward/``), and, from ORT's gradients of those outputs too, gradients of
            parameters (``parameter_grad/``) and of the outputs that were its inputs
            (``backward/``); only in such steps.
        start_values: Inputs and parameters, which both sides share, as the step found them; only
            those of which tensors or histograms are kept.
        rerun: What re-running the step takes, where that is kept.
        node_times: How long ORT's nodes took on the step's inputs, where that was measured.
    """

    record: StepRecord
    reference_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    candidate_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    repeat_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    wide_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    local_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    start_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    rerun: Rerunnable | None = None
    node_times: NodeTimes | None = None
