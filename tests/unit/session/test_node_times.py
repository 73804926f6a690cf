"""Times of nodes: from a profile's events to the file, the overlay and the table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ortviz._compat.ort_profile import KernelEvent, kernel_events
from ortviz.capture.node_times import node_times
from ortviz.protocol.codec import column_array
from ortviz.record import NodeTime, NodeTimes, RunInfo, StepCapture
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.commands import handle
from ortviz.session.node_times import NodeTimeTable, measured_notes, node_time_table
from ortviz.session.timing import NodeTiming

sys.path.insert(0, str(Path(__file__).parents[2] / "contract" / "golden"))
WARM_UPS = 3


def _events(*runs: dict[str, list[float]]) -> list[KernelEvent]:
    """Seconds of each node's calls by run, the three runs that warm up before them."""
    warm_up = [{name: [9.0] * len(secs) for name, secs in runs[0].items()}] * WARM_UPS
    return [
        KernelEvent(name, "Gemm", each)
        for run in (*warm_up, *runs)
        for name, secs in run.items()
        for each in secs
    ]


def test_the_median_of_runs_counts_and_warming_up_does_not():
    events = _events({"a": [1.0]}, {"a": [5.0]}, {"a": [2.0]})
    assert node_times(events, {"a": "x"}, 3) == (NodeTime("x", "Gemm", 2.0),)


def test_a_node_that_runs_twice_takes_both_times():
    events = _events({"a": [1.0, 2.0]}, {"a": [3.0, 4.0]})
    assert node_times(events, {"a": "x"}, 2) == (NodeTime("x", "Gemm", 5.0, 2),)


def test_what_runs_unevenly_or_is_unknown_has_no_time():
    events = _events(
        {"a": [1.0], "b": [1.0, 1.0], "c": [1.0]}, {"a": [1.0], "b": [1.0], "c": [1.0]}
    )
    assert [each.output for each in node_times(events, {"a": "x", "b": "y"}, 2)] == ["x"]


def test_a_profile_is_read_and_what_is_broken_in_it_left_out(tmp_path):
    events = [
        '{"cat" : "Session","dur" :9,"name" :"model_run","args" : {}}',
        '{"cat" : "Node","dur" :7,"name" :"/a/Add_kernel_time","args" : {"op_name" : "Add"}}',
        '{"cat" : "Node","dur" :0,"name" :"/a/Add_fence_after","args" : {"op_name" : "Add"}}',
        '{"cat" : "Node","dur" :5,"name" :"say "b"_kernel_time","args" : {"op_name" : "Add"}}',
        '{"cat" : "Node","dur" :5,"name" :"c_kernel_time","args" : {}}',
        '{"cat" : "Other","dur" :5,"name" :"d_kernel_time","args" : {"op_name" : "Add"}}',
    ]
    file = tmp_path / "profile.json"
    file.write_text("[\n" + ",\n".join(events) + "\n]\n")
    assert list(kernel_events(file)) == [KernelEvent("/a/Add", "Add", pytest.approx(7e-6))]
    for text in ('{"a": 1}', ""):
        file.write_text(text)
        with pytest.raises(ValueError, match="no list of events"):
            list(kernel_events(file))


@pytest.fixture
def writer(tmp_path):
    info = RunInfo("id", "name", 0.0, 1, "ortmodule", "", (), (), ())
    with RunWriter.create(tmp_path / "run.ortviz", info) as writer:
        yield writer


def _times(step, *secs, **more):
    nodes = tuple(NodeTime(f"v{place}", "Add", each) for place, each in enumerate(secs))
    return NodeTimes(step, 5, nodes, 0.25, 0.25, device="cpu", **more)


def test_what_was_measured_last_up_to_a_step_is_read(writer):
    for step in (4, 10):
        writer.put_node_times(_times(step, 0.125))
    with RunReader.open(writer.path) as reader:
        steps = {step: reader.node_times(step).step for step in (0, 4, 9, 10, 99)}
        assert steps == {0: 4, 4: 4, 9: 4, 10: 10, 99: 10}
        assert reader.node_times() == _times(10, 0.125)


def test_older_files_have_none(writer):
    with RunReader.open(writer.path) as reader:
        assert reader.node_times() is None
        writer._database.execute("DROP TABLE node_time")
        assert reader.node_times(3) is None
        assert "node_times=True" in repr(node_time_table(reader))


def test_the_recorder_writes_them_with_the_step(start, make):
    recorder = start()
    capture = make.capture(2)
    recorder.captured(StepCapture(capture.record, node_times=_times(2, 0.5)))
    recorder.close(10.0)
    with RunReader.open(recorder.path) as reader:
        assert reader.node_times() == _times(2, 0.5)


