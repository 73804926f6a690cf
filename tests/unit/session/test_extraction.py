"""Parts of graphs as files of their own, and values that lie in files."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ortviz.errors import OrtvizError, ProtocolError, UnknownNameError
from ortviz.graphs.extract import MAX_INITIALIZER_BYTES, extract
from ortviz.session.graph_files import GraphFiles

STAGE = {"mode": "inference", "stage": "model"}
TRAINING = {"mode": "training", "stage": "model"}


def value(name, shape=(4,), kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def chain():
    """x -> Relu -> Neg -> Add(w) -> Mul(c) -> y, with a second way around Neg."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Constant", [], ["c"], value_float=2.0),
        helper.make_node("Add", ["b", "w"], ["d"]),
        helper.make_node("Mul", ["d", "c"], ["e"]),
        helper.make_node("Sub", ["e", "a"], ["y"]),
    ]
    weight = numpy_helper.from_array(np.array([1, 2, 3, 4], dtype=np.float32), "w")
    infos = [value(name) for name in "abde"]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], [weight], value_info=infos)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def loaded(part):
    model = onnx.load_model_from_string(part.model_bytes)
    onnx.checker.check_model(model)
    return model


def names(values):
    return [each.name for each in values]


def test_what_enters_is_an_input_and_what_leaves_an_output():
    model = loaded(extract(chain(), [1, 3]))
    assert names(model.graph.input) == ["a"]
    assert names(model.graph.output) == ["d"]
    assert names(model.graph.initializer) == ["w"]
    assert [node.op_type for node in model.graph.node] == ["Neg", "Add"]


def test_a_part_computes_what_the_whole_computes():
    ort = pytest.importorskip("onnxruntime")
    part = loaded(extract(chain(), [1, 3, 4]))
    a = np.array([1, -2, 3, -4], dtype=np.float32)
    session = ort.InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"a": a})
    np.testing.assert_array_equal(found, (-a + np.array([1, 2, 3, 4], dtype=np.float32)) * 2)


def test_nodes_between_are_added_and_said():
    part = extract(chain(), [0, 3])
    assert [node.op_type for node in loaded(part).graph.node] == ["Relu", "Neg", "Add"]
    assert part.notes == ("1 node between the chosen ones was added.",)
    # What only leads away from the chosen ones, or to them, is not between them.
    assert extract(chain(), [4, 5]).notes == ()


def test_constants_are_taken_along():
    model = loaded(extract(chain(), [4]))
    assert [node.op_type for node in model.graph.node] == ["Constant", "Mul"]
    assert names(model.graph.input) == ["d"]


def test_large_weights_become_inputs():
    model = chain()
    count = MAX_INITIALIZER_BYTES // 4 + 1
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(np.zeros(count, dtype=np.float32), "w")
    )
    part = extract(model, [3])
    built = loaded(part)
    assert names(built.graph.input) == ["b", "w"]
    assert built.graph.input[1].type.tensor_type.shape.dim[0].dim_value == count
    assert part.notes[0].startswith("1 weight is an input of the part")


