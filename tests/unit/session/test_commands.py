"""Every command against a run in a file; the shapes of the answers are tests/contract's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ortviz.errors import OrtvizError, ProtocolError, UnknownNameError
from ortviz.protocol.codec import column_array, encode_frame
from ortviz.record import EventKind, Mode, RunEvent, RunInfo, RunStatus, StepLosses, StepRecord
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.commands import handle

sys.path.insert(0, str(Path(__file__).parents[2] / "contract" / "golden"))


@pytest.fixture
def reader(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        yield reader


@pytest.fixture
def writer(tmp_path):
    info = RunInfo("id", "name", 0.0, 1, "ortmodule", "", (), (), ())
    with RunWriter.create(tmp_path / "run.ortviz", info) as writer:
        yield writer


@pytest.mark.parametrize("params", [{"step": -1}, {"step": "1"}, {}, {"step": 1, "x": 1}])
def test_params_are_checked_first(reader, params):
    with pytest.raises(ProtocolError, match="'traces'"):
        handle(reader, "traces", params)


@pytest.mark.parametrize("command", ["nothing", "__class__", ""])
def test_unknown_commands(reader, command):
    with pytest.raises(ProtocolError, match="The commands are"):
        handle(reader, command, {})


def test_control_is_for_a_live_kernel(reader):
    with pytest.raises(OrtvizError, match="while the kernel that trains is running"):
        handle(reader, "control", {"action": "pause"})


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("traces", {"step": 3}),
        ("gradients", {"step": 99}),
        ("masked_elements", {"loss": "mape", "step": 99}),
        ("graph_model", {"mode": "inference", "stage": "optimized"}),
    ],
)
def test_what_was_not_recorded_is_said(reader, command, params):
    with pytest.raises(UnknownNameError) as caught:
        handle(reader, command, params)
    assert caught.value.remedy


def test_losses_are_cut_and_folded_as_asked(reader):
    payload, buffers = handle(reader, "losses", {"first_step": 2, "last_step": 5})
    assert column_array(payload["steps"], buffers).tolist() == [2, 3, 4, 5]
    assert {mark["step"] for mark in payload["marks"]} <= {2, 3, 4, 5}
    payload, buffers = handle(reader, "losses", {"max_points": 3})
    assert payload["steps_per_bin"] > 1
    assert len(column_array(payload["steps"], buffers)) <= 3
    kinds = {row["loss"]: column_array(row["nan"], buffers).sum() for row in payload["masked"]}
    assert kinds == {"mape": 1 + 4 * 11, "smape": 1 + 4 * 12}


def test_mask_map_range_and_default(reader):
    payload, buffers = handle(reader, "mask_map", {"first_step": 3, "last_step": 100})
    assert payload["loss"] == "mape"
    assert column_array(payload["steps"], buffers).tolist() == [3, 4, 5, 6, 7]
    payload, buffers = handle(reader, "mask_map", {"loss": "smape", "max_columns": 2})
    assert len(column_array(payload["steps"], buffers)) == 2
    payload, buffers = handle(reader, "mask_map", {"first_step": 50})
    assert column_array(payload["counts"], buffers).size == 0


def test_model_is_the_newest_export(reader):
    payload, buffers = handle(
        reader, "graph_model", {"mode": "training", "stage": "execution_model"}
    )
    assert buffers == [reader.model_bytes("training", "execution_model")]
    assert b"FusedGemm" in buffers[0]
    assert payload["file_name"] == "sunspots_b_b_execution_model_training.onnx"
    nodes, _ = handle(reader, "graph_nodes", {"mode": "training", "stage": "execution_model"})
    assert any(node["op_type"] == "FusedGemm" for node in nodes["nodes"])


def test_a_step_that_only_one_side_ran(writer):
    writer.put_step(StepRecord(0, Mode.TRAINING, True, (), (), notes=("No eager side.",)))
    with RunReader.open(writer.path) as reader:
        for command in ("traces", "gradients"):
            payload, _ = handle(reader, command, {"step": 0})
            assert payload["notes"] == ["No eager side."]


def test_a_broken_off_step_does_not_hide_the_loss(reader, writer):
    for step in range(5):
        writer.put_losses(reader.losses(step))
    writer.put_losses(StepLosses(5, None, note="Broken off."))
    with RunReader.open(writer.path) as broken_off:
        payload, _ = handle(broken_off, "losses", {})
    assert payload["trains_with"] == "mape"
    assert payload["notes"] == ["Broken off."]


def test_graphs_say_why_there_are_none(writer, tmp_path):
    with RunReader.open(writer.path) as reader:
        payload, _ = handle(reader, "graphs", {})
        assert "not exported the model yet" in payload["notes"][0]
        writer.put_event(RunEvent(EventKind.FALLBACK, 3, "ORTModule fell back to PyTorch."))
        payload, _ = handle(reader, "graphs", {})
        assert payload["notes"][0] == "Step 3: ORTModule fell back to PyTorch."
        assert "gave up before it saved a graph" in payload["notes"][1]
        assert len(payload["notes"]) == 2
    info = RunInfo("id", "name", 0.0, 1, "eager", "not installed", (), (), ())
    RunWriter.create(tmp_path / "eager.ortviz", info).close()
    with RunReader.open(tmp_path / "eager.ortviz") as reader:
        payload, _ = handle(reader, "graphs", {})
    assert "does not run this model (not installed)" in payload["notes"][0]


def test_a_run_that_ended_has_no_graphs_to_come(writer):
    for step_count, words in ((0, "before its first training step"), (3, "no graph of it")):
        writer.set_state(RunStatus.ENDED, None, step_count, None, None)
        with RunReader.open(writer.path) as reader:
            (note,) = handle(reader, "graphs", {})[0]["notes"]
        assert words in note
        assert "not exported the model yet" not in note


def test_answers_are_frames(reader):
    for command in ("run", "summary", "losses", "mask_map", "graphs", "findings"):
        assert encode_frame(*handle(reader, command, {}))
