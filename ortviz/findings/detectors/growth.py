"""Whether loss or gradients were growing before they overflowed."""

from __future__ import annotations

import math
from collections import deque

from ortviz.findings.detectors.sites import seen
from ortviz.findings.words import number
from ortviz.record import Direction, StepLosses, StepRecord

_REMEMBERED = 10
_LEAST_VALUES = 3
_GROWN_BY = 10.0

FIRST_REMEDY = (
    "Lower the learning rate, or clip the gradients with torch.nn.utils.clip_grad_norm_ before "
    "optimizer.step(), before anything else."
)
"""What to try when the values grew until they overflowed."""


class Growth:
    """Remembers a few finite losses and gradient norms; the newest last."""

    def __init__(self) -> None:
        self._losses: deque[float] = deque(maxlen=_REMEMBERED)
        self._gradients: deque[float] = deque(maxlen=_REMEMBERED)

    def add_losses(self, losses: StepLosses) -> None:
        """Take the loss the user trains with, of ORT's side."""
        record = losses.candidate
        if record is not None and record.user_value is not None:
            _add(self._losses, abs(record.user_value))

    def add_step(self, record: StepRecord) -> None:
        """Take the norm of all parameters' gradients together, if all of them are finite."""
        gradients = [
            one.stats
            for one in seen(record.candidate or record.reference, Direction.PARAMETER_GRAD)
            if one.stats is not None
        ]
        norms = [stats.l2_norm for stats in gradients if stats.l2_norm is not None]
        if norms and not any(stats.nonfinite_count for stats in gradients):
            _add(self._gradients, math.hypot(*norms))

    def words(self) -> str:
        """One sentence about what grew up to now; empty when nothing did."""
        for what, values in (("The loss", self._losses), ("The gradients' norm", self._gradients)):
            if _grows(values):
                return (
                    f"{what} grew from {number(min(values))} to {number(values[-1])} over the "
                    f"{len(values)} recorded steps before: the training diverges."
                )
        return ""


def _add(values: deque[float], value: float) -> None:
    if math.isfinite(value):
        values.append(value)


def _grows(values: deque[float]) -> bool:
    if len(values) < _LEAST_VALUES or not values[-3] < values[-2] < values[-1]:
        return False
    return values[-1] == max(values) and values[-1] >= _GROWN_BY * min(values)
