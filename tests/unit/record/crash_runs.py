"""A run whose every number follows from its step, so that a file can be checked without a copy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ortviz.record import (
    ArgumentTree,
    Direction,
    GradientArrival,
    GraphRecord,
    LossObservation,
    LossRecord,
    MaskCounts,
    Mode,
    RawTensor,
    Rerunnable,
    RerunRecord,
    RunInfo,
    Side,
    Site,
    SiteRecord,
    SiteStatus,
    Stage,
    StepCapture,
    StepLosses,
    StepRecord,
    TensorStats,
)
from ortviz.record.histograms import histogram_of
from ortviz.record.keeping import ENTRY_BYTES
from ortviz.record.store import LOSS_NAMES, RunReader, RunWriter

SAMPLED_EVERY = 3
MAE = LOSS_NAMES.index("mae")
RERUNS = 3
"""Steps of a written run that can be re-run."""
SITE = Site(Direction.FORWARD, "fc", "out0")


def info(every: int = SAMPLED_EVERY) -> RunInfo:
    return RunInfo("r", "run", 0.0, every, "ortmodule", "", (), (), ())


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


def tensor_of(step: int) -> RawTensor:
    """The tensor kept of a sampled step."""
    return RawTensor(np.arange(step, step + 500, dtype=np.float32), "float32")


def rerunnable_of(step: int) -> Rerunnable:
    """What re-running a sampled step takes: weights that change and others that do not."""
    record = RerunRecord(step, ArgumentTree("tuple"), ArgumentTree("dict"), ("weight",), ())
    frozen = RawTensor(np.ones(500, np.float32), "float32")
    return Rerunnable(record, {"parameter/weight": tensor_of(step), "frozen": frozen})


def put_tensors(writer: RunWriter, step: int) -> None:
    """A tensor, its histogram, and what re-running takes, of which the newest steps are kept."""
    writer.put_kept(step, SITE.id, 0, {Side.CANDIDATE: tensor_of(step)})
    writer.put_histogram(step, SITE.id, Side.CANDIDATE, histogram_of(tensor_of(step).values))
    one = tensor_of(step).size_bytes + ENTRY_BYTES
    earlier = min(step // SAMPLED_EVERY, RERUNS)
    used = (earlier + 1) * one if earlier else 0
    assert writer.put_rerun(rerunnable_of(step), (RERUNS + 1) * one, used) <= (RERUNS + 1) * one


def put(writer: RunWriter, step: int) -> None:
    """All that is kept of one step, in one transaction."""
    with writer.batch():
        writer.put_losses(losses_of(step))
        if step % SAMPLED_EVERY == 0:
            writer.put_step(record_of(step))
            put_tensors(writer, step)
        if step % 20 == 10:
            writer.put_graph(graph_of(step))


def capture_of(step: int) -> StepCapture:
    """A sampled step as capture hands it over, equal on both sides."""
    record = record_of(step)
    values = {SITE.id: np.linspace(0.0, 1.0, 8, dtype=np.float32)}
    return StepCapture(record, values, dict(values))


def observation_of(step: int) -> LossObservation:
    """A loss call with MAE ``mae_of(step)`` and some targets of 0, which MAPE masks."""
    target = np.ones(8)
    target[: step % 4] = 0.0
    gradient = np.full(8, math.nan if step % 11 == 0 else 0.0)
    return LossObservation(
        step, target + mae_of(step), target, "float64", mae_of(step), "mae", gradient=gradient
    )


def check_whole(reader: RunReader, *, every: int = SAMPLED_EVERY, skip: int | None = None) -> int:
    """Assert that a file holds the steps 0, 1, … without a gap, and bins and marks that fit.

    Args:
        reader: The run.
        every: A step was sampled when its number divides by this.
        skip: A step whose record is not looked at.

    Returns:
        How many steps it holds.
    """
    held = check_fits(reader)
    count = len(held)
    assert list(held) == list(range(count))
    assert reader.sampled_steps().tolist() == list(range(0, count, every))
    for step in {*range(0, count, 7), *range(max(count - 5, 0), count)}:
        assert repr(held[step]) == repr(losses_of(step))
        if step % every == 0 and step != skip:
            assert reader.step(step).step == step
    if reader.kept.rerun_steps():
        _check_tensors(reader, [step for step in range(0, count, every) if step != skip])
    return count


def _check_tensors(reader: RunReader, sampled: list[int]) -> None:
    """Each sampled step has its tensor, the newest can be re-run, and nothing is left over."""
    for step in {*sampled[::7], *sampled[-5:]}:
        kept = reader.kept.tensor(step, SITE.id, Side.CANDIDATE)
        assert np.array_equal(kept.values, tensor_of(step).values)
        assert reader.kept.histogram(step, SITE.id, Side.CANDIDATE) is not None
    assert list(reader.kept.rerun_steps()) == sampled[-RERUNS:]
    for step in sampled[-RERUNS:]:
        for name, tensor in rerunnable_of(step).tensors.items():
            assert np.array_equal(reader.kept.rerun(step).tensors[name].values, tensor.values)
    ask = reader._database.row
    assert ask("SELECT count(*) FROM tensor") == (len(sampled) + len(sampled[-RERUNS:]) + 1,)
    assert ask("SELECT count(*) FROM tensor") == ask("SELECT count(*) FROM tensor_part")


def check_fits(reader: RunReader) -> dict[int, StepLosses]:
    """Assert that bins and marks say what the steps say, whichever steps there are.

    Returns:
        The losses of every step, by step, ascending.
    """
    rows = reader._database.rows("SELECT step FROM loss ORDER BY step")
    held = {int(row[0]): reader.losses(int(row[0])) for row in rows}
    for points in (5, 40) if held else ():
        _check_bins(reader, held, points)
    marks = reader.loss_marks(0, 10**9, 10_000)
    assert marks.left_out_count == 0
    of = {what: [m.step for m in marks.marks if m.what == what] for what in ("mae", "gradient")}
    assert of["mae"] == [step for step, losses in held.items() if not math.isfinite(_mae(losses))]
    broken = [
        step for step, losses in held.items() if losses.gradient and losses.gradient.nan_count
    ]
    assert of["gradient"] == broken
    folded = reader.loss_marks(0, 10**9, 4)
    assert len(folded.marks) + folded.left_out_count == len(marks.marks)
    return held


def check_sound(path: Path) -> None:
    """Assert that SQLite finds nothing wrong with the file itself."""
    with RunReader.open(path) as reader:
        assert reader._database.row("PRAGMA integrity_check") == ("ok",)


def _check_bins(reader: RunReader, held: dict[int, StepLosses], points: int) -> None:
    bins = reader.loss_bins(max_points=points)
    rows = zip(
        bins.steps.tolist(),
        bins.minimum[1, MAE].tolist(),
        bins.maximum[1, MAE].tolist(),
        bins.last[1, MAE].tolist(),
        bins.masked[0].sum(axis=0).tolist(),
        strict=True,
    )
    assert repr(list(rows)) == repr(list(_bins_by_a_loop(held, bins.steps_per_bin)))


def _bins_by_a_loop(
    held: dict[int, StepLosses], width: int
) -> Iterator[tuple[int, float, float, float, int]]:
    for _, group in itertools.groupby(held, lambda step: step // width):
        steps = list(group)
        finite = [_mae(held[step]) for step in steps if math.isfinite(_mae(held[step]))]
        ends = (min(finite), max(finite), finite[-1]) if finite else (math.nan,) * 3
        yield (steps[0], *ends, sum(_masked(held[step]) for step in steps))


def _mae(losses: StepLosses) -> float:
    assert losses.candidate is not None
    assert losses.candidate.mae is not None
    return losses.candidate.mae


def _masked(losses: StepLosses) -> int:
    return losses.candidate.mape_mask.total if losses.candidate else 0
