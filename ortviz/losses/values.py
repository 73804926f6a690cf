"""What the losses report, as plain data: no tensor, no array, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from ortviz.errors import UnknownNameError

LossName = Literal["mae", "mape", "smape"]
"""The three losses, by the names they have in records and on the wire."""

RatioName = Literal["mape", "smape"]
"""The two losses that divide, and so the two that mask."""


class MaskCode(IntEnum):
    """What became of one element of a loss; the values of every code tensor and code array."""

    KEPT = 0
    """The ratio was finite and counts with its own value."""
    NAN = 1
    """The ratio was NaN (0/0, inf/inf or NaN among the operands) and counts as 0."""
    POS_INF = 2
    """The ratio was +inf and counts as 0."""
    NEG_INF = 3
    """The ratio was -inf and counts as 0."""


@dataclass(frozen=True, slots=True)
class MaskCounts:
    """How many elements of a loss were set to 0, and what the loss is without them.

    Attributes:
        nan_count: Elements whose ratio was NaN.
        pos_inf_count: Elements whose ratio was +inf.
        neg_inf_count: Elements whose ratio was -inf.
        element_count: All elements the mean is taken over, masked ones included.
        effective_loss: Mean over the kept elements only, summed in float64; the loss itself if
            nothing was masked. The loss divides by ``element_count`` and so looks better the more
            is masked. NaN if nothing was kept: there is no loss then, although the loss
            function says 0.
    """

    nan_count: int
    pos_inf_count: int
    neg_inf_count: int
    element_count: int
    effective_loss: float

    @property
    def masked_count(self) -> int:
        """Elements that count as 0 because their ratio was not finite."""
        return self.nan_count + self.pos_inf_count + self.neg_inf_count

    @property
    def kept_count(self) -> int:
        """Elements that count with their own value."""
        return self.element_count - self.masked_count


@dataclass(frozen=True, slots=True)
class ThreeLosses:
    """All three losses of one ``(input, target)``.

    Attributes:
        mae: Mean absolute error. NaN or inf if any element is: nothing is masked.
        mape: Mean absolute percentage error as a fraction (no factor 100), masked elements as 0.
        smape: Symmetric MAPE as a fraction between 0 and 1 (no factor 200), masked elements as 0.
        mape_mask: What MAPE masked.
        smape_mask: What sMAPE masked.
    """

    mae: float
    mape: float
    smape: float
    mape_mask: MaskCounts
    smape_mask: MaskCounts


def check_masking_loss(loss: str) -> None:
    """Refuse a name that is not of a loss that masks.

    Args:
        loss: What should be ``"mape"`` or ``"smape"``.

    Raises:
        UnknownNameError: If it is not.
    """
    if loss not in ("mape", "smape"):
        raise UnknownNameError(
            f"{loss!r} is not a loss that masks elements.",
            'Ask for "mape" or "smape"; "mae" keeps every element.',
        )
