"""Steps worth a mark: a loss or gradient that was not finite, or elements that were masked.

Kept at the levels of the loss bins, so that a run that is NaN from the first step on does not
make reading them slower.
"""

from __future__ import annotations

import math

from ortviz.record.steps import LossRecord, Side, StepLosses
from ortviz.record.store.bins import FACTOR, LEVEL_SIZES, cover
from ortviz.record.store.database import Database, Row
from ortviz.record.store.packing import DamagedContentError
from ortviz.record.store.results import SIDES, LossMark, LossMarks

_NONFINITE = "nonfinite"
"""Family of the marks of losses and gradients; the other families are the masked losses."""
_CANDIDATE = SIDES.index(Side.CANDIDATE)
_UPSERT = (
    "INSERT INTO mark (level, family, bin, side, what, step, kind, count) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 1) "
    "ON CONFLICT (level, family, bin, side, what) DO UPDATE SET count = count + 1"
)
_MERGE = (
    "INSERT INTO mark (level, family, bin, side, what, step, kind, count) "
    "SELECT ?, family, ?, side, what, min(step), kind, sum(count) FROM mark "
    "WHERE level = ? AND family = ? AND bin BETWEEN ? AND ? GROUP BY family, side, what"
)
_FAMILIES = (_NONFINITE, "mape", "smape")
_WHATS = ("mae", "mape", "smape", "user", "gradient", "")
_KINDS = ("nan", "inf", "-inf", "")

Mark = tuple[str, int, str, str]
"""Family, index of the side, what, kind."""


def marks_of(losses: StepLosses) -> list[Mark]:
    """Everything to be marked at a step."""
    marks: list[Mark] = []
    for record in (losses.reference, losses.candidate):
        if record is not None:
            marks += _loss_marks(record)
    if losses.candidate is not None:
        masks = {"mape": losses.candidate.mape_mask, "smape": losses.candidate.smape_mask}
        marks += [(loss, _CANDIDATE, "", "") for loss, mask in masks.items() if mask.total]
    arrival = losses.gradient
    if arrival is not None and arrival.nan_count + arrival.inf_count:
        kind = "nan" if arrival.nan_count else "inf"
        marks.append((_NONFINITE, _CANDIDATE, "gradient", kind))
    return marks


def add_marks(database: Database, losses: StepLosses) -> None:
    """Write the marks of a step that has none yet."""
    step = losses.step
    database.execute_many(
        _UPSERT,
        [
            (level, family, step // size, side, what, step, kind)
            for family, side, what, kind in marks_of(losses)
            for level, size in enumerate(LEVEL_SIZES)
        ],
    )


def replace_marks(database: Database, losses: StepLosses) -> None:
    """Write the marks of a step that may have some, and of the bins it lies in."""
    step = losses.step
    delete = "DELETE FROM mark WHERE level = ? AND family = ? AND bin = ?"
    database.execute_many(delete, [(0, family, step) for family in _FAMILIES])
    database.execute_many(
        _UPSERT,
        [
            (0, family, step, side, what, step, kind)
            for family, side, what, kind in marks_of(losses)
        ],
    )
    for level in range(1, len(LEVEL_SIZES)):
        key = step // LEVEL_SIZES[level]
        children = (key * FACTOR, key * FACTOR + FACTOR - 1)
        database.execute_many(delete, [(level, family, key) for family in _FAMILIES])
        database.execute_many(
            _MERGE, [(level, key, level - 1, family, *children) for family in _FAMILIES]
        )


def read_marks(database: Database, first: int, last: int, limit: int) -> LossMarks:
    """Marks of losses and gradients, folded until they are at most ``limit``."""
    rows, _ = _fewest(database, _NONFINITE, first, last, limit)
    marks = tuple(
        LossMark(step, SIDES[side], what, kind, count)
        for step, side, what, kind, count in rows[:limit]
    )
    return LossMarks(marks, sum(row[4] for row in rows) - len(marks))


def masked_steps(
    database: Database, loss: str, first: int, last: int, max_steps: int
) -> tuple[list[int], int, int]:
    """Steps with masked elements, thinned to one a bin until they are at most ``max_steps``.

    Returns:
        (steps ascending, how many steps they stand for, steps per bin).
    """
    rows, size = _fewest(database, loss, first, last, max_steps)
    return [row[0] for row in rows[:max_steps]], sum(row[4] for row in rows), size


def _fewest(
    database: Database, family: str, first: int, last: int, limit: int
) -> tuple[list[Row], int]:
    """Marks at the finest level at which they are at most ``limit``, and its steps per bin."""
    rows: list[Row] = []
    size = 1
    for level, size in enumerate(LEVEL_SIZES):
        rows = []
        # The coarsest are few, and are read to the end so that none goes uncounted.
        most = -1 if size == LEVEL_SIZES[-1] else limit + 1
        for part, low, high in cover(first, last, level):
            unit = LEVEL_SIZES[part]
            rows += database.rows(
                "SELECT step, side, what, kind, count FROM mark "
                "WHERE level = ? AND family = ? AND bin BETWEEN ? AND ? "
                "ORDER BY bin, side, what LIMIT ?",
                (part, family, low // unit, high // unit, most),
            )
        if len(rows) <= limit:
            break
    if not all(map(_is_mark, rows)):
        raise DamagedContentError("one of its marks is none")
    return rows, size


def _is_mark(row: Row) -> bool:
    step, side, what, kind, count = row
    known = what in _WHATS and kind in _KINDS and side in range(len(SIDES))
    return known and isinstance(step, int) and isinstance(count, int)


def _loss_marks(record: LossRecord) -> list[Mark]:
    values = {
        "mae": record.mae,
        "mape": record.mape,
        "smape": record.smape,
        "user": record.user_value,
    }
    return [
        (_NONFINITE, SIDES.index(record.side), what, _kind(value))
        for what, value in values.items()
        if value is not None and not math.isfinite(value)
    ]


def _kind(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"
