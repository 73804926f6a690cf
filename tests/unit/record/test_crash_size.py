"""A long run: what is asked of it costs the same as of a short one, counted in SQLite's steps."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks import filled_run
from ortviz.record import Side
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.commands import handle

SHORT, LONG = 12_500, 100_000
"""A factor of 8, so that the same bins are read one level higher, and everything is thinned."""
TABLES = ("loss", "loss_bin", "mark", "step", "step_body", "loss_note")


def work_of(connection: sqlite3.Connection, act: Callable[[], object]) -> int:
    """Instructions of SQLite's virtual machine that ``act`` takes."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(tick, 1)
    act()
    connection.set_progress_handler(None, 1)
    return count


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "run.ortviz"
    filled_run.fill(path, LONG).close()
    return path


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("short") / "run.ortviz"
    filled_run.fill(path, SHORT).close()
    return path


def test_the_filled_run_is_what_the_writer_writes(tmp_path: Path) -> None:
    count = 3000
    filled_run.fill(tmp_path / "filled", count).close()
    with RunWriter.create(tmp_path / "written", filled_run.info()) as writer, writer.batch():
        for step in range(count):
            writer.put_losses(filled_run.losses_of(step))
            if step % filled_run.SAMPLED_EVERY == 0:
                writer.put_step(filled_run.record_of(step))
    contents = []
    for name in ("filled", "written"):
        connection = sqlite3.connect(tmp_path / name)
        rows = {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in TABLES}
        connection.close()
        contents.append({table: sorted(rows[table], key=repr) for table in TABLES})
    for table in TABLES:
        assert contents[0][table] == contents[1][table], table


ASKED: dict[str, Callable[[RunReader], Any]] = {
    "all losses": lambda reader: reader.loss_bins(max_points=500),
    "a part of the losses": lambda reader: reader.loss_bins(101, 899, 200),
    "all marks": lambda reader: reader.loss_marks(limit=20),
    "masked elements": lambda reader: reader.masked_elements("mape", limit=100),
    "sampled steps": lambda reader: reader.sampled_steps(100),
    "how many": lambda reader: reader.sampled_step_count(),
    "history": lambda reader: reader.site_history(filled_run.SITE.id, Side.CANDIDATE, 100),
    "newest losses": lambda reader: reader.latest_losses(),
    "a step": lambda reader: reader.step(500),
    "summary": lambda reader: handle(reader, "summary", {}),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_long_run_is_asked_as_cheaply_as_a_short_one(
    short_run: Path, long_run: Path, asked: str
) -> None:
    work = {}
    for path in (short_run, long_run):
        with RunReader.open(path) as reader:
            connection = reader._database._connection
            work[path] = work_of(connection, lambda reader=reader: ASKED[asked](reader))
    assert work[long_run] <= 1.3 * work[short_run]


def test_zooming_in_costs_no_more_than_the_whole(long_run: Path) -> None:
    with RunReader.open(long_run) as reader:
        connection = reader._database._connection
        whole = work_of(connection, lambda: reader.loss_bins(max_points=500))
        for width in (50_000, 5_000, 500, 50):
            for first in (0, 33_333, LONG - width):
                zoomed = work_of(
                    connection,
                    lambda first=first, last=first + width - 1: reader.loss_bins(first, last, 500),
                )
                assert zoomed <= 5 * whole


def test_a_long_run_is_drawn_right_at_every_zoom(long_run: Path) -> None:
    mae = np.array([float(filled_run.losses_of(s).candidate.mae) for s in range(LONG)])  # type: ignore[union-attr, arg-type]
    with RunReader.open(long_run) as reader:
        for first, last in ((0, LONG - 1), (12_345, 67_890), (99_000, 99_999), (77, 77)):
            bins = reader.loss_bins(first, last, 300)
            edges = [*bins.steps.tolist(), last + 1]
            assert edges[0] == first
            for index, (start, end) in enumerate(itertools.pairwise(edges)):
                finite = mae[start:end][np.isfinite(mae[start:end])]
                assert bins.minimum[1, 0, index] == finite.min()
                assert bins.maximum[1, 0, index] == finite.max()
                assert bins.last[1, 0, index] == finite[-1]
        steps = reader.sampled_steps(2000)
        assert (steps[0], steps[-1], len(steps)) == (0, LONG - filled_run.SAMPLED_EVERY, 2000)
        assert np.diff(steps).max() <= 3 * np.median(np.diff(steps))
        marks = reader.loss_marks(limit=20)
        assert sum(mark.count for mark in marks.marks) == int(np.isnan(mae).sum()) * 2


def test_the_answer_that_is_pushed_while_live_has_one_size(short_run: Path, long_run: Path) -> None:
    sizes = []
    for path in (short_run, long_run):
        with RunReader.open(path) as reader:
            payload, buffers = handle(reader, "summary", {})
        sizes.append(len(msgspec.json.encode(payload)) + sum(map(len, buffers)))
    assert sizes[1] <= 1.05 * sizes[0]


def test_a_late_step_is_written_as_cheaply_as_an_early_one(tmp_path: Path) -> None:
    work = []
    # Neither begins a new bin, and there is no mark at either.
    for count in (808, 12_504):
        writer = filled_run.fill(tmp_path / f"{count}.ortviz", count)
        connection = writer._database._connection

        def put(step: int, writer: RunWriter = writer) -> None:
            with writer.batch():
                writer.put_losses(filled_run.losses_of(step))
                writer.put_step(filled_run.record_of(step))

        put(count)
        work.append(work_of(connection, lambda count=count: put(count + 1)))
        writer.close()
    assert work[1] == work[0]


@pytest.mark.parametrize("limit", [1, 3, 10, 40])
def test_every_mark_is_counted_however_few_are_asked_for(short_run: Path, limit: int) -> None:
    with RunReader.open(short_run) as reader:
        for first, last in ((0, SHORT), (3, 6_001), (17, 63)):
            everything = reader.loss_marks(first, last, 10_000)
            assert everything.left_out_count == 0
            few = reader.loss_marks(first, last, limit)
            assert len(few.marks) <= limit
            assert len(few.marks) + few.left_out_count == len(everything.marks)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [7],
        [3, 9],
        list(range(100)),
        list(range(0, 100_000, 1000)),
        [*range(3000), 10**12],
        [0, *range(10**9, 10**9 + 3000)],
        [*range(0, 10**6, 1000), *range(5 * 10**6, 5 * 10**6 + 5000)],
    ],
    ids=lambda steps: f"{len(steps)} to {max(steps, default=0)}",
)
@pytest.mark.parametrize("most", [2, 3, 50, 500])
def test_thinned_steps(path: Path, steps: list[int], most: int) -> None:
    with RunWriter.create(path, filled_run.info()) as writer, RunReader.open(path) as reader:
        with writer.batch():
            writer._database.execute_many("INSERT INTO step VALUES (?)", [(s,) for s in steps])
        thinned = reader.sampled_steps(most).tolist()
        assert reader.sampled_steps().tolist() == steps
    assert len(thinned) <= most
    assert set(thinned) <= set(steps)
    assert thinned == sorted(set(thinned))
    if len(steps) <= most:
        assert thinned == steps
    else:
        assert (thinned[0], thinned[-1]) == (steps[0], steps[-1])
        # Also where the steps lie in clumps, most of the room is used.
        assert len(thinned) > 0.6 * most
