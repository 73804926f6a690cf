"""A run whose every number follows from its step, so that a file can be checked without a copy."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ortviz.record import (
    Direction,
    GradientArrival,
    GraphRecord,
    LossRecord,
    MaskCounts,
    Mode,
    RunInfo,
    Side,
    Site,
    SiteRecord,
    SiteStatus,
    Stage,
    StepLosses,
    StepRecord,
    TensorStats,
)
from ortviz.record.store import LOSS_NAMES, RunReader, RunWriter

SAMPLED_EVERY = 3
MAE = LOSS_NAMES.index("mae")
SITE = Site(Direction.FORWARD, "fc", "out0")


def info() -> RunInfo:
    return RunInfo("r", "run", 0.0, SAMPLED_EVERY, "ortmodule", "", (), (), ())


def mae_of(step: int) -> float:
    """Finite but at every fifth step."""
    return math.nan if step % 5 == 4 else float(step * 7919 % 1000)


def losses_of(step: int) -> StepLosses:
    masked = MaskCounts(step % 4, 0, 0)
    counts = (MaskCounts(), 8, None, "mae", 0, 0, 0)
    record = LossRecord(Side.CANDIDATE, mae_of(step), 1.0, 0.5, None, None, masked, *counts)
    broken = GradientArrival(1, 0, (0,)) if step % 11 == 0 else None
    return StepLosses(step, record, None, (), (8,), broken)


def record_of(step: int) -> StepRecord:
    numbers = (-1.0, 1.0, float(step), 0.5, 2.0)
    stats = TensorStats((2, 4), "float32", 8, *numbers, 0, 0, 0, 0, None)
    seen = tuple(
        SiteRecord(SITE, order, SiteStatus.CAPTURED, stats, module_type="Linear")
        for order in range(12)
    )
    return StepRecord(step, Mode.TRAINING, False, seen, seen)


def graph_of(step: int) -> GraphRecord:
    """Large enough that writing it takes a while."""
    content = bytes([step % 256]) * 300_000
    return GraphRecord(Mode.TRAINING, Stage.OPTIMIZED, (), (("Gemm", 1),), content, step)


def put(writer: RunWriter, step: int) -> None:
    """All that is kept of one step, in one transaction."""
    with writer.batch():
        writer.put_losses(losses_of(step))
        if step % SAMPLED_EVERY == 0:
            writer.put_step(record_of(step))
        if step % 20 == 10:
            writer.put_graph(graph_of(step))


def check_whole(reader: RunReader, *, every: int = SAMPLED_EVERY) -> int:
    """Assert that a file holds the steps 0, 1, … without a gap, and bins and marks that fit.

    Args:
        reader: The run.
        every: A step was sampled when its number divides by this.

    Returns:
        How many steps it holds.
    """
    bounds = reader.loss_step_range()
    count = 0 if bounds is None else bounds[1] + 1
    assert reader.sampled_steps().tolist() == list(range(0, count, every))
    for step in {*range(0, count, 7), *range(max(count - 5, 0), count)}:
        assert repr(reader.losses(step)) == repr(losses_of(step))
        if step % every == 0:
            assert reader.step(step).step == step
    if count:
        check_bins(reader, count)
        check_marks(reader, count)
    return count


def check_bins(reader: RunReader, count: int) -> None:
    for points in (5, 40):
        bins = reader.loss_bins(0, count - 1, points)
        rows = zip(
            bins.steps.tolist(),
            bins.minimum[1, MAE].tolist(),
            bins.maximum[1, MAE].tolist(),
            bins.last[1, MAE].tolist(),
            bins.masked[0, 0].tolist(),
            strict=True,
        )
        assert repr(list(rows)) == repr(list(_bins_by_a_loop(count, bins.steps_per_bin)))


def check_marks(reader: RunReader, count: int) -> None:
    marks = reader.loss_marks(0, count - 1, 10_000)
    assert marks.left_out_count == 0
    of = {what: [m.step for m in marks.marks if m.what == what] for what in ("mae", "gradient")}
    assert of["mae"] == [step for step in range(count) if math.isnan(mae_of(step))]
    assert of["gradient"] == list(range(0, count, 11))
    folded = reader.loss_marks(0, count - 1, 4)
    assert len(folded.marks) + folded.left_out_count == len(marks.marks)


def check_sound(path: Path) -> None:
    """Assert that SQLite finds nothing wrong with the file itself."""
    with RunReader.open(path) as reader:
        assert reader._database.row("PRAGMA integrity_check") == ("ok",)


def _bins_by_a_loop(count: int, width: int) -> Iterator[tuple[int, float, float, float, int]]:
    for start in range(0, count, width):
        steps = range(start, min(start + width, count))
        values = np.array([mae_of(step) for step in steps])
        finite = values[np.isfinite(values)].tolist()
        ends = (min(finite), max(finite), finite[-1]) if finite else (math.nan,) * 3
        yield (start, *ends, sum(step % 4 for step in steps))