def test_subgraphs_bring_what_they_take_from_around_them():
    body = helper.make_graph([helper.make_node("Add", ["a", "w"], ["t"])], "b", [], [value("t")])
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("If", ["cond"], ["y"], then_branch=body, else_branch=body),
    ]
    weight = numpy_helper.from_array(np.ones(4, dtype=np.float32), "w")
    condition = value("cond", (), TensorProto.BOOL)
    graph = helper.make_graph(nodes, "g", [value("x"), condition], [value("y")], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.graph.value_info.append(value("a"))
    part = loaded(extract(model, [1]))
    assert names(part.graph.input) == ["cond", "a"]
    assert names(part.graph.initializer) == ["w"]


def training_graph():
    """A forward, ORT's YieldOp, and a backward whose values have no types."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node(
            "YieldOp", ["a"], ["a_grad"], domain="com.microsoft", full_shape_outputs=[0]
        ),
        helper.make_node("ReluGrad", ["a_grad", "a"], ["x_grad"], domain="com.microsoft"),
        helper.make_node("Scale", ["odd"], ["odd2"], domain="com.microsoft"),
    ]
    half = TensorProto.FLOAT16
    graph = helper.make_graph(nodes, "g", [value("x", kind=half)], [value("x_grad", kind=half)])
    graph.value_info.append(value("a", kind=half))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_gradients_and_operators_of_ort_can_be_taken():
    part = extract(training_graph(), [2])
    model = loaded(part)
    assert names(model.graph.input) == ["a_grad", "a"]
    # A gradient has the type of what it is the gradient of.
    kinds = [each.type.tensor_type.elem_type for each in model.graph.input]
    assert kinds == [TensorProto.FLOAT16, TensorProto.FLOAT16]
    assert part.notes == ()
    assert [node.op_type for node in loaded(extract(training_graph(), [1])).graph.node] == [
        "YieldOp"
    ]


def test_what_is_assumed_is_said():
    part = extract(training_graph(), [3])
    model = onnx.load_model_from_string(part.model_bytes)
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert not model.graph.input[0].type.tensor_type.HasField("shape")
    type_note, shape_note = part.notes
    assert "does not tell the type of odd, odd2; float32 is assumed" in type_note
    assert "does not tell the shape of odd, odd2" in shape_note


def test_a_graph_that_breaks_the_rules_gives_a_part_with_the_objection():
    model = chain()
    model.graph.node[1].op_type = "NoSuchOperator"
    part = extract(model, [1])
    assert "onnx's checker objects" in part.notes[0]


def test_the_command_answers_with_a_file(tmp_path):
    (tmp_path / "n.onnx").write_bytes(chain().SerializeToString())
    files = GraphFiles(tmp_path / "n.onnx")
    payload, buffers = files.answer("graph_extract", {**STAGE, "nodes": [0, 3]})
    assert payload["file_name"] == "n.onnx_model_inference_3_nodes.onnx"
    assert payload["notes"] == ["1 node between the chosen ones was added."]
    onnx.checker.check_model(onnx.load_model_from_string(bytes(buffers[0])))


@pytest.mark.parametrize("nodes", [[], [-1], [True], ["0"], "0", [2**40], None, [0] * 200_001])
def test_what_is_no_list_of_nodes_is_refused(tmp_path, nodes):
    (tmp_path / "n.onnx").write_bytes(chain().SerializeToString())
    with pytest.raises(ProtocolError) as refused:
        GraphFiles(tmp_path / "n.onnx").answer("graph_extract", {**STAGE, "nodes": nodes})
    assert len(str(refused.value)) < 500


def test_nodes_that_are_not_there_or_no_operators(tmp_path):
    (tmp_path / "n.onnx").write_bytes(chain().SerializeToString())
    files = GraphFiles(tmp_path / "n.onnx")
    with pytest.raises(UnknownNameError, match="no node 99"):
        files.answer("graph_extract", {**STAGE, "nodes": [99]})
    structure, buffers = files.answer("graph_structure", STAGE)
    kinds = bytes(buffers[structure["node_kind"]["buffer"]])
    with pytest.raises(OrtvizError, match="No operator is chosen"):
        files.answer("graph_extract", {**STAGE, "nodes": [kinds.index(1)]})


def with_body():
    body = helper.make_graph([helper.make_node("Neg", ["x"], ["t"])], "b", [], [value("t")])
    node = helper.make_node("If", ["cond"], ["y"], then_branch=body, else_branch=body)
    condition = value("cond", (), TensorProto.BOOL)
    return helper.make_model(helper.make_graph([node], "g", [value("x"), condition], [value("y")]))


def test_nodes_inside_of_others_stay_there(tmp_path):
    (tmp_path / "n.onnx").write_bytes(with_body().SerializeToString())
    with pytest.raises(OrtvizError, match=r"\(Neg\) is in the body of another node"):
        GraphFiles(tmp_path / "n.onnx").answer("graph_extract", {**STAGE, "nodes": [1]})


def constants():
    nodes = [
        helper.make_node("Constant", [], ["ints"], value_ints=[3, 1, 2]),
        helper.make_node("Constant", [], ["text"], value_string=b"hello"),
        helper.make_node("Relu", ["x"], ["y"]),
    ]
    half = helper.make_tensor("half", TensorProto.BFLOAT16, [2], [1.5, -2.0])
    many = numpy_helper.from_array(np.arange(5000, dtype=np.float32), "many")
    bad = numpy_helper.from_array(np.array([1, np.nan, np.inf], dtype=np.float64), "odd")
    words = helper.make_tensor("words", TensorProto.STRING, [1], [b"a"])
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], [half, many, bad, words])
    return helper.make_model(graph)


@pytest.fixture
def held(tmp_path):
    (tmp_path / "n.onnx").write_bytes(constants().SerializeToString())
    files = GraphFiles(tmp_path / "n.onnx")

    def ask(name):
        payload, buffers = files.answer("graph_constant", {**STAGE, "name": name})
        return payload, np.frombuffer(bytes(buffers[payload["values"]["buffer"]]), np.float64)

    return ask


def test_large_values_are_there_though_they_are_not_remembered(held):
    payload, values = held("many")
    assert (payload["dtype"], payload["shape"], payload["element_count"]) == (
        "float32",
        [5000],
        5000,
    )
    assert payload["sampled"]
    np.testing.assert_array_equal(values, np.arange(4096))
    assert (payload["minimum"], payload["maximum"], payload["mean"]) == (0, 4999, 2499.5)


def test_values_of_every_kind(held):
    payload, values = held("ints")
    assert (payload["dtype"], values.tolist()) == ("int64", [3, 1, 2])
    payload, values = held("half")
    assert (payload["dtype"], values.tolist()) == ("bfloat16", [1.5, -2.0])
    payload, values = held("odd")
    assert np.isnan(values[1])
    assert np.isinf(values[2])
    assert payload["mean"] == 1.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x", "is an input of the graph"),
        ("y", "is computed"),
        ("nothing", "There is no tensor 'nothing'"),
        ("words", "no numbers"),
        ("n" * 19_000, "There is no tensor"),
    ],
)
def test_what_has_no_values_says_why(held, name, said):
    payload, values = held(name)
    assert payload["status"] == "not_captured"
    assert said in payload["reason"]
    assert len(values) == 0


def external(folder: Path, location: str, count: int = 4, **places: int) -> GraphFiles:
    model = chain()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.dims[0] = count
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    for key, place in places.items():
        tensor.external_data.add(key=key, value=str(place))
    (folder / "n.onnx").write_bytes(model.SerializeToString())
    return GraphFiles(folder / "n.onnx")


def test_values_beside_the_file_are_read(tmp_path):
    (tmp_path / "w.bin").write_bytes(struct.pack("<4f", 5, 6, 7, 8))
    payload, buffers = external(tmp_path, "w.bin").answer("graph_constant", {**STAGE, "name": "w"})
    assert np.frombuffer(bytes(buffers[0]), np.float64).tolist() == [5, 6, 7, 8]
    assert payload["status"] == "captured"


@pytest.mark.parametrize(
    ("location", "count", "said"),
    [
        ("gone.bin", 4, "which is not there"),
        ("../w.bin", 4, "outside of the model's folder"),
        ("/etc/passwd", 4, "outside of the model's folder"),
        ("large.bin", 2**29, "take 2048 MiB of large.bin; more than 256 MiB are not read"),
        ("w.bin", 5, "are damaged"),
    ],
)
def test_values_that_cannot_be_read_say_why(tmp_path, location, count, said):
    (tmp_path.parent / "w.bin").write_bytes(bytes(16))
    (tmp_path / "w.bin").write_bytes(bytes(16))
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(2**31)  # sparse: takes no room
    files = external(tmp_path, location, count)
    payload, _ = files.answer("graph_constant", {**STAGE, "name": "w"})
    assert said in payload["reason"]


@pytest.mark.parametrize("places", [{"length": -1}, {"offset": -4}, {"offset": 0, "length": -16}])
def test_places_before_the_beginning_are_refused(tmp_path, places):
    (tmp_path / "w.bin").write_bytes(bytes(16))
    payload, _ = external(tmp_path, "w.bin", **places).answer(
        "graph_constant", {**STAGE, "name": "w"}
    )
    assert "their offset or length is below 0" in payload["reason"]


def test_a_pipe_beside_the_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.bin")
    payload, _ = external(tmp_path, "pipe.bin").answer("graph_constant", {**STAGE, "name": "w"})
    assert "it is no regular file" in payload["reason"]
