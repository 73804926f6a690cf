"""What is told of single nodes, and of their operators."""

from __future__ import annotations

from dataclasses import replace

import pytest
from onnx import TensorProto, helper

from ortviz.graphs import DetailsReader, ModelNames, operator_schemas, read_structure
from ortviz.graphs.details import CHUNK_SIZE
from ortviz.graphs.schemas import opset_versions, slot_names
from ortviz.graphs.value_types import graph_types
from ortviz.record import SchemaParameter
from tests.bad_models import BAD_MODELS
from tests.unit.graphs.small_models import chain, graph, model, node, record_of, value


def _reader(made, modules=None, names=("", "fc"), **changed):
    record = record_of(made, modules or {})
    record = replace(
        record, nodes=tuple(replace(each, **changed) if changed else each for each in record.nodes)
    )
    known = ModelNames(tuple(names), frozenset({"fc.bias"}))
    return DetailsReader(made, read_structure(made, record, known), record, known)


def _gemm():
    fixed = helper.make_tensor("c", TensorProto.FLOAT, [2], [0.5, 1.0])
    made = model(
        [
            node("Gemm", ["x", "_original_module.fc.weight", "c"], ["y"], name="gemm", alpha=0.5),
            node("Clip", ["y", "", "fc.bias"], ["z"], name="clip"),
        ],
        ["_original_module.fc.weight", "fc.bias"],
        ["z"],
        [fixed],
    )
    made.graph.input.insert(0, value("x", ["batch", None]))
    return made


def _rows(values):
    return [
        (each.slot, each.name, str(each.kind), each.shape, each.dtype, each.text) for each in values
    ]


def test_inputs_have_the_names_of_the_schema_and_where_they_come_from():
    gemm, clip, given, output = _reader(_gemm(), {"gemm": "fc"}).chunk(0)
    assert _rows(gemm.inputs) == [
        ("A", "x", "input", ("batch", "?"), "float32", ""),
        ("B", "_original_module.fc.weight", "parameter", ("2",), "float32", ""),
        ("C", "c", "constant", ("2",), "float32", "[0.5, 1]"),
    ]
    assert _rows(clip.inputs)[1:] == [
        ("min", "", "absent", None, "", ""),
        ("max", "fc.bias", "parameter", ("2",), "float32", ""),
    ]
    assert [each.slot for each in (*gemm.outputs, *clip.outputs)] == ["Y", "output"]
    assert [(each.name, each.text) for each in gemm.attributes] == [("alpha", "0.5")]
    assert (given.inputs, [each.name for each in given.outputs]) == ((), ["x"])
    assert ([each.name for each in output.inputs], output.outputs) == (["z"], ())
    assert [each.node for each in (gemm, clip, given, output)] == [0, 1, 2, 3]


def test_modules_and_what_tells_them():
    gemm, clip, *_ = _reader(_gemm(), {"gemm": "fc"}).chunk(0)
    assert (gemm.module, gemm.evidence) == ("fc", "Its own name has the module's scope.")
    assert clip.module is None
    assert "tell of a module" in clip.evidence
    (strange, *_) = _reader(_gemm(), evidence="other").chunk(0)
    assert strange.evidence == "other"
    for evidence in ("gradient_of", "model_output", "lineage", "neighbour"):
        (told, *_) = _reader(_gemm(), evidence=evidence).chunk(0)
        assert told.evidence.endswith(".")
    (unknown, *_) = _reader(_gemm(), {"gemm": "fc"}, names=("",)).chunk(0)
    assert unknown.module is None
    assert unknown.evidence.startswith("Nothing is known of the modules of this file")


def test_shapes_that_the_file_does_not_have_are_inferred():
    made = model([node("Relu", ["x"], ["a"]), node("Shape", ["a"], ["b"])], ["x"])
    _, shape, _ = _reader(made).chunk(0)
    assert _rows(shape.inputs) == [("data", "a", "value", ("2",), "float32", "")]
    assert _rows(shape.outputs) == [("shape", "b", "value", ("1",), "int64", "")]


