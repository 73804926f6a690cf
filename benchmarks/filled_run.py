"""A long run in seconds: the rows that ``RunWriter`` would write, all at once.

``tests/unit/record/test_crash_size.py`` holds it to the writer's own rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.record import (
    Direction,
    LossRecord,
    MaskCounts,
    Mode,
    RunInfo,
    Side,
    Site,
    SiteRecord,
    SiteStatus,
    StepLosses,
    StepRecord,
    TensorStats,
)
from ortviz.record.store import RunWriter
from ortviz.record.store.bins import LEVEL_SIZES, bins_of_steps, fold
from ortviz.record.store.database import Database
from ortviz.record.store.lossrows import rest_of, row_of
from ortviz.record.store.packing import pack

SAMPLED_EVERY = 5
SITE = Site(Direction.FORWARD, "fc", "out0")
_NAN_EVERY = 199
_MASKED_EVERY = 10
_CHUNK = 8 ** (len(LEVEL_SIZES) - 3)


def info() -> RunInfo:
    """Of a model without modules."""
    return RunInfo("r", "long", 0.0, SAMPLED_EVERY, "ortmodule", "", (), (), ())


def losses_of(step: int) -> StepLosses:
    """A loss that falls, with a mask at some steps and NaN at a few."""
    mae = math.nan if step % _NAN_EVERY == 5 else 100.0 / (step + 1) + step * 7919 % 13
    masked = (MaskCounts(step % _MASKED_EVERY == 0, 0, 0), MaskCounts())
    record = LossRecord(Side.CANDIDATE, mae, 1.0, 0.5, None, None, *masked, 8, mae, "mae", 0, 0, 0)
    return StepLosses(step, record, None, (), (8,))


def record_of(step: int) -> StepRecord:
    """Two sites on either side."""
    stats = TensorStats((2, 4), "float32", 8, -1.0, 1.0, step, 0.5, 2.0, 0, 0, 0, 0, None)
    seen = tuple(SiteRecord(SITE, order, SiteStatus.CAPTURED, stats) for order in range(2))
    return StepRecord(step, Mode.TRAINING, fallback=False, reference=seen, candidate=seen)


def fill(path: Path, step_count: int) -> RunWriter:
    """A run of so many steps, every fifth of them sampled, and its writer, ready for the next."""
    writer = RunWriter.create(path, info())
    database = writer._database
    levels: list[list[NDArray[Any]]] = [[] for _ in LEVEL_SIZES]
    for first in range(0, step_count, _CHUNK):
        steps = range(first, min(first + _CHUNK, step_count))
        with database.transaction():
            bodies = _put_losses(database, steps)
            _put_steps(database, steps)
        bins = bins_of_steps(list(steps), bodies, [None] * len(bodies))
        for level, size in enumerate(LEVEL_SIZES):
            bins = fold(bins, size)
            # The steps themselves are in the table of losses.
            levels[level] += [bins] if level else []
    with database.transaction():
        _put_bins(database, levels)
        _put_marks(database, step_count)
    # As after an error: the newest bins are read back before the next step is added.
    writer._open_bins = None
    writer._newest_loss_step = step_count - 1
    return writer


def _put_losses(database: Database, steps: range) -> list[bytes | None]:
    bodies: list[bytes | None] = []

    def rows() -> Iterator[tuple[int, bytes | None, None, bytes]]:
        for step in steps:
            losses = losses_of(step)
            bodies.append(row_of(losses.candidate))
            yield step, bodies[-1], None, rest_of(losses)

    database.execute_many(
        "INSERT INTO loss (step, candidate, reference, rest) VALUES (?, ?, ?, ?)", rows()
    )
    return bodies


def _put_steps(database: Database, steps: range) -> None:
    sampled = [step for step in steps if step % SAMPLED_EVERY == 0]
    database.execute_many("INSERT INTO step (step) VALUES (?)", [(step,) for step in sampled])
    database.execute_many(
        "INSERT INTO step_body (step, record, comparison) VALUES (?, ?, NULL)",
        ((step, pack(record_of(step))) for step in sampled),
    )


def _put_bins(database: Database, levels: list[list[NDArray[Any]]]) -> None:
    for level in range(1, len(LEVEL_SIZES)):
        size = LEVEL_SIZES[level]
        # A level wider than a chunk has one piece of a bin in each of several chunks.
        bins = fold(np.concatenate(levels[level]), size)
        database.execute_many(
            "INSERT INTO loss_bin (level, bin, body) VALUES (?, ?, ?)",
            ((level, int(one["first_step"]) // size, one.tobytes()) for one in bins),
        )


def _put_marks(database: Database, step_count: int) -> None:
    steps = np.arange(step_count)
    for family, what, kind, marked in (
        ("nonfinite", "mae", "nan", steps[steps % _NAN_EVERY == 5]),
        ("nonfinite", "user", "nan", steps[steps % _NAN_EVERY == 5]),
        ("mape", "", "", steps[steps % _MASKED_EVERY == 0]),
    ):
        for level, size in enumerate(LEVEL_SIZES):
            keys, starts, counts = np.unique(marked // size, return_index=True, return_counts=True)
            database.execute_many(
                "INSERT INTO mark (level, family, bin, side, what, step, kind, count) "
                "VALUES (?, ?, ?, 1, ?, ?, ?, ?)",
                [
                    (level, family, key, what, step, kind, count)
                    for key, step, count in zip(
                        keys.tolist(), marked[starts].tolist(), counts.tolist(), strict=True
                    )
                ],
            )
