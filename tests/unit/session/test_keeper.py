"""Tensors of sampled steps on their way to the file: budgets, what is told, back-pressure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.errors import StoreError, UnknownNameError, WrapError
from ortviz.record import (
    ArgumentTree,
    KeepRules,
    RawTensor,
    Rerunnable,
    RerunRecord,
    Side,
    StepCapture,
)
from ortviz.record.keeping import ENTRY_BYTES
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.keep_options import keep_rules
from ortviz.session.recorder import Recorder
from ortviz.session.run import Run

SITE = "forward/fc#out0"


@pytest.fixture
def keeping(tmp_path: Path, make: Any, engine: Any) -> Any:
    """Begins a recorder with rules; closed at the end."""
    begun: list[Recorder] = []

    def begin(rules: KeepRules, **more: Any) -> Recorder:
        recorder = Recorder(tmp_path / "run.ortviz", engine=engine(), **more)
        recorder.started(replace(make.info(), keep=rules))
        begun.append(recorder)
        return recorder

    yield begin
    for recorder in begun:
        recorder.close(10.0)


def give(recorder: Recorder, capture: StepCapture) -> bool:
    step = capture.record.step
    recorder.stepped(step)
    wanted = recorder.wants(step)
    if wanted:
        recorder.captured(capture)
    return wanted


def distinct(make: Any, step: int, size: int = 1000) -> StepCapture:
    """A capture whose tensors are unlike those of any other step."""
    capture: StepCapture = make.capture(step, size=size)
    values = {
        side: {SITE: own[SITE] + np.float32(step)}
        for side, own in (
            ("reference_values", capture.reference_values),
            ("candidate_values", capture.candidate_values),
        )
    }
    values["candidate_values"][SITE] += np.float32(0.5)
    return replace(capture, **values)


def with_rerun(capture: StepCapture, size: int) -> StepCapture:
    step = capture.record.step
    record = RerunRecord(step, ArgumentTree("tuple"), ArgumentTree("dict"), ("weight",), ())
    weight = RawTensor(np.full(size, step, np.float32), "float32")
    return replace(capture, rerun=Rerunnable(record, {"parameter/weight": weight}))


def read(recorder: Recorder) -> RunReader:
    assert recorder.close()
    assert recorder.path is not None
    return RunReader.open(recorder.path)


def test_matching_tensors_of_both_sides_are_kept(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("forward/*",)))
    capture = distinct(make, 0)
    give(recorder, capture)
    with read(recorder) as reader:
        assert [(kept.site_id, kept.side) for kept in reader.kept.at(0)] == [
            (SITE, Side.REFERENCE),
            (SITE, Side.CANDIDATE),
        ]
        found = reader.kept.tensor(0, SITE, Side.CANDIDATE).values
        assert np.array_equal(found, capture.candidate_values[SITE])
        # A kept tensor has its histogram too.
        histogram = reader.kept.histogram(0, SITE, Side.CANDIDATE)
        assert histogram is not None
        assert histogram.element_count == 1000


def test_other_sites_are_not(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("backward/*",), ("backward/*",)))
    give(recorder, distinct(make, 0))
    assert not recorder.keeps(SITE)
    with read(recorder) as reader:
        assert reader.kept.at(0) == ()
        assert reader.kept.histograms(0) == ()


def test_nothing_is_kept_unless_asked_for(start: Any, make: Any) -> None:
    recorder = start()
    assert not recorder.keeps(SITE)
    assert not recorder.keeps_rerun(10)
    give(recorder, with_rerun(distinct(make, 0), 10))
    with read(recorder) as reader:
        assert (reader.kept.at(0), reader.kept.rerun_steps()) == ((), ())


def test_once_the_budget_is_used_nothing_more_is_kept_and_it_is_told_once(
    keeping: Any, make: Any
) -> None:
    one = 2 * (4000 + ENTRY_BYTES)
    recorder = keeping(KeepRules(("*",), max_bytes=3 * one + 100))
    for step in range(10):
        give(recorder, distinct(make, step))
        recorder.flush()
        assert recorder.keeps(SITE) == (step < 3)
    with read(recorder) as reader:
        assert [len(reader.kept.at(step)) for step in range(10)] == [2, 2, 2] + [0] * 7
        assert len(reader.sampled_steps()) == 10
        (problem,) = reader.problems()
    assert f"({3 * one + 100} bytes) for kept tensors are used up at step 3" in problem.what
    assert f"6 tensors take {3 * one} bytes" in problem.what
    assert "keep_bytes" in problem.remedy


def test_a_budget_used_up_by_the_last_step_is_told_too(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("*",), max_bytes=100))
    give(recorder, distinct(make, 0))
    with read(recorder) as reader:
        (problem,) = reader.problems()
    assert "used up at step 0: 0 tensors" in problem.what


def test_equal_tensors_take_the_budget_once(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("*",), max_bytes=3 * 4200))
    for step in range(10):
        give(recorder, make.capture(step, size=1000))
    with read(recorder) as reader:
        assert [len(reader.kept.at(step)) for step in range(10)] == [2] * 10
        assert reader.problems() == ()


def test_the_newest_steps_can_be_run_again(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(reruns=True, max_bytes=3 * (4000 + ENTRY_BYTES)))
    for step in range(10):
        assert recorder.keeps_rerun(4000)
        give(recorder, with_rerun(make.capture(step), 1000))
    with read(recorder) as reader:
        assert reader.kept.rerun_steps() == (7, 8, 9)
        assert reader.problems() == ()


@pytest.mark.parametrize("known_before", [True, False])
def test_a_step_larger_than_the_budget_is_told_once(
    keeping: Any, make: Any, known_before: bool
) -> None:
    """Either before it is copied, or when masks and gradients make it too large."""
    recorder = keeping(KeepRules(reruns=True, max_bytes=4000))
    for step in range(3):
        if known_before:
            assert not recorder.keeps_rerun(5000)
        give(recorder, make.capture(step) if known_before else with_rerun(make.capture(step), 1000))
    with read(recorder) as reader:
        assert reader.kept.rerun_steps() == ()
        (problem,) = reader.problems()
    assert "No step of this run can be re-run" in problem.what
    assert "keep_bytes=" in problem.remedy


def test_a_disk_that_takes_statistics_but_no_tensors(
    keeping: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise StoreError("The run file x cannot be written: disk full.", "Free some space.")

    monkeypatch.setattr(RunWriter, "put_kept", full)
    recorder = keeping(KeepRules(("*",), reruns=True))
    for step in range(4):
        give(recorder, with_rerun(distinct(make, step), 100))
        recorder.flush()
    assert not recorder.keeps(SITE)
    assert not recorder.keeps_rerun(1)
    with read(recorder) as reader:
        assert reader.sampled_steps().tolist() == [0, 1, 2, 3]
        assert reader.comparison(3).sites
        assert reader.kept.rerun_steps() == ()
        (problem,) = reader.problems()
    assert "Tensors are no longer kept from step 0 on" in problem.what
    assert "Statistics go on. Free some space." in problem.remedy


def test_a_failed_transaction_does_not_use_the_budget(
    keeping: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_step: Callable[..., None] = RunWriter.put_step
    failing = {1, 2}

    def sometimes(writer: RunWriter, record: Any, comparison: Any = None) -> None:
        put_step(writer, record, comparison)
        if record.step in failing:
            raise ValueError("something odd")

    monkeypatch.setattr(RunWriter, "put_step", sometimes)
    one = 2 * (4000 + ENTRY_BYTES)
    recorder = keeping(KeepRules(("*",), max_bytes=2 * one))
    for step in range(5):
        give(recorder, distinct(make, step))
    with read(recorder) as reader:
        assert [len(reader.kept.at(step)) for step in range(5)] == [2, 0, 0, 2, 0]


def test_large_tensors_neither_fill_the_memory_nor_hold_up_training(
    keeping: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be kept counts in the queue: where the disk stands still, samples are skipped."""
    put_rerun: Callable[..., int] = RunWriter.put_rerun
    free = threading.Event()

    def stuck(writer: RunWriter, *given: Any) -> int:
        free.wait()
        return put_rerun(writer, *given)

    monkeypatch.setattr(RunWriter, "put_rerun", stuck)
    room = 16 << 20
    recorder = keeping(KeepRules(("*",), reruns=True), max_bytes=room)
    held, taken = 0, 0
    try:
        # Were a step to wait for the disk, this would never end.
        for step in range(300):
            taken += give(recorder, with_rerun(distinct(make, step, size=1000), 1 << 20))
            held = max(held, recorder._inbox.size_bytes)
    finally:
        free.set()
    with read(recorder) as reader:
        assert len(reader.sampled_steps()) == taken
        assert any("not sampled" in event.message for event in reader.events())
    # 4 MB a step: without these bytes all 300 would have been taken, 1.2 GB.
    assert 4 << 20 < held <= 2 * room
    assert 3 <= taken <= 8


