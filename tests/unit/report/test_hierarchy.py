"""The hierarchies in a report, and what is told of nodes as far as there is room."""

from __future__ import annotations

import base64
import gzip

from ortviz.protocol.codec import decode_frame
from ortviz.report import hierarchy
from ortviz.report.contents import Contents, add_graphs, request_key

_EXECUTION = {"mode": "training", "stage": "execution_model"}


def _payload(contents, command, params):
    packed = contents.frames[request_key(command, params)]
    return decode_frame(gzip.decompress(base64.b64decode(packed)))[0]


def test_every_stage_has_its_hierarchy_documentation_and_details(reader):
    contents = Contents()
    add_graphs(reader, contents)
    for stage in ("execution_model", "torch_exported"):
        params = {"mode": "training", "stage": stage}
        structure = _payload(contents, "graph_structure", params)
        details = _payload(contents, "graph_details", {**params, "chunk": 0})
        assert structure["file_node_count"] in (4, 7)
        assert len(details["nodes"]) == structure["node_op"]["shape"][0]
        assert _payload(contents, "graph_schemas", params)["schemas"][0]["doc"]
    assert contents.notes == []


def test_details_are_left_out_where_there_is_no_room(reader, monkeypatch):
    monkeypatch.setattr(hierarchy, "MAX_DETAILED_NODES", 1)
    contents = Contents()
    add_graphs(reader, contents)
    assert request_key("graph_details", {**_EXECUTION, "chunk": 0}) in contents.frames
    other = {"mode": "training", "stage": "torch_exported"}
    assert request_key("graph_details", {**other, "chunk": 0}) not in contents.frames
    assert request_key("graph_structure", other) in contents.frames
    (note,) = contents.notes
    assert note.startswith("Of torch_exported (training) it tells attributes and shapes of 0 of")
    assert "Open the run" in contents.missing["graph_details"]


def test_other_ranks_look_at_the_same_hierarchy(reader):
    contents = Contents(rank=1)
    add_graphs(reader, contents)
    assert not [key for key in contents.frames if key.startswith("graph_structure")]
