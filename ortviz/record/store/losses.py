"""Reads losses from a run file: one step, a range folded into bins, marks, masked elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.errors import UnknownNameError
from ortviz.record.steps import MaskedElement, StepLosses
from ortviz.record.store.bins import (
    BIN_DTYPE,
    LEVEL_SIZES,
    bin_width,
    bins_of_bodies,
    bins_of_steps,
    cover,
    fold,
)
from ortviz.record.store.database import Database
from ortviz.record.store.lossrows import losses_of, masked_of
from ortviz.record.store.marks import masked_steps, read_marks
from ortviz.record.store.results import MASKED_LOSSES, LossBins, LossMarks, MaskedElements

_MASKED_STEPS_AT_MOST = 1000


def read_losses(database: Database, step: int) -> StepLosses:
    """The losses of a step.

    Raises:
        UnknownNameError: None were recorded at that step.
    """
    row = database.row("SELECT candidate, reference, rest FROM loss WHERE step = ?", (step,))
    if row is None:
        bounds = step_range(database)
        known = (
            f"Losses are known from step {bounds[0]} to {bounds[1]}."
            if bounds
            else ("No step has losses yet.")
        )
        raise UnknownNameError(f"Step {step} has no losses.", known)
    return losses_of(step, *row)


def latest_losses(database: Database) -> StepLosses | None:
    """The newest losses; None before the first."""
    row = database.row(
        "SELECT step, candidate, reference, rest FROM loss ORDER BY step DESC LIMIT 1"
    )
    return None if row is None else losses_of(*row)


def step_range(database: Database) -> tuple[int, int] | None:
    """First and last step with losses; None when there is none."""
    first = database.row("SELECT step FROM loss ORDER BY step LIMIT 1")
    last = database.row("SELECT step FROM loss ORDER BY step DESC LIMIT 1")
    return None if first is None or last is None else (first[0], last[0])


def read_bins(database: Database, first: int | None, last: int | None, max_points: int) -> LossBins:
    """Losses of a range, folded into at most ``max_points`` bins."""
    bounds = step_range(database)
    low = max(bounds[0] if first is None else first, bounds[0]) if bounds else 0
    high = min(bounds[1] if last is None else last, bounds[1]) if bounds else -1
    if low > high:
        return _as_result(low, low - 1, 1, np.zeros(0, BIN_DTYPE))
    width, level = bin_width(low, high, max(max_points, 1))
    pieces = [_piece(database, *part) for part in cover(low, high, level)]
    return _as_result(low, high, width, fold(np.concatenate(pieces), width))


def read_loss_marks(database: Database, first: int, last: int, limit: int) -> LossMarks:
    """Steps whose loss or gradient is not finite."""
    return read_marks(database, first, last, max(limit, 1))


def read_masked(database: Database, loss: str, first: int, last: int, limit: int) -> MaskedElements:
    """Masked elements of a range of steps; steps are thinned when there are very many."""
    _check_loss(loss)
    steps, step_count, size = masked_steps(database, loss, first, last, _MASKED_STEPS_AT_MOST)
    found_steps: list[int] = []
    elements: list[MaskedElement] = []
    for step in steps:
        if len(elements) >= limit:
            break
        here = masked_at(database, loss, step)[: limit - len(elements)]
        elements += here
        found_steps += [step] * len(here)
    masked = read_bins(database, first, last, 2000).masked
    total = int(masked[MASKED_LOSSES.index(loss)].sum())
    return MaskedElements(tuple(found_steps), tuple(elements), step_count, total, size)


def masked_at(database: Database, loss: str, step: int) -> tuple[MaskedElement, ...]:
    """Masked elements of one loss at one step; empty when there is none."""
    _check_loss(loss)
    row = database.row("SELECT rest FROM loss WHERE step = ?", (step,))
    if row is None:
        return ()
    return tuple(element for element in masked_of(row[0]) if element.loss == loss)


def _check_loss(loss: str) -> None:
    if loss not in MASKED_LOSSES:
        raise UnknownNameError(
            f"{loss!r} is not a loss that masks elements.", "Those are mape and smape."
        )


def _piece(database: Database, level: int, first: int, last: int) -> NDArray[Any]:
    if level == 0:
        rows = database.rows(
            "SELECT step, candidate, reference FROM loss WHERE step BETWEEN ? AND ? ORDER BY step",
            (first, last),
        )
        return bins_of_steps(*([row[column] for row in rows] for column in range(3)))
    size = LEVEL_SIZES[level]
    rows = database.rows(
        "SELECT body FROM loss_bin WHERE level = ? AND bin BETWEEN ? AND ? ORDER BY bin",
        (level, first // size, last // size),
    )
    return bins_of_bodies([row[0] for row in rows])


def _as_result(first: int, last: int, width: int, bins: NDArray[Any]) -> LossBins:
    def bins_last(name: str) -> NDArray[Any]:
        return np.ascontiguousarray(np.moveaxis(bins[name], 0, -1))

    return LossBins(
        first,
        last,
        width,
        np.ascontiguousarray(bins["first_step"]),
        bins_last("minimum"),
        bins_last("maximum"),
        bins_last("last"),
        bins_last("masked"),
    )