def _calling(functions):
    """A model whose one node is a call of the first of some functions: name -> what it calls."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = [
        helper.make_function(
            "own",
            name,
            ["a"],
            ["b"],
            [
                helper.make_node(called, ["a"], ["b"], domain="own" if called in functions else "")
                for called in calls
            ],
            opsets,
        )
        for name, calls in functions.items()
    ]
    graph = helper.make_graph(
        [helper.make_node(next(iter(functions)), ["x"], ["y"], domain="own")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_empty_tensor_value_info("y")],
    )
    return helper.make_model(graph, functions=made, opset_imports=opsets)


@pytest.mark.parametrize(
    ("functions", "shape"),
    [
        ({"F": ["Relu"]}, ("2",)),
        ({"F": ["F"]}, None),
        ({"F": ["G"], "G": ["F"]}, None),
        ({f"F{n}": [f"F{n + 1}"] * 2 for n in range(40)} | {"F40": ["Relu"]}, None),
        ({f"F{n}": [f"F{n + 1}"] for n in range(3000)} | {"F3000": ["Relu"]}, None),
    ],
    ids=["one", "itself", "each other", "billions", "deep"],
)
def test_functions_that_call_each_other_too_often_are_not_gone_through(functions, shape):
    (table,) = graph_types(_calling(functions), may_infer=True)
    assert table.of("y")[0] == shape


def test_graphs_that_cannot_run_are_told_without_inference():
    made = model([node("Relu", ["b"], ["a"], name="n"), node("Relu", ["a"], ["b"], name="m")])
    first, *_ = _reader(made).chunk(0)
    assert _rows(first.inputs) == [("X", "b", "value", None, "", "")]


def test_nodes_of_bodies():
    inner = helper.make_tensor("k", TensorProto.FLOAT, [1], [2.0])
    body = graph(
        [node("Mul", ["t", "k"], name="mul"), node("Add", ["mul", "w"], name="add")],
        ["t"],
        ["add"],
        [inner],
    )
    outer = helper.make_tensor("w", TensorProto.FLOAT, [1], [3.0])
    made = model([node("Loop", ["", "", "x"], ["o"], name="loop", body=body)], ["x"], (), [outer])
    loop, mul, add, _ = _reader(made, {"loop": "fc"}).chunk(0)
    assert [each.slot for each in loop.inputs] == ["M", "cond", "v_initial[0]"]
    assert [str(each.kind) for each in mul.inputs] == ["input", "constant"]
    assert _rows(add.inputs)[0][2] == "value"
    assert _rows(add.inputs)[1] == ("B", "w", "constant", ("1",), "float32", "[3]")
    assert {each.module for each in (loop, mul, add)} == {"fc"}
    assert "body" in mul.evidence


def test_a_value_from_around_is_an_outer_one():
    body = graph([node("Neg", ["y"], name="neg")])
    made = model([node("Relu", ["x"], ["y"]), node("If", ["y"], name="if", then_branch=body)])
    neg = _reader(made).chunk(0)[2]
    assert _rows(neg.inputs) == [("X", "y", "outer", ("2",), "float32", "")]


def test_of_very_many_inputs_the_first_are_told():
    names = [f"i{place}" for place in range(501)]
    many, few = _reader(model([node("Sum", names), node("Sum", names[:500])], [])).chunk(0)
    assert (len(many.inputs), many.note) == (500, "The first 500 of its 501 inputs are listed.")
    assert (len(few.inputs), few.note) == (500, "")


def test_chunks_cover_all_nodes_once():
    reader = _reader(model(chain(CHUNK_SIZE + 3), ["x"]))
    sizes = [len(reader.chunk(number)) for number in range(4)]
    assert sizes == [CHUNK_SIZE, 4, 0, 0]
    assert reader.chunk(1)[0].node == CHUNK_SIZE


def test_bad_files_are_told_of_as_well():
    for bad in BAD_MODELS.values():
        if bad.refused or bad.name == "huge":
            continue
        made = type(model([])).FromString(bad.content())
        structure = read_structure(made)
        reader = DetailsReader(made, structure, record_of(made, {}), ModelNames())
        found = [each for number in range(12) for each in reader.chunk(number)]
        assert [each.node for each in found] == list(range(len(structure.node_names)))
        assert all(len(each.text) <= 200 for row in found for each in row.attributes)
        operator_schemas(structure.ops, made)


def test_documentation_is_that_of_the_operator_set_of_the_model():
    made = model([])
    made.opset_import[0].version = 12
    (old,) = operator_schemas([("ReduceSum", "")], made)
    assert (old.since_version, [each.name for each in old.inputs]) == (11, ["data"])
    made.opset_import[0].version = 17
    (new,) = operator_schemas([("ReduceSum", "")], made)
    assert (new.since_version, [each.name for each in new.inputs]) == (13, ["data", "axes"])
    assert [each.required for each in new.inputs] == [True, False]
    assert "Computes the sum" in new.doc
    assert [each.name for each in new.attributes] == ["keepdims", "noop_with_empty_axes"]
    assert new.attributes[0].type_name == "int"
    assert new.note == ""


def test_an_operator_that_is_newer_than_the_model():
    made = model([])
    made.opset_import[0].version = 14
    (found,) = operator_schemas([("LayerNormalization", "")], made)
    assert [each.name for each in found.inputs] == ["X", "Scale", "B"]
    assert found.note == (
        "onnx has it since version 17 of its operator set; the model was made for version 14."
    )


def test_why_there_is_no_documentation():
    made = model([])
    ours, unknown, odd, future = operator_schemas(
        [("BiasGelu", "com.microsoft"), ("Whatever", "com.microsoft"), ("F", "<b>"), ("F", "")],
        made,
    )
    assert ours.doc.startswith("`Gelu(A + B)`")
    assert ours.note.startswith("In ortviz's words")
    assert [each.name for each in ours.inputs] == ["A", "B"]
    assert unknown.doc == ""
    assert "ONNX Runtime's package has no documentation" in unknown.note
    assert odd.note == "onnx knows no operators of the domain '<b>'."
    assert future.note == "onnx has no operator of this name."


def test_functions_of_the_file_are_described_by_it():
    made = model([])
    body = [helper.make_node("Add", ["a", "a"], ["b"])]
    sets = [helper.make_opsetid("", 17)]
    made.functions.append(helper.make_function("own", "Twice", ["a"], ["b"], body, sets))
    (twice,) = operator_schemas([("Twice", "own")], made)
    assert twice.note == "It is a function of 1 node that the file brings along."
    assert [each.name for each in twice.inputs] == ["a"]


def test_names_of_slots():
    formal = tuple(SchemaParameter(name, "", "", required=True) for name in ("first", "rest…"))
    assert slot_names(formal, 4) == ["first", "rest[0]", "rest[1]", "rest[2]"]
    assert slot_names(formal, 1) == ["first"]
    assert slot_names(formal[:1], 3) == ["first", "1", "2"]
    assert slot_names((), 2) == ["0", "1"]


def test_versions_of_operator_sets():
    made = model([])
    made.opset_import[0].domain = "ai.onnx"
    assert opset_versions(made) == {"": 17, "com.microsoft": 1}