def test_what_was_asked_for_and_did_not_fit_is_told_apart(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("forward/*",), reruns=True, max_bytes=100))
    give(recorder, with_rerun(distinct(make, 0), 1000))
    run = Run(recorder=recorder)
    with pytest.raises(UnknownNameError, match=r"It was asked for; a larger keep_bytes="):
        run.steps[0].tensor(SITE, Side.REFERENCE)
    with pytest.raises(UnknownNameError, match=r"not kept of any step: run\.problems says why"):
        run.steps[0].rerun(None)
    run.close()


def test_what_can_match_no_site_is_refused() -> None:
    assert keep_rules("forward/a*") == KeepRules(("forward/a*",))
    assert keep_rules(["*", "f*", "*/head#*"], "backward/[ab]#out0").histogram_patterns
    for wrong in ("blocks.0", "forwards/*", "", "forward", "Forward/*"):
        with pytest.raises(WrapError, match="matches no site"):
            keep_rules(wrong)
    with pytest.raises(WrapError, match=r"histograms=.*Perhaps '\*/blocks\.0\*' is meant"):
        keep_rules((), "blocks.0")
    with pytest.raises(WrapError, match=r"histograms is a pattern of site ids or several.*True"):
        keep_rules((), True)  # type: ignore[arg-type]
    for budget in (0, -1, 1.5, True, "1 GB"):
        with pytest.raises(WrapError, match="keep_bytes is a whole number"):
            keep_rules((), keep_bytes=budget)  # type: ignore[arg-type]


def test_a_table_of_what_is_kept(keeping: Any, make: Any) -> None:
    recorder = keeping(KeepRules(("forward/*",)))
    give(recorder, distinct(make, 0))
    run = Run(recorder=recorder)
    lines = repr(run.steps[0].kept).splitlines()
    assert lines[0].split() == ["site", "side", "dtype", "shape", "bytes"]
    assert lines[1].split() == [SITE, "eager", "float32", "(1000,)", "4,000"]
    assert "<td" in run.steps[0].kept._repr_html_()
    assert run.steps[0].tensor(SITE, Side.REFERENCE).shape == (1000,)
    run.close()
