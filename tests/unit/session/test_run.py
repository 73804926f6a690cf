from __future__ import annotations

import copy
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.errors import OrtvizError, StoreError, UnknownNameError
from ortviz.record import Problem, RunStatus, Verdict
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.run import Run


@pytest.fixture
def live(start: Any, make: Any, engine: Any) -> Any:
    recorder = start(every=2, engine=engine(at=(2,)), total_steps=6)
    run = Run(recorder=recorder)
    recorder.graph(make.graph())
    for step in range(6):
        recorder.stepped(step)
        if recorder.wants(step):
            recorder.captured(make.capture(step, difference=0.5 if step == 4 else 0.0))
        recorder.observed(make.observation(step))
    yield run
    run.close()


def test_steps_are_there_as_soon_as_they_were_seen(live: Run) -> None:
    assert list(live.steps) == [0, 2, 4]
    assert len(live.steps) == 3
    assert 2 in live.steps
    assert 3 not in live.steps
    step = live.steps[4]
    (comparison,) = step.compare().sites
    assert comparison.verdict is Verdict.DIVERGENT
    assert comparison.max_abs_error == pytest.approx(0.5)
    assert step.record.step == 4
    assert step.losses.candidate is not None
    assert live.steps.latest.number == 4
    assert repr(step) == "<Step 4: 1 site: 1 divergent; diverges first at forward/fc#out0>"
    assert repr(live.steps) == "<3 sampled steps: 0, 2, 4>"


def test_a_step_that_was_not_sampled_is_told_with_the_nearest(live: Run) -> None:
    with pytest.raises(UnknownNameError, match=r"Step 3 was not recorded.*2, 4"):
        live.steps[3]
    assert live.steps.get(3) is None
    with pytest.raises(UnknownNameError, match=r"looked up one by one.*slice"):
        live.steps[2:4]  # type: ignore[index]


def test_losses(live: Run) -> None:
    assert live.losses.at(5).step == 5
    arrays = live.losses.arrays()
    np.testing.assert_array_equal(arrays.steps, np.arange(6))
    np.testing.assert_allclose(arrays.mae, 0.5)
    assert arrays.steps_per_bin == 1
    assert np.isnan(live.losses.arrays("reference").mae).all()
    assert list(live.losses.arrays(first_step=2, last_step=3).steps) == [2, 3]
    assert repr(live.losses).startswith("<losses up to step 5: mae 0.5, ")


def test_graphs(live: Run, tmp_path: Path) -> None:
    graph = live.graphs["execution_model"]
    assert graph.model_bytes == b"onnx bytes"
    assert live.graphs["training", "execution_model"].record == graph.record
    assert graph.save(tmp_path).name == "execution_model_training.onnx"
    assert graph.save(tmp_path / "mine.onnx").read_bytes() == b"onnx bytes"
    assert list(live.graphs) == [("training", "execution_model")]
    with pytest.raises(UnknownNameError, match="execution_model"):
        live.graphs["optimised"]
    assert ("inference", "optimized") not in live.graphs
    assert "execution_model" in repr(live.graphs)


def test_findings_show_themselves(live: Run) -> None:
    (finding,) = live.findings
    assert finding.first_step == 2
    assert "title" in repr(live.findings)
    assert "<td" in live.findings._repr_html_()
    assert repr(live.findings[:0]) == "No findings."


def test_live_run_says_where_it_stands_and_can_be_controlled(live: Run) -> None:
    assert live.status is RunStatus.LIVE
    assert repr(live).startswith("<Run 'model': live, 6 steps in run.ortviz>")
    payload, buffers = live.answer("control", {"action": "pause"})
    assert payload == {
        "status": "paused",
        "message": "Paused: training goes on, nothing is sampled.",
    }
    assert buffers == []
    assert live.status is RunStatus.PAUSED
    live.answer("control", {"action": "resume"})
    live.answer("control", {"action": "sample_next"})
    assert live.status is RunStatus.LIVE
    with pytest.raises(OrtvizError, match="action"):
        live.answer("control", {"action": "stop"})