def _timing(table=(), ended=False):
    return NodeTiming(7, lambda: NodeTimeTable(*(table or (None, ()))), lambda: ended)


def test_a_request_says_what_becomes_of_it(start, make, capsys):
    recorder = start(every=100)
    measured = _times(3, 0.003, 0.001)
    timing = _timing((measured, ()))
    assert "next training step will be timed, 7 runs" in "".join(capsys.readouterr())
    recorder.time_next(7, timing)
    assert (timing.step, timing.done) == (None, False)
    assert repr(timing).startswith("Waiting for the next training step")
    assert recorder.wants(3)
    recorder.times(3)
    assert "timing the nodes of step 3 on what it is fed, 7 runs" in "".join(capsys.readouterr())
    assert (timing.step, timing.done) == (3, False)
    assert "Timing the nodes of step 3" in timing._repr_html_()
    recorder.captured(StepCapture(make.capture(2).record))
    assert not timing.done
    recorder.captured(StepCapture(make.capture(3).record, node_times=measured))
    assert timing.done
    said = "".join(capsys.readouterr())
    assert "Timed 2 nodes of step 3: together 4 ms (median of 5 runs). Slowest: " in said
    assert "75.0%" in said
    assert "run.node_times lists them" in said
    assert repr(timing).startswith("Timed 2 nodes of step 3")
    recorder.close(10.0)


def test_a_request_says_why_there_are_no_times(start, make, capsys):
    recorder = start(every=100)
    timing = _timing()
    recorder.time_next(7, timing)
    recorder.times(0)
    reason = NodeTimes(0, 0, reason="No backward pass ran.")
    recorder.captured(StepCapture(make.capture(0).record, node_times=reason))
    assert "were not timed. No backward pass ran." in "".join(capsys.readouterr())
    assert repr(timing) == "The nodes of step 0 were not timed. No backward pass ran."
    assert repr(_timing(ended=True)).startswith("No nodes were timed: the run ended")
    recorder.time_next(7, timing)
    recorder.times(5)
    recorder.captured(StepCapture(make.capture(5).record))
    assert "run.problems says why" in repr(timing)
    recorder.close(10.0)


def test_a_request_is_fulfilled_once(start):
    recorder = start(every=100)
    recorder.time_next(7, _timing())
    assert recorder.wants(3)
    assert recorder.times(3) == 7
    assert recorder.times(3) == 0
    assert not recorder.wants(4)


@pytest.fixture
def golden(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        yield reader


def test_the_overlay_has_them_at_the_nodes_that_make_their_outputs(golden):
    params = {"mode": "training", "stage": "execution_model", "step": 6}
    payload, buffers = handle(golden, "graph_overlay", params)
    assert column_array(payload["timed_node"], buffers).tolist() == [0, 1, 4]
    assert column_array(payload["node_secs"], buffers).tolist() == [2**-12, 2**-11, 2**-10]
    notes = " ".join(payload["time_notes"])
    assert "on what step 2 was fed (cpu, median of 20 runs)" in notes
    assert "nodes take 1.95 ms, 67% of a run's 2.93 ms" in notes
    assert "1 timed node is not in this graph" in notes
    payload, buffers = handle(golden, "graph_overlay", {**params, "stage": "torch_exported"})
    assert column_array(payload["timed_node"], buffers).size == 0
    assert "execution_model" in payload["time_notes"][0]


def test_the_table_is_sorted_and_knows_modules(golden):
    table = node_time_table(golden)
    assert [node.output for node in table[:1]] == ["head.weight_grad"]
    assert [node.module for node in table] == ["head", "blocks.1", "norm", None]
    assert [node.index for node in table] == [4, 1, 0, None]
    assert [node.share for node in table] == [0.5, 0.25, 0.125, 0.125]
    lines = repr(table).splitlines()
    assert lines[1].split() == ["50.0%", "977", "Gemm", "head", "/head/Gemm_Grad/Gemm_0"]
    assert "67% of a run's" in lines[-1]
    assert "ONNX Runtime&#x27;s profiler" in table._repr_html_()


def test_reasons_are_told():
    assert measured_notes(NodeTimes(1, 0, reason="Because.")) == ["Because."]
    nothing = NodeTimes(1, 5, (), None, None)
    assert "0 ms." in measured_notes(nothing)[0]
    masks = NodeTimes(1, 5, (), 0.5, 0.5, masks_given=True, device="cpu")
    assert "Dropout was given its masks" in measured_notes(masks)[1]
    elsewhere = NodeTimes(1, 5, (), 0.5, 0.5, device="cuda")
    assert "On cuda" in measured_notes(elsewhere)[1]
