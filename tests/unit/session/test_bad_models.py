"""Damaged, strange, huge and hostile files: answered, or refused with a sentence."""

from __future__ import annotations

import json
import re
import time

import pytest

from ortviz.errors import OrtvizError
from ortviz.session.graph_files import GraphFiles
from tests.bad_models import BAD_MODELS, HOSTILE_NAMES, BadModel

ANSWER_SECS = 10.0
"""Of the processor; 100,000 nodes take two."""


@pytest.mark.parametrize("model", BAD_MODELS.values(), ids=BAD_MODELS)
def test_a_bad_file_is_answered_for_or_refused_in_words(model: BadModel, tmp_path):
    path = tmp_path / f"{model.name}.onnx"
    path.write_bytes(model.content())
    began = time.process_time()
    if model.refused:
        with pytest.raises(OrtvizError, match=rf"{model.name}\.onnx"):
            GraphFiles(path)
        return
    files = GraphFiles(path)
    mode, stage = files.first
    graphs, _ = files.answer("graphs", {})
    params = {"mode": mode.value, "stage": stage.value}
    structure, _ = files.answer("graph_structure", params)
    assert time.process_time() - began < ANSWER_SECS
    details, _ = files.answer("graph_details", {**params, "chunk": 0})
    schemas, _ = files.answer("graph_schemas", params)
    assert details["nodes"]
    assert len(schemas["schemas"]) == len(structure["ops"])
    said = json.dumps([graphs["notes"], structure["notes"]], allow_nan=False)
    assert re.search(model.said, said), said


def test_a_hostile_name_reaches_the_browser_as_it_is_in_the_file(tmp_path):
    path = tmp_path / "hostile.onnx"
    path.write_bytes(BAD_MODELS["hostile"].content())
    files = GraphFiles(path)
    mode, stage = files.first
    structure, _ = files.answer("graph_structure", {"mode": mode.value, "stage": stage.value})
    assert set(HOSTILE_NAMES.values()) <= {op["op_type"] for op in structure["ops"]}