def test_an_ended_run_can_be_read_but_not_controlled(live: Run) -> None:
    live.close()
    live.close()
    assert live.status is RunStatus.ENDED
    assert list(live.steps) == [0, 2, 4]
    with pytest.raises(OrtvizError, match="has ended"):
        live.pause()
    with pytest.raises(OrtvizError, match="while the kernel"):
        live.answer("control", {"action": "pause"})
    assert not [t for t in threading.enumerate() if t.name.startswith("ortviz")]


def test_close_leaves_one_file_although_it_was_read_meanwhile(live: Run, tmp_path: Path) -> None:
    assert len(live.steps) == 3
    live.close()
    assert [path.name for path in tmp_path.glob("run.ortviz*")] == ["run.ortviz"]


def test_save_and_load(live: Run, tmp_path: Path) -> None:
    path = live.save(tmp_path / "copies" / "first")
    assert path == tmp_path / "copies" / "first.ortviz"
    assert live.status is RunStatus.LIVE
    with RunReader.open(path) as reader:
        assert reader.state() == replace(live.state, status=RunStatus.ENDED)
    loaded = Run(path)
    assert loaded.info == live.info
    assert loaded.status is RunStatus.ENDED
    assert list(loaded.steps) == [0, 2, 4]
    assert loaded.path == path
    with pytest.raises(OrtvizError, match="has ended"):
        loaded.sample_next()
    loaded.close()


def test_a_file_whose_run_goes_on_elsewhere_says_so_and_cannot_be_controlled(live: Run) -> None:
    live.flush()
    assert live.path is not None
    found = Run(live.path)
    summary, _ = found.answer("summary", {})
    assert isinstance(summary, dict)
    # For Python a run is live only where it can be controlled; a page says where it trains.
    assert (found.status, summary["status"]) == (RunStatus.ENDED, "live")
    assert (live.controllable, found.controllable) == (True, False)
    with pytest.raises(OrtvizError, match="while the kernel that trains"):
        found.answer("control", {"action": "pause"})
    assert repr(found).startswith("<Run 'model': ended, 6 steps")
    live.close()
    summary, _ = found.answer("summary", {})
    assert isinstance(summary, dict)
    assert (summary["status"], live.controllable) == ("ended", False)
    found.close()


@pytest.mark.parametrize("content", [None, b"not a database at all, but long enough to be one"])
def test_what_is_no_run_is_told_at_once(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.ortviz"
    if content is not None:
        path.write_bytes(content * 100)
    with pytest.raises(StoreError, match=r"x\.ortviz"):
        Run(path)


def test_problems_that_could_not_be_stored_are_shown_all_the_same(
    live: Run, start: Any, monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    def full(*given: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(RunWriter, "put_problem", full)
    recorder = live._recorder
    assert recorder is not None
    recorder.problem(Problem("what", "do"))
    assert [problem.what for problem in live.problems] == ["what"]
    payload, _ = live.answer("findings", {})
    assert payload["problems"][0]["what"] == "what"  # type: ignore[index]


def test_a_run_that_is_not_recorded_says_why(
    start: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*given: object) -> RunWriter:
        raise StoreError("read-only")

    monkeypatch.setattr("ortviz.session.storage.RunWriter.create", refuses)
    run = Run(recorder=start())
    assert run.path is None
    assert "not recorded" in repr(run)
    with pytest.raises(StoreError, match="Nothing of this run is recorded"):
        list(run.steps)
    assert len(run.problems) == 1
    run.close()


def test_a_copied_model_keeps_the_same_run(live: Run) -> None:
    assert copy.deepcopy({"run": live})["run"] is live


def test_figures(live: Run) -> None:
    assert len(live.figures.losses().data) > 0
    assert live.figures.gradients(4) is not None
    assert live.figures.mask_map("smape") is not None


def test_show_needs_something_to_show_it_with(live: Run, tmp_path: Path) -> None:
    with pytest.raises(OrtvizError, match="nothing to show it with"):
        live.show()

    class Shown:
        def show(self, run: Run, height: int | None) -> object:
            return (run, height)

        def write_report(self, run: Run, path: Path) -> Path:
            return path

    live._presenter = Shown()
    assert live.show(400) == (live, 400)
    assert live.to_html(str(tmp_path / "r.html")) == tmp_path / "r.html"


def test_as_a_context_it_is_closed_at_the_end(start: Any) -> None:
    with Run(recorder=start()) as run:
        assert run.status is RunStatus.WAITING
    assert run.status is RunStatus.ENDED
