from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ortviz.errors import StoreError
from ortviz.record import EventKind, Problem, RunEvent, RunStatus
from ortviz.record.store import RunReader, RunWriter
from ortviz.session import recorder as recorder_module
from ortviz.session import worker as worker_module
from ortviz.session.recorder import Recorder, size_bytes

ROOT = Path(__file__).resolve().parents[3]


def read(recorder: Recorder) -> RunReader:
    assert recorder.path is not None
    return RunReader.open(recorder.path)


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("ortviz")]


def train(recorder: Recorder, make: Any, steps: int, first: int = 0) -> int:
    """One training loop; the number of steps that were sampled."""
    sampled = 0
    for step in range(first, first + steps):
        recorder.stepped(step)
        if recorder.wants(step):
            sampled += 1
            recorder.captured(make.capture(step))
        recorder.observed(make.observation(step))
    return sampled


def test_everything_that_was_given_can_be_read_after_close(start: Any, make: Any) -> None:
    recorder = start(every=4, total_steps=20)
    recorder.graph(make.graph())
    recorder.event(RunEvent(EventKind.EXPORT, 0, "exported"))
    recorder.problem(Problem("something", "do this"))
    assert train(recorder, make, 20) == 5
    assert recorder.close()
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [0, 4, 8, 12, 16]
        assert reader.comparison(8).sites[0].max_abs_error == 0.0
        assert reader.losses(19).candidate.mae == pytest.approx(0.5)
        assert reader.loss_step_range() == (0, 19)
        assert reader.model_bytes("training", "execution_model") == b"onnx bytes"
        assert [event.message for event in reader.events()] == ["exported"]
        assert [problem.what for problem in reader.problems()] == ["something"]
        state = reader.state()
        assert state.status is RunStatus.ENDED
        assert (state.latest_step, state.step_count, state.total_steps) == (19, 20, 20)
        assert reader.info().name == "model"


def test_close_leaves_no_thread_and_one_file(start: Any, make: Any, tmp_path: Path) -> None:
    recorder = start()
    train(recorder, make, 5)
    assert threads()
    recorder.close()
    assert threads() == []
    assert [path.name for path in tmp_path.iterdir()] == ["run.ortviz"]
    recorder.close()


def test_can_be_read_while_it_goes_on(start: Any, make: Any) -> None:
    recorder = start()
    told = threading.Event()
    stop = recorder.subscribe(told.set)
    train(recorder, make, 3)
    assert recorder.flush(10.0)
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [0, 1, 2]
        assert reader.state().latest_step == 2
        assert reader.state().status is RunStatus.LIVE
    assert told.wait(5.0)
    stop()
    told.clear()
    train(recorder, make, 1, first=3)
    recorder.flush(10.0)
    assert not told.is_set()


