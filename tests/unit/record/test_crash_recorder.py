"""The recorder when its disk is stuck, its file spoilt or its process killed: training goes on."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.errors import StoreError
from ortviz.record import EventKind, StepCapture
from ortviz.record.store import RunReader, RunWriter
from ortviz.session import recorder as recorder_module
from ortviz.session import unwritten as unwritten_module
from ortviz.session.recorder import Recorder, size_bytes
from tests.unit.record import crash_runs
from tests.unit.record.crash_child import Child, Say, killed_at_the_end

KILLS = 12
MAX_BYTES = 1 << 20
VALUE_BYTES = 1 << 16


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    """A recorder that has begun; ended at the end of the test."""
    begun: list[Recorder] = []

    def started(**more: Any) -> Recorder:
        recorder = Recorder(tmp_path / "run.ortviz", **more)
        recorder.started(crash_runs.info(every=1))
        begun.append(recorder)
        return recorder

    yield started
    for recorder in begun:
        assert recorder.close(30.0)


def step_once(recorder: Recorder, step: int) -> bool:
    """One step as capture hands it over; whether it was sampled."""
    recorder.stepped(step)
    sampled = recorder.wants(step)
    if sampled:
        recorder.captured(crash_runs.capture_of(step))
    recorder.observed(crash_runs.observation_of(step))
    return sampled


# --- killed ------------------------------------------------------------------------------------


def training(path: Path, *, flushing: bool) -> Callable[[Say], None]:
    """Says a step once it was handed over, and ``~step`` once it can be read."""

    def work(say: Say) -> None:
        recorder = Recorder(path, max_items=100_000)
        recorder.started(crash_runs.info(every=1))

        def tell_kept() -> None:
            with RunReader.open(path) as reader:
                latest = reader.latest_sampled_step()
            if latest is not None:
                say(~latest)

        recorder.subscribe(tell_kept)
        for step in itertools.count():
            step_once(recorder, step)
            if flushing:
                recorder.flush()
            else:
                time.sleep(0.002)
            say(step)

    return work


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("flushing", [False, True], ids=["at its own pace", "waiting"])
def test_killed_while_training(tmp_path: Path, flushing: bool) -> None:
    draw = random.Random(20261121)
    for number in range(KILLS):
        path = tmp_path / f"{number}.ortviz"
        child = Child(training(path, flushing=flushing))
        with killed_at_the_end(child):
            enough = draw.randrange(30)
            child.wait_for(lambda said, enough=enough: ~said >= enough)
            time.sleep(draw.random() * 0.02)
        given = max(said for said in child.said if said >= 0) + 1
        kept = max(~said for said in child.said if said < 0) + 1
        with RunReader.open(path) as reader:
            sampled = reader.sampled_steps().tolist()
            held = list(crash_runs.check_fits(reader))
            assert reader.step(sampled[-1]) == crash_runs.record_of(sampled[-1])
        # What is in the file are the first steps, all of them, in both tables.
        assert sampled == list(range(len(sampled)))
        assert held == list(range(len(held)))
        assert kept <= len(sampled) <= given + 1
        # A step is written before its losses, each in a transaction of its own.
        assert len(sampled) - 1 <= len(held) <= given + 1
        if flushing:
            assert len(sampled) >= given
            assert len(held) >= given
        crash_runs.check_sound(path)


# --- a disk that is stuck ----------------------------------------------------------------------


class CountedCondition:
    """The inbox's condition, counting what the training thread does with it."""

    def __init__(self, real: threading.Condition) -> None:
        self._real = real
        self._training = threading.get_ident()
        self.entered = 0

    def __enter__(self) -> bool:
        self.entered += threading.get_ident() == self._training
        return self._real.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._real.__exit__(*error)

    def notify_all(self) -> None:
        self._real.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        assert threading.get_ident() != self._training, "training waits for the queue"
        return self._real.wait(timeout)

    def wait_for(self, true: Callable[[], bool], timeout: float | None = None) -> bool:
        assert threading.get_ident() != self._training, "training waits for the queue"
        return self._real.wait_for(true, timeout)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A disk that answers nothing until this is set; the test is over long before it would be."""
    free = threading.Event()
    real = RunWriter.put_step

    def put_step(self: RunWriter, *given: Any) -> None:
        assert free.wait(60.0)
        real(self, *given)

    monkeypatch.setattr(RunWriter, "put_step", put_step)
    monkeypatch.setattr(recorder_module, "_SKIPS_TOLD_EVERY_SECS", 0.0)
    return free


def large_capture(step: int) -> StepCapture:
    plain = crash_runs.capture_of(step)
    sides = [{crash_runs.SITE.id: np.zeros(VALUE_BYTES // 4, np.float32)} for _ in range(2)]
    return StepCapture(plain.record, *sides)


def test_a_stuck_disk_costs_training_a_bounded_number_of_queue_operations(
    start: Callable[..., Recorder], stuck: threading.Event
) -> None:
    recorder = start(max_items=20)
    condition = CountedCondition(recorder._inbox._changed)
    recorder._inbox._changed = condition  # type: ignore[assignment]
    most = {"wants": 0, "captured": 0, "observed": 0}

    def counted(name: str, call: Callable[[], Any]) -> Any:
        before = condition.entered
        answer = call()
        most[name] = max(most[name], condition.entered - before)
        return answer

    sampled = 0
    for step in range(500):
        recorder.stepped(step)
        if counted("wants", lambda step=step: recorder.wants(step)):
            sampled += 1
            counted("captured", lambda step=step: recorder.captured(crash_runs.capture_of(step)))
        counted("observed", lambda step=step: recorder.observed(crash_runs.observation_of(step)))
    assert 0 < sampled < 30
    # One operation each, and a second where there is something to say.
    assert most == {"wants": 2, "captured": 1, "observed": 2}
    recorder._inbox._changed = condition._real
    stuck.set()


def alive_bytes(references: list[weakref.ref[np.ndarray]]) -> int:
    arrays = [reference() for reference in references]
    return size_bytes(array for array in arrays if array is not None)


def test_memory_stays_within_the_budget_and_what_was_skipped_is_said(
    start: Callable[..., Recorder], stuck: threading.Event
) -> None:
    recorder = start(max_bytes=MAX_BYTES)
    alive: list[weakref.ref[np.ndarray]] = []
    peak = sampled = 0
    for step in range(200):
        recorder.stepped(step)
        if recorder.wants(step):
            sampled += 1
            capture = large_capture(step)
            values = (*capture.reference_values.values(), *capture.candidate_values.values())
            alive += [weakref.ref(value) for value in values]
            recorder.captured(capture)
            del capture, values
        peak = max(peak, alive_bytes(alive))
    # A full budget and the step that was in flight when it became full.
    assert MAX_BYTES // 2 < peak <= MAX_BYTES + 2 * VALUE_BYTES
    assert sampled < 200
    stuck.set()
    assert recorder.close(60.0)
    assert alive_bytes(alive) == 0
    assert recorder.path is not None
    with RunReader.open(recorder.path) as reader:
        assert reader.sampled_step_count() == sampled
        skips = [e.message for e in reader.events() if e.kind is EventKind.SAMPLING_SKIPPED]
        assert sum(int(message.split()[0]) for message in skips) == 200 - sampled
        assert "not sampled, because earlier ones were still being written" in skips[0]


def test_captures_that_nobody_asked_for_do_not_grow_without_bound(
    start: Callable[..., Recorder], stuck: threading.Event
) -> None:
    recorder = start(max_bytes=MAX_BYTES)
    for step in range(100):
        recorder.captured(large_capture(step))
        assert recorder._inbox.size_bytes <= 2 * MAX_BYTES
    stuck.set()
    assert recorder.close(60.0)
    assert recorder.path is not None
    with RunReader.open(recorder.path) as reader:
        skips = [e.message for e in reader.events() if e.kind is EventKind.SAMPLING_SKIPPED]
        kept = reader.sampled_step_count()
        assert 0 < kept < 40
        assert sum(int(message.split()[0]) for message in skips) == 100 - kept


# --- a file that is spoilt ---------------------------------------------------------------------


def test_a_file_that_is_spoilt_during_the_run(start: Callable[..., Recorder]) -> None:
    recorder = start()
    for step in range(10):
        step_once(recorder, step)
    assert recorder.flush(30.0)
    path = recorder.path
    assert path is not None
    assert recorder._worker is not None
    # Else SQLite would go on with the pages that it remembers and notice nothing for long.
    recorder._worker._writer._database.row("PRAGMA cache_size = 0")
    for part in (path, path.with_name(path.name + "-wal")):
        part.write_bytes(b"\xff" * part.stat().st_size)
    for step in range(10, 60):
        step_once(recorder, step)
    assert recorder.flush(30.0)
    told = [problem for problem in recorder.problems if str(path) in problem.what]
    assert told
    assert "cannot be" in told[0].what or "is damaged" in told[0].what
    assert "record the run again" in told[0].remedy.lower()
    assert "Training goes on" in told[0].remedy
    assert any("could not be recorded and are missing" in p.what for p in recorder.problems)


def test_findings_and_problems_come_through_once_the_disk_is_back(
    start: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unwritten_module, "_LOSSES_TOLD_EVERY_SECS", 0.0)
    recorder = start()
    step_once(recorder, 0)
    assert recorder.flush(30.0)
    real, refusing = RunWriter.batch, threading.Event()

    def batch(self: RunWriter) -> Any:
        if refusing.is_set():
            raise StoreError("The disk is away.", "Bring it back.")
        return real(self)

    monkeypatch.setattr(RunWriter, "batch", batch)
    refusing.set()
    for step in range(1, 12):
        step_once(recorder, step)
    assert recorder.flush(30.0)
    assert any("The disk is away" in problem.what for problem in recorder.problems)
    refusing.clear()
    for step in range(12, 15):
        step_once(recorder, step)
    assert recorder.close(30.0)
    assert recorder.problems == ()
    assert recorder.path is not None
    with RunReader.open(recorder.path) as reader:
        assert list(crash_runs.check_fits(reader)) == [0, 12, 13, 14]
        told = [problem.what for problem in reader.problems()]
        assert any("The disk is away" in what for what in told)
        assert any("11 steps from 1 to 11 could not be recorded" in what for what in told)
        # Steps 4 and 9 have a loss of NaN, found while nothing could be written.
        assert any(finding.first_step in range(1, 12) for finding in reader.findings())


def test_someone_who_looks_on_and_fails_does_not_end_the_recording(
    start: Callable[..., Recorder],
) -> None:
    recorder = start()

    def fails() -> None:
        raise RuntimeError("a view of somebody's")

    recorder.subscribe(fails)
    for step in range(5):
        step_once(recorder, step)
        assert recorder.flush(30.0)
    assert recorder.close(30.0)
    assert recorder.path is not None
    with RunReader.open(recorder.path) as reader:
        assert reader.sampled_step_count() == 5
        assert any("a view of somebody's" in problem.what for problem in reader.problems())
