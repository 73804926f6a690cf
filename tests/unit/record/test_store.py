"""Everything written comes back, live and afterwards; trouble is told in plain words."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ortviz.errors import StoreError, UnknownNameError
from ortviz.record import (
    EventKind,
    Finding,
    GraphRecord,
    Half,
    Mode,
    NodeRecord,
    Problem,
    RunEvent,
    RunStatus,
    Severity,
    Side,
    Stage,
)
from ortviz.record.store import APPLICATION_ID, SCHEMA_VERSION, RunReader, RunWriter


def test_run_information_and_state(writer, reader, make):
    assert reader.info() == make.info()
    assert reader.state().status is RunStatus.WAITING
    writer.set_state(RunStatus.LIVE, 41, 42, 200, math.inf)
    state = reader.state()
    assert (state.status, state.latest_step, state.step_count) == (RunStatus.LIVE, 41, 42)
    assert (state.total_steps, state.steps_per_sec) == (200, math.inf)


def test_a_step_comes_back_equal(writer, reader, make):
    writer.put_step(make.step(10), make.comparison(10))
    assert reader.step(10) == make.step(10)
    # repr, because NaN is not equal to itself.
    assert repr(reader.comparison(10)) == repr(make.comparison(10))
    with pytest.raises(UnknownNameError, match=r"out0"):
        reader.comparison(10)["forward/nowhere#out0"]


def test_sampled_steps_and_nearest(writer, reader, make):
    assert reader.sampled_steps().tolist() == []
    assert reader.latest_sampled_step() is None
    with pytest.raises(UnknownNameError, match="No step is recorded yet"):
        reader.step(3)
    for step in (0, 10, 20, 30):
        writer.put_step(make.step(step))
    steps = reader.sampled_steps()
    assert steps.dtype == np.int64
    assert steps.tolist() == [0, 10, 20, 30]
    assert reader.sampled_step_count() == 4
    assert reader.latest_sampled_step() == 30
    with pytest.raises(UnknownNameError, match="nearest recorded steps are 0, 10, 20, 30"):
        reader.step(14)
    with pytest.raises(UnknownNameError, match="no comparison"):
        reader.comparison(10)


def test_putting_a_step_again_replaces_it(writer, reader, make):
    writer.put_step(make.step(10), make.comparison(10))
    writer.put_step(make.step(10, l2_norm=7.0))
    assert reader.step(10).reference[0].stats.l2_norm == 7.0
    assert reader.sampled_step_count() == 1


def test_losses_keep_none_nan_and_infinity_apart(writer, reader, make):
    writer.put_losses(make.full_losses(3))
    read = reader.losses(3)
    assert repr(read) == repr(make.full_losses(3))
    assert read.reference.mae is None
    assert math.isnan(read.candidate.mape)
    assert read.candidate.mae == -math.inf
    assert reader.loss_notes() == ("A note.",)
    assert repr(reader.latest_losses()) == repr(read)
    with pytest.raises(UnknownNameError, match="from step 3 to 3"):
        reader.losses(4)


def test_findings_replace_by_key_and_sort_by_severity(writer, reader):
    info = Finding("a", "export", Severity.INFO, "t", "e", "x", "r", first_step=0)
    late = Finding("b", "fallback", Severity.ERROR, "t", "e", "x", "r", first_step=9)
    early = Finding("c", "masked", Severity.ERROR, "t", "e", "x", "r", first_step=1)
    writer.put_findings([info, late, early])
    newer = Finding("c", "masked", Severity.ERROR, "t2", "e", "x", "r", 1, 7, 3)
    writer.put_findings([newer])
    assert reader.findings() == (newer, late, info)


def test_events_and_problems_keep_their_order(writer, reader):
    events = [
        RunEvent(EventKind.EXPORT, 0, "one"),
        RunEvent(EventKind.FALLBACK, 1, "two", "d", "m"),
    ]
    problems = [Problem("what", "remedy"), Problem("what", "remedy", 3, "detail")]
    for event in events:
        writer.put_event(event)
    for problem in problems:
        writer.put_problem(problem)
    assert reader.events() == tuple(events)
    assert reader.problems() == tuple(problems)


def test_graphs_give_the_newest_export(writer, reader):
    node = NodeRecord(0, "n", "Gemm", "", ("x",), ("y",), Half.FORWARD, "fc", "output_name")

    def graph(stage: Stage, export: int, content: bytes) -> GraphRecord:
        return GraphRecord(Mode.TRAINING, stage, (node,), (("Gemm", 1),), content, export)

    with pytest.raises(UnknownNameError, match="No graph of this run"):
        reader.graph(Mode.TRAINING, Stage.OPTIMIZED)
    writer.put_graph(graph(Stage.OPTIMIZED, 0, b"old"))
    writer.put_graph(graph(Stage.TORCH_EXPORTED, 0, b"first"))
    newest = graph(Stage.OPTIMIZED, 1, b"newer")
    writer.put_graph(newest)
    writer.put_graph(newest)
    assert reader.graph("training", "optimized") == newest
    assert reader.model_bytes(Mode.TRAINING, Stage.OPTIMIZED) == b"newer"
    listed = reader.graphs()
    assert [g.graph.stage for g in listed] == [Stage.TORCH_EXPORTED, Stage.OPTIMIZED]
    assert [g.size_bytes for g in listed] == [5, 5]
    assert listed[1].graph.export_index == 1
    assert listed[1].graph.model_bytes == b""
    with pytest.raises(UnknownNameError, match="training/optimized, training/torch_exported"):
        reader.graph(Mode.INFERENCE, Stage.OPTIMIZED)


def test_site_history(writer, reader, make):
    for step in range(0, 1000, 10):
        writer.put_step(make.step(step, l2_norm=None if step == 990 else float(step)))
    history = reader.site_history("forward/fc#out0", Side.REFERENCE)
    assert history.steps.tolist() == list(range(0, 1000, 10))
    assert history.l2_norm[:99].tolist() == list(range(0, 990, 10))
    assert math.isnan(history.l2_norm[99])
    broken = reader.site_history("backward/@1#out0", Side.REFERENCE, max_points=10)
    assert len(broken.steps) == 10
    assert broken.steps[-1] == 990
    assert broken.steps_per_read == 10
    assert broken.nonfinite_count.tolist() == [6] * 10
    assert len(reader.site_history("forward/fc#out0", Side.CANDIDATE).steps) == 0
    with pytest.raises(UnknownNameError):
        reader.site_history("nonsense", Side.CANDIDATE)


def test_batch_is_all_or_nothing(writer, reader, make):
    def fail_inside() -> None:
        with writer.batch():
            writer.put_losses(make.losses(0))
            writer.put_step(make.step(0))
            raise KeyError

    writer.put_losses(make.losses(0, mae=5.0))
    with pytest.raises(KeyError):
        fail_inside()
    assert reader.sampled_step_count() == 0
    with writer.batch():
        writer.put_losses(make.losses(1, mae=1.0))
        writer.put_step(make.step(1))
        assert reader.sampled_step_count() == 0
    assert reader.sampled_step_count() == 1
    bins = reader.loss_bins(0, 1, max_points=2)
    assert bins.minimum[1, 0].tolist() == [5.0, 1.0]


def test_readers_in_other_threads_while_the_writer_writes(writer, reader, make):
    trouble: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                steps = reader.sampled_steps()
                if len(steps):
                    assert reader.step(int(steps[-1])).step == steps[-1]
                reader.loss_bins(max_points=50)
        except Exception as error:  # noqa: BLE001 - raised again by the last assertion
            trouble.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(100):
        writer.put_step(make.step(step))
        writer.put_losses(make.losses(step))
    done.set()
    for thread in threads:
        thread.join()
    assert trouble == []


def test_a_killed_writer_leaves_what_it_had_written(path, make):
    script = (
        "import os, sys\n"
        "from ortviz.record.store import RunWriter, RunReader\n"
        "from ortviz.record import *\n"
        "info = RunInfo('r', 'n', 0.0, 1, 'ortmodule', '', (), (), ())\n"
        "w = RunWriter.create(sys.argv[1], info)\n"
        "for step in range(5):\n"
        "    w.put_step(StepRecord(step, Mode.TRAINING, False, (), ()))\n"
        "os._exit(9)\n"
    )
    finished = subprocess.run([sys.executable, "-c", script, str(path)], check=False, timeout=60)
    assert finished.returncode == 9
    with RunReader.open(path) as reader:
        assert reader.sampled_steps().tolist() == [0, 1, 2, 3, 4]


def test_closing_leaves_one_file(path, make):
    with RunWriter.create(path, make.info()) as writer:
        writer.put_step(make.step(1))
    assert [entry.name for entry in path.parent.iterdir()] == ["run.ortviz"]
    with pytest.raises(StoreError, match="closed"):
        writer.put_step(make.step(2))
    writer.close()


def test_save_copy_of_a_live_run_is_one_readable_file(writer, reader, make, tmp_path):
    writer.put_step(make.step(10), make.comparison(10))
    writer.put_losses(make.full_losses(10))
    target = tmp_path / "kept" / "copy.ortviz"
    assert reader.save_copy(target) == target
    reader.save_copy(target)
    assert [entry.name for entry in target.parent.iterdir()] == ["copy.ortviz"]
    with RunReader.open(target) as copy:
        assert copy.step(10) == make.step(10)
        assert repr(copy.losses(10)) == repr(make.full_losses(10))
    with pytest.raises(StoreError, match="run file itself"):
        reader.save_copy(reader.path)


def test_the_file_says_what_it_is(writer, path):
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert connection.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


def test_an_existing_file_is_not_overwritten(path, make):
    path.write_bytes(b"mine")
    with pytest.raises(StoreError, match="exists already"):
        RunWriter.create(path, make.info())
    assert path.read_bytes() == b"mine"


def test_files_that_are_no_runs(tmp_path, path, make):
    with pytest.raises(StoreError, match="There is no run file"):
        RunReader.open(tmp_path / "nothing")
    (tmp_path / "text").write_bytes(b"hello, this is no database at all" * 100)
    with pytest.raises(StoreError, match="not a run of ortviz"):
        RunReader.open(tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.close()
    with pytest.raises(StoreError, match="SQLite file but not a run"):
        RunReader.open(tmp_path / "other.db")
    RunWriter.create(path, make.info()).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(StoreError, match="Upgrade ortviz"):
        RunReader.open(path)


def test_a_damaged_file_is_reported(path, make):
    with RunWriter.create(path, make.info()) as writer:
        for step in range(50):
            writer.put_step(make.step(step))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with RunReader.open(path) as reader, pytest.raises(StoreError, match="record the run again"):
        reader.step(3)


def test_a_locked_file_is_reported(writer, path, make):
    writer._database.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="Another program holds it"):
        writer.put_step(make.step(1))
    other.execute("ROLLBACK")
    other.close()
    writer.put_step(make.step(1))


def test_a_full_disk_is_reported_and_the_run_stays_readable(writer, reader, make):
    writer.put_step(make.step(1))
    pages = writer._database.row("PRAGMA page_count")[0]
    writer._database.row(f"PRAGMA max_page_count = {pages}")
    big = GraphRecord(Mode.TRAINING, Stage.OPTIMIZED, (), (), b"x" * 1_000_000)
    with pytest.raises(StoreError, match="The disk is full"):
        writer.put_graph(big)
    assert reader.step(1) == make.step(1)
    assert reader.graphs() == ()


def test_a_place_where_nothing_can_be_written(tmp_path: Path, make):
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot be created"):
        RunWriter.create(tmp_path / "file" / "run.ortviz", make.info())


@pytest.fixture
def closed_folder():
    """A folder in which this process may read and not write, whoever runs the tests."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        folder = Path(outer) / "closed"
        folder.mkdir()
        yield folder
        folder.chmod(0o755)


@contextmanager
def unable_to_write(folder: Path):
    """Root may write anywhere, so it becomes nobody for a moment."""
    folder.chmod(0o555)
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def test_a_read_only_folder(closed_folder, make):
    with unable_to_write(closed_folder), pytest.raises(StoreError, match="may be written to"):
        RunWriter.create(closed_folder / "run.ortviz", make.info())
    assert list(closed_folder.iterdir()) == []


def test_a_run_in_a_read_only_folder_can_be_read(closed_folder, make):
    path = closed_folder / "run.ortviz"
    with RunWriter.create(path, make.info()) as writer:
        writer.put_step(make.step(1))
    # As a run is left that someone was reading when its writer closed it.
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    path.chmod(0o444)
    with unable_to_write(closed_folder), RunReader.open(path) as reader:
        assert reader.step(1) == make.step(1)
