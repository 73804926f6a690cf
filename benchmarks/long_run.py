"""A run of a million steps beside a run of a thousand: writing one more step, and asking."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.filled_run import fill, losses_of, record_of
from benchmarks.row import Row
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.commands import handle

SHORT, LONG = 1_000, 1_000_000
ROUNDS, STEPS = 40, 25
POINTS = 500
WRITE_LIMIT = 1.5
"""SQLite's trees are one level deeper, and their pages no longer all in its cache."""
ASK_LIMIT = 4.0
"""The short run has no more than a thousand points to read; the long one has up to 8 for each."""


def measure() -> Iterator[Row]:
    """One row for writing a step, three for what a screen asks."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {count: Path(folder) / f"{count}.ortviz" for count in (SHORT, LONG)}
        writers = {count: fill(path, count) for count, path in paths.items()}
        yield _writing(writers)
        for writer in writers.values():
            writer.close()
        asked: dict[str, Callable[[RunReader, int], object]] = {
            "all losses": lambda reader, count: reader.loss_bins(max_points=POINTS),
            f"zoom in on {POINTS} steps": lambda reader, count: reader.loss_bins(
                count // 3, count // 3 + POINTS - 1, POINTS
            ),
            "summary": lambda reader, count: handle(reader, "summary", {}),
        }
        for what, ask in asked.items():
            yield _asking(paths, what, ask)


def _writing(writers: dict[int, RunWriter]) -> Row:
    """Each adds steps in turn, so that a busy machine slows both alike."""
    next_step = dict.fromkeys(writers, 0)
    secs: dict[int, list[float]] = {count: [] for count in writers}
    for _ in range(ROUNDS):
        for count, writer in writers.items():
            first = count + next_step[count]
            began = time.perf_counter()
            for step in range(first, first + STEPS):
                with writer.batch():
                    writer.put_losses(losses_of(step))
                    writer.put_step(record_of(step))
            secs[count].append((time.perf_counter() - began) / STEPS)
            next_step[count] += STEPS
    return _row("write one more step", secs, WRITE_LIMIT)


def _asking(paths: dict[int, Path], what: str, ask: Callable[[RunReader, int], object]) -> Row:
    secs: dict[int, list[float]] = {count: [] for count in paths}
    for _ in range(ROUNDS):
        for count, path in paths.items():
            with RunReader.open(path) as reader:
                began = time.perf_counter()
                ask(reader, count)
                secs[count].append(time.perf_counter() - began)
    return _row(what, secs, ASK_LIMIT)


def _row(what: str, secs: dict[int, list[float]], limit: float) -> Row:
    short, long = (statistics.median(secs[count]) * 1e3 for count in (SHORT, LONG))
    return Row(
        what=f"{what}, {LONG:,} steps",
        peer=f"{SHORT:,} steps",
        ratio=long / short,
        limit=limit,
        detail=f"{long:.2f} ms against {short:.2f} ms, medians of {ROUNDS}",
    )
