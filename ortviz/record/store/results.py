"""What the run store answers with, beyond the records themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ortviz.record.graphs import GraphRecord
from ortviz.record.runs import RunStatus
from ortviz.record.steps import MaskedElement, Side

if TYPE_CHECKING:
    import numpy as np

SIDES: tuple[Side, ...] = (Side.REFERENCE, Side.CANDIDATE)
"""Order of the side axis of :class:`LossBins`."""
LOSS_NAMES: tuple[str, ...] = (
    "mae",
    "mape",
    "smape",
    "user",
    "effective_mape",
    "effective_smape",
)
"""Order of the loss axis of :class:`LossBins`."""
MASKED_LOSSES: tuple[str, ...] = ("mape", "smape")
"""Order of the loss axis of ``LossBins.masked``."""
MASK_KINDS: tuple[str, ...] = ("nan", "posinf", "neginf")
"""Order of the kind axis of ``LossBins.masked``."""


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands, as its writer last said.

    Attributes:
        status: Waiting, live, paused or ended.
        latest_step: Number of the newest training forward pass, sampled or not; None before.
        step_count: Training forward passes so far.
        total_steps: How many there will be; None when unknown.
        steps_per_sec: Recent speed; None when unknown.
    """

    status: RunStatus = RunStatus.WAITING
    latest_step: int | None = None
    step_count: int = 0
    total_steps: int | None = None
    steps_per_sec: float | None = None


@dataclass(frozen=True, slots=True)
class LossBins:
    """Losses of a range of steps, folded into bins of equal width.

    Only bins that hold a step are present. Axes: ``side`` as in :data:`SIDES`, ``loss`` as in
    :data:`LOSS_NAMES`, ``masked loss`` as in :data:`MASKED_LOSSES`, ``kind`` as in
    :data:`MASK_KINDS`.

    Attributes:
        first_step: First step asked for, or the first there is.
        last_step: Last step asked for, or the last there is; ``first_step - 1`` when none.
        steps_per_bin: Width of a bin; 1 when nothing was folded.
        steps: int64 (bin): the first recorded step in each bin.
        minimum: float64 (side, loss, bin): least finite value; NaN where there is none.
        maximum: float64 (side, loss, bin): largest finite value; NaN where there is none.
        last: float64 (side, loss, bin): last finite value; NaN where there is none.
        masked: int64 (masked loss, kind, bin): masked elements of ORT's side, summed.
    """

    first_step: int
    last_step: int
    steps_per_bin: int
    steps: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    last: np.ndarray
    masked: np.ndarray


@dataclass(frozen=True, slots=True)
class LossMark:
    """A step at which a loss or the arriving gradient was not finite.

    Attributes:
        step: The first such step of those it stands for.
        side: The side.
        what: ``mae``, ``mape``, ``smape``, ``user`` or ``gradient``.
        kind: ``nan``, ``inf`` or ``-inf``, at ``step``.
        count: Steps it stands for; 1 unless marks were too many and were folded.
    """

    step: int
    side: Side
    what: str
    kind: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class LossMarks:
    """Marks of a range of steps, by step.

    Attributes:
        marks: At most as many as asked for.
        left_out_count: Marks folded into others or cut off.
    """

    marks: tuple[LossMark, ...]
    left_out_count: int


@dataclass(frozen=True, slots=True)
class MaskedElements:
    """Masked elements over a range of steps.

    Attributes:
        steps: The step of each element; same length as ``elements``, ascending.
        elements: The elements.
        masked_step_count: Steps in the range at which something was masked.
        masked_count: Elements masked in the range, recorded singly or only counted.
        steps_per_read: 1 when every masked step was read; else about one step of every so
            many was, so that the cost does not grow with the run.
    """

    steps: tuple[int, ...]
    elements: tuple[MaskedElement, ...]
    masked_step_count: int
    masked_count: int
    steps_per_read: int

    @property
    def left_out_count(self) -> int:
        """Masked elements in the range that are not among ``elements``."""
        return max(self.masked_count - len(self.elements), 0)


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """A saved stage without its bytes.

    Attributes:
        graph: The record; ``model_bytes`` is empty.
        size_bytes: Size of the ONNX file.
    """

    graph: GraphRecord
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SiteHistory:
    """One site of one side over the recorded steps.

    Attributes:
        steps: int64 (step): steps at which the site was captured, thinned evenly when many.
        minimum: float64 (step); NaN where there was no finite element. Likewise the others.
        maximum: float64 (step).
        mean: float64 (step).
        std: float64 (step).
        l2_norm: float64 (step).
        nonfinite_count: int64 (step).
        steps_per_read: 1 when no recorded step was left out.
    """

    steps: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    l2_norm: np.ndarray
    nonfinite_count: np.ndarray
    steps_per_read: int
