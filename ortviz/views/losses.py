"""The answer to ``losses``: curves, masked counts and marks on one axis of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ortviz.protocol.codec import Buffers
from ortviz.protocol.messages import LossesView, LossMark, LossSeries, MaskedCounts
from ortviz.protocol.wire import LossName
from ortviz.record import StepLosses
from ortviz.record.store import (
    LOSS_NAMES,
    MASK_KINDS,
    MASKED_LOSSES,
    SIDES,
    LossBins,
    LossMarks,
)
from ortviz.record.store import LossMark as StoredMark
from ortviz.views.cells import float_column, int_column

WIRE_LOSSES: tuple[LossName, ...] = ("mae", "mape", "smape", "user")
"""The curves of the losses view, in its order."""

_WHAT: dict[str, LossName | Literal["gradient"]] = {
    **{name: name for name in WIRE_LOSSES},
    "gradient": "gradient",
}
_KIND: dict[str, Literal["nan", "inf", "-inf"]] = {"nan": "nan", "inf": "inf", "-inf": "-inf"}


def losses_view(
    bins: LossBins,
    marks: LossMarks,
    newest: StepLosses | None,
    notes: Sequence[str],
    buffers: Buffers,
) -> LossesView:
    """Losses of a range of steps.

    A curve without any finite value is left out, unless a mark lies on it.

    Args:
        bins: The range, folded.
        marks: Where a loss or a gradient was not finite in that range.
        newest: Losses of the last step at which the user's loss was seen; None when none was.
        notes: Sentences for a person.
        buffers: Takes the columns.
    """
    seen = newest.candidate or newest.reference if newest else None
    return {
        "first_step": bins.first_step,
        "last_step": bins.last_step,
        "steps_per_bin": bins.steps_per_bin,
        "steps": int_column(buffers, bins.steps),
        "trains_with": seen.user_loss if seen else "",
        "series": _series(bins, marks, buffers),
        "masked": _masked(bins, buffers),
        "marks": [_mark(mark) for mark in marks.marks],
        "marks_left_out_count": marks.left_out_count,
        "element_count": seen.element_count if seen else 0,
        "notes": list(notes),
    }


def has_values(bins: LossBins, side: int, loss: LossName) -> bool:
    """Whether one curve has any finite value; ``side`` as in ``results.SIDES``."""
    return bool(np.isfinite(bins.last[side, LOSS_NAMES.index(loss)]).any())


def _mark(mark: StoredMark) -> LossMark:
    return {
        "step": mark.step,
        "side": mark.side.value,
        "what": _WHAT[mark.what],
        "kind": _KIND[mark.kind],
    }


def _series(bins: LossBins, marks: LossMarks, buffers: Buffers) -> list[LossSeries]:
    marked = {(mark.side, mark.what) for mark in marks.marks}
    series: list[LossSeries] = []
    for loss in WIRE_LOSSES:
        place = LOSS_NAMES.index(loss)
        for index, side in enumerate(SIDES):
            if not has_values(bins, index, loss) and (side, loss) not in marked:
                continue
            series.append(
                {
                    "side": side.value,
                    "loss": loss,
                    "minimum": float_column(buffers, bins.minimum[index, place]),
                    "maximum": float_column(buffers, bins.maximum[index, place]),
                    "last": float_column(buffers, bins.last[index, place]),
                }
            )
    return series


def _masked(bins: LossBins, buffers: Buffers) -> list[MaskedCounts]:
    nan, posinf, neginf = (MASK_KINDS.index(kind) for kind in ("nan", "posinf", "neginf"))
    counts: list[MaskedCounts] = []
    for loss in ("mape", "smape"):
        kinds = bins.masked[MASKED_LOSSES.index(loss)]
        counts.append(
            {
                "loss": loss,
                "nan": int_column(buffers, kinds[nan]),
                "posinf": int_column(buffers, kinds[posinf]),
                "neginf": int_column(buffers, kinds[neginf]),
            }
        )
    return counts
