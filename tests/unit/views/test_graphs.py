"""What a stage consists of."""

from __future__ import annotations

from ortviz.protocol.codec import Buffers
from ortviz.record import GraphRecord, Half, Mode, NodeRecord, Stage
from ortviz.record.store import StoredGraph
from ortviz.views.graphs import (
    graph_model_view,
    graph_nodes_view,
    graphs_view,
    module_node_counts,
    with_ancestors,
)


def _node(index, module, half=Half.FORWARD):
    return NodeRecord(index, f"n{index}", "Gemm", "", ("a",), (f"o{index}",), half, module, "")


NODES = (
    _node(0, "encoder.layers.0"),
    _node(1, "encoder.layers.0", Half.BACKWARD),
    _node(2, "encoder"),
    _node(3, None),
    _node(4, "encoder.layers.10"),
    _node(5, ""),
)
GRAPH = GraphRecord(Mode.INFERENCE, Stage.OPTIMIZED, NODES, (("Gemm", 6),), b"", 2)


def test_ancestors():
    assert with_ancestors("a.b.0") == ["a.b.0", "a.b", "a", ""]
    assert with_ancestors("") == [""]


def test_counts_include_children_and_leave_untraced_out():
    counts = {row["module"]: (row["forward"], row["backward"]) for row in module_node_counts(NODES)}
    assert counts == {
        "": (4, 1),
        "encoder": (3, 1),
        "encoder.layers": (2, 1),
        "encoder.layers.0": (1, 1),
        "encoder.layers.10": (1, 0),
    }


def test_stage_row():
    view = graphs_view([StoredGraph(GRAPH, 321)], ["A note."])
    (row,) = view["stages"]
    assert (row["mode"], row["stage"], row["export_index"]) == ("inference", "optimized", 2)
    assert (row["node_count"], row["forward_count"], row["backward_count"]) == (6, 5, 1)
    assert (row["untraced_count"], row["size_bytes"]) == (1, 321)
    assert row["op_counts"] == [{"op_type": "Gemm", "count": 6}]
    assert view["notes"] == ["A note."]


def test_nodes_in_file_order():
    view = graph_nodes_view(GRAPH)
    assert [node["index"] for node in view["nodes"]] == [0, 1, 2, 3, 4, 5]
    assert view["nodes"][3]["module"] is None
    assert view["nodes"][1] == {
        "index": 1, "name": "n1", "op_type": "Gemm", "domain": "", "half": "backward",
        "module": "encoder.layers.0", "evidence": "", "inputs": ["a"], "outputs": ["o1"],
    }  # fmt: skip


def test_model_file_has_a_name_that_every_system_takes():
    buffers = Buffers()
    view = graph_model_view("training", "optimized", b"\x08\x01", "../my <model> ä/", buffers)
    assert view["file_name"] == "my_model_ä_optimized_training.onnx"
    assert buffers.parts() == [b"\x08\x01"]
    assert view["model"] == {"buffer": 0, "dtype": "uint8", "shape": [2]}
    empty = graph_model_view("training", "optimized", b"", "/", Buffers())
    assert empty["file_name"] == "model_optimized_training.onnx"
