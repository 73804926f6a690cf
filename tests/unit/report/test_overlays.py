"""Overlays and kept tensors in a report, and what there is no room for."""

from __future__ import annotations

import base64
import gzip

import numpy as np
import pytest

from ortviz.protocol.codec import decode_frame
from ortviz.record import Direction, Mode, RawTensor, RunInfo, Side, Site, StepRecord
from ortviz.record.store import RunReader, RunWriter
from ortviz.report import overlays as overlays_module
from ortviz.report.contents import collect, request_key
from ortviz.session.commands import handle

STAGES = ("execution_model", "torch_exported")


def test_all_steps_and_stages_are_in_it(reader):
    contents = collect(reader, 100)
    assert contents.steps == [0, 2, 4, 6]
    for stage in STAGES:
        for step in contents.steps:
            params = {"mode": "training", "stage": stage, "step": step}
            frame = contents.frames[request_key("graph_overlay", params)]
            payload, views = decode_frame(gzip.decompress(base64.b64decode(frame)))
            answer = payload, [bytes(view) for view in views]
            assert answer == handle(reader, "graph_overlay", params)
    assert "not in the report" in contents.missing["graph_overlay"]


def test_the_graph_that_runs_comes_first(reader, monkeypatch):
    monkeypatch.setattr(overlays_module, "MAX_OVERLAYS_BYTES", 1)
    contents = collect(reader, 100)
    kept = [key for key in contents.frames if key.startswith("graph_overlay")]
    assert kept == ['graph_overlay?{"mode":"training","stage":"execution_model","step":0}']
    (note,) = [note for note in contents.notes if "of the graphs" in note]
    assert "execution_model, torch_exported" in note


@pytest.fixture
def keeping(tmp_path):
    info = RunInfo("id", "name", 0.0, 1, "ortmodule", "", (), (), ())
    site = Site(Direction.FORWARD, "fc", "out0")
    tensor = RawTensor(np.arange(5, dtype=np.float32), "float32")
    with RunWriter.create(tmp_path / "run.ortviz", info) as writer:
        for step in (0, 1):
            writer.put_step(StepRecord(step, Mode.TRAINING, False, (), ()))
            writer.put_kept(step, site.id, 0, {Side.CANDIDATE: tensor})
    with RunReader.open(writer.path) as opened:
        yield opened, site.id


def test_kept_tensors_are_in_it_as_long_as_there_is_room(keeping, monkeypatch):
    opened, site_id = keeping
    keys = [
        request_key("tensor_values", {"step": step, "site_id": site_id, "side": "candidate"})
        for step in (0, 1)
    ]
    assert set(keys) <= set(collect(opened, 100).frames)
    monkeypatch.setattr(overlays_module, "MAX_TENSORS_BYTES", 1)
    contents = collect(opened, 100)
    assert keys[0] in contents.frames
    assert keys[1] not in contents.frames
    assert "Elements of 1 kept tensors had no room in it." in contents.notes
    assert "keep= of ortviz.wrap" in contents.missing["tensor_values"]