def test_a_full_queue_skips_samples_instead_of_delaying_training(
    start: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_SKIPS_TOLD_EVERY_SECS", 0.0)
    stuck = threading.Event()
    real = worker_module.step_losses
    monkeypatch.setattr(
        worker_module, "step_losses", lambda observation: (stuck.wait(10), real(observation))[1]
    )
    recorder = start(max_items=8)
    began = time.monotonic()
    sampled = train(recorder, make, 50)
    assert time.monotonic() - began < 2.0
    assert 0 < sampled < 50
    stuck.set()
    recorder.close()
    with read(recorder) as reader:
        assert reader.sampled_step_count() == sampled
        events = [event for event in reader.events() if event.kind is EventKind.SAMPLING_SKIPPED]
        told = sum(int(event.message.split()[0]) for event in events)
        assert told == 50 - sampled
        problems = [problem.what for problem in reader.problems()]
        first, last = reader.loss_step_range()
        kept = sum(_has_losses(reader, step) for step in range(first, last + 1))
        assert any(what.startswith("From step") for what in problems)
        assert f"{50 - kept} of 50 steps have no recorded losses" in problems[-1]


def _has_losses(reader: RunReader, step: int) -> bool:
    try:
        reader.losses(step)
    except LookupError:
        return False
    return True


def test_skipped_samples_are_told_seldom(
    start: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start()
    monkeypatch.setattr(recorder._inbox, "has_room", lambda size=0: False)
    for step in range(100):
        assert not recorder.wants(step)
    recorder.close()
    with read(recorder) as reader:
        messages = [event.message for event in reader.events()]
    assert [message.split()[0] for message in messages] == ["1", "99"]


def test_the_byte_budget_counts_the_tensors_of_a_capture(start: Any, make: Any) -> None:
    capture = make.capture(0, size=1000)
    arrays = [*capture.reference_values.values(), *capture.candidate_values.values()]
    assert size_bytes(arrays) == 8000
    assert size_bytes([arrays[0], arrays[0]]) == 4000


def test_pause_resume_and_one_more_sample(start: Any, make: Any) -> None:
    recorder = start(every=2)
    recorder.pause()
    assert recorder.state().status is RunStatus.PAUSED
    assert train(recorder, make, 4) == 0
    recorder.sample_next()
    assert train(recorder, make, 4, first=5) == 1
    recorder.resume()
    assert train(recorder, make, 4, first=10) == 2
    recorder.close()
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [5, 10, 12]


def test_an_error_in_the_thread_is_told_once_and_the_thread_goes_on(
    start: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = worker_module.step_losses

    def fails_at_first(observation: Any) -> Any:
        if observation.step < 3:
            raise ValueError(f"no {observation.step}")
        return real(observation)

    monkeypatch.setattr(worker_module, "step_losses", fails_at_first)
    recorder = start()
    train(recorder, make, 5)
    recorder.close()
    with read(recorder) as reader:
        problem, lost = reader.problems()
        assert "at step 0: no 0" in problem.what
        assert "3 steps from 0 to 2 could not be recorded" in lost.what
        assert "fails_at_first" in problem.detail
        assert reader.losses(4).step == 4
        assert reader.sampled_step_count() == 5


def test_a_failing_detector_costs_no_record(start: Any, make: Any) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("detector")

    recorder = start(engine=Broken())
    train(recorder, make, 2)
    recorder.close()
    with read(recorder) as reader:
        assert reader.sampled_step_count() == 2
        assert reader.loss_step_range() == (0, 1)
        assert any("detector" in problem.what for problem in reader.problems())


def test_findings_are_written_with_their_step(start: Any, make: Any, engine: Any) -> None:
    recorder = start(engine=engine(at=(1,)))
    train(recorder, make, 3)
    recorder.close()
    with read(recorder) as reader:
        assert [finding.first_step for finding in reader.findings()] == [1]


def test_a_place_that_cannot_be_written_gives_way_to_the_temporary_folder(
    start: Any, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tmp_path / "tmp"
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    (tmp_path / "file").write_text("in the way")
    recorder = start(path=tmp_path / "file" / "run.ortviz")
    train(recorder, make, 2)
    recorder.close()
    assert recorder.path is not None
    assert recorder.path.is_relative_to(spare)
    with read(recorder) as reader:
        assert reader.sampled_step_count() == 2
        assert "temporary folder" in reader.problems()[0].what


def test_nowhere_to_write_means_no_recording_and_no_harm(
    start: Any, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(path: Path, info: object) -> RunWriter:
        raise StoreError(f"no {path}")

    monkeypatch.setattr("ortviz.session.storage.RunWriter.create", refuses)
    recorder = start()
    assert recorder.path is None
    assert not recorder.wants(0)
    train(recorder, make, 3)
    (problem,) = recorder.problems
    assert "Nothing of this run is recorded" in problem.what
    assert recorder.close()
    assert threads() == []


def test_a_disk_that_fills_up_during_the_run(
    start: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = start()
    train(recorder, make, 2)
    recorder.flush(10.0)

    def full(*given: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(RunWriter, "put_step", full)
    monkeypatch.setattr(RunWriter, "put_problem", full)
    train(recorder, make, 2, first=2)
    recorder.close()
    full_disk, lost = recorder.problems
    assert "The disk is full." in full_disk.what
    assert "2 steps from 2 to 3 could not be recorded" in lost.what
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [0, 1]


def test_the_end_first_asks_for_the_step_in_flight(start: Any, make: Any) -> None:
    recorder = start()
    recorder.stepped(0)
    recorder.before_end(lambda: recorder.captured(make.capture(0)))
    recorder.close()
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_writes_nothing_and_closes_nothing(start: Any, make: Any) -> None:
    recorder = start()
    train(recorder, make, 1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            recorder.stepped(1)
            recorder.captured(make.capture(1))
            quiet = not recorder.wants(1) and not recorder.flush(0.1) and recorder.close(0.1)
            code = 0 if quiet and not recorder.ended else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    train(recorder, make, 1, first=2)
    recorder.close()
    with read(recorder) as reader:
        assert list(reader.sampled_steps()) == [0, 2]


def test_the_end_of_the_interpreter_writes_what_is_waiting(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
from pathlib import Path
from conftest import Make
from ortviz.session.recorder import Recorder
make = Make()
recorder = Recorder(Path({str(tmp_path / "run.ortviz")!r}))
recorder.started(make.info())
for step in range(200):
    recorder.stepped(step)
    recorder.observed(make.observation(step))
recorder.captured(make.capture(199))
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    with RunReader.open(tmp_path / "run.ortviz") as reader:
        assert reader.state().status is RunStatus.ENDED
        assert reader.losses(199).step == 199
        assert list(reader.sampled_steps()) == [199]


def test_an_unsampled_step_costs_the_training_thread_microseconds(start: Any, make: Any) -> None:
    recorder = start(every=1_000_000)
    recorder.wants(0)
    began = time.thread_time()
    for step in range(1, 2001):
        recorder.stepped(step)
        recorder.wants(step)
    per_step = (time.thread_time() - began) / 2000
    assert per_step < 50e-6
