"""``kill -9`` at random moments: the file opens and holds all but the step in flight."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ortviz.errors import StoreError
from ortviz.record import RunStatus
from ortviz.record.store import RunReader, RunWriter, database
from tests.unit.record import crash_runs
from tests.unit.record.crash_child import Child, Say, killed_at_the_end

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

KILLS = 25
CLOSING = -1


def record(
    path: Path, checkpoint_pages: int, stop_after: int | None = None
) -> Callable[[Say], None]:
    """Work that writes step after step; then, if told so, closes the file."""

    def work(say: Say) -> None:
        writer = RunWriter.create(path, crash_runs.info())
        # SQLite moves the journal into the file so often that kills fall into that too.
        writer._database.row(f"PRAGMA wal_autocheckpoint = {checkpoint_pages}")
        for step in itertools.count() if stop_after is None else range(stop_after):
            crash_runs.put(writer, step)
            say(step)
        say(CLOSING)
        writer.close()

    return work


def wait_for_step(child: Child, step: int) -> None:
    child.wait_for(lambda said: said == step)


def check(path: Path, said: list[int]) -> None:
    """The file holds every step that was said, and at most one more."""
    known = max(said, default=-1) + 1
    with RunReader.open(path) as reader:
        count = crash_runs.check_whole(reader)
        assert reader.info() == crash_runs.info()
    assert known <= count <= known + 1
    crash_runs.check_sound(path)


def test_killed_between_and_inside_steps(tmp_path: Path) -> None:
    draw = random.Random(20261101)
    counts = []
    for number in range(KILLS):
        path = tmp_path / f"{number}.ortviz"
        child = Child(record(path, checkpoint_pages=draw.choice([4, 40, 1000])))
        with killed_at_the_end(child):
            wait_for_step(child, draw.randrange(60))
            # A step takes about a millisecond, so this is anywhere within the next few.
            time.sleep(draw.random() * 0.004)
        check(path, child.said)
        counts.append(len(child.said))
    assert len(set(counts)) > KILLS // 3


def test_killed_while_the_file_is_created_or_closed(tmp_path: Path) -> None:
    draw = random.Random(7)
    opened = 0
    for number in range(KILLS):
        path = tmp_path / f"{number}.ortviz"
        at_the_end = number % 2
        child = Child(record(path, checkpoint_pages=1000, stop_after=12 if at_the_end else None))
        with killed_at_the_end(child):
            if at_the_end:
                wait_for_step(child, CLOSING)
            time.sleep(draw.random() * 0.03)
        said = [step for step in child.said if step != CLOSING]
        if said or (path.is_file() and opens(path)):
            check(path, said)
            opened += 1
        else:
            with pytest.raises(StoreError, match=r"There is no run file|is empty"):
                RunReader.open(path)
    assert opened >= KILLS // 2


def opens(path: Path) -> bool:
    try:
        RunReader.open(path).close()
    except StoreError:
        return False
    return True


def killed_at_statement(path: Path, number: int, last: int | None) -> Callable[[Say], None]:
    """Work that kills itself just before a statement, of the creation or of step ``last``."""
    while_creating = last is None
    connect = database._connect

    def connected(*given: str) -> sqlite3.Connection:
        connection = connect(*given)  # type: ignore[arg-type]
        if while_creating:
            count_down(connection)
        return connection

    def count_down(connection: sqlite3.Connection) -> None:
        left = itertools.count(number - 1, -1)
        connection.set_trace_callback(
            lambda _: os.kill(os.getpid(), signal.SIGKILL) if next(left) == 0 else None
        )

    def work(say: Say) -> None:
        database._connect = connected  # type: ignore[assignment]
        writer = RunWriter.create(path, crash_runs.info())
        for step in range(11 if last is None else last + 1):
            if step == last:
                count_down(writer._database._connection)
            crash_runs.put(writer, step)
            say(step)

    return work


@pytest.mark.parametrize("last", [None, 10, 12], ids=["creating", "with a graph", "with tensors"])
def test_killed_before_every_single_statement(tmp_path: Path, last: int | None) -> None:
    said: list[int] = []
    end = 10 if last is None else last
    for number in itertools.count(1):
        path = tmp_path / f"{number}.ortviz"
        child = Child(killed_at_statement(path, number, last))
        child.wait_for(lambda step: step == end)
        child.kill()
        said = child.said
        if said or opens(path):
            check(path, said)
        else:
            with pytest.raises(StoreError, match="is empty"):
                RunReader.open(path)
        if end in said:
            break
    # There were that many statements to be killed at.
    assert number > 15


def test_a_run_that_was_killed_can_be_copied_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    child = Child(record(path, checkpoint_pages=1000))
    with killed_at_the_end(child):
        wait_for_step(child, 30)
    assert path.with_name("run.ortviz-wal").stat().st_size > 0
    with RunReader.open(path) as reader:
        reader.save_copy(tmp_path / "copy.ortviz")
    check(tmp_path / "copy.ortviz", child.said)
    check(path, child.said)


def test_a_killed_run_is_no_longer_live(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    child = Child(record(path, checkpoint_pages=1000))
    with killed_at_the_end(child):
        wait_for_step(child, 9)
        reader = RunReader.open(path)
        assert reader.state().status is RunStatus.WAITING
        assert reader.problems() == ()
    assert reader.state().status is RunStatus.ENDED
    (problem,) = reader.problems()
    assert "ended without closing it" in problem.what
    reader.save_copy(tmp_path / "copy.ortviz")
    reader.close()
    with RunReader.open(tmp_path / "copy.ortviz") as copy:
        assert copy.problems() == ()


def test_readers_stay_right_while_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    child = Child(record(path, checkpoint_pages=4))
    with killed_at_the_end(child):
        wait_for_step(child, 5)
        reader = RunReader.open(path)
        seen = reader.latest_sampled_step()
        for wanted in range(10, 60, 5):
            wait_for_step(child, wanted)
            latest = reader.latest_sampled_step()
            assert latest is not None
            assert seen is not None
            assert latest >= max(seen, wanted - 2)
            assert repr(reader.losses(latest)) == repr(crash_runs.losses_of(latest))
            seen = latest
    # Opened before the kill, it goes on afterwards.
    assert crash_runs.check_whole(reader) >= 55
    reader.close()
    check(path, child.said)
