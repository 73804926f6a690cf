"""The hierarchy of a graph: halves, modules, repeats, scopes, ends and subgraphs."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from ortviz.graphs import ModelNames, read_structure
from ortviz.record import GroupKind, Half
from tests.unit.graphs.small_models import (
    chain,
    edges,
    graph,
    model,
    node,
    outline,
    record_of,
    structure_of,
)


def _training():
    return model(
        [
            node("Gemm", ["x", "_original_module.fc.weight"], name="fc"),
            node("Relu", ["fc"], name="act"),
            node("Add", ["act", "act"], name="loose"),
            node("YieldOp", ["loose"], ["loose_grad"], name="yield", domain="com.microsoft"),
            node("Mul", ["loose_grad", "act"], ["act_grad"], name="act/Relu_Grad/Mul_0"),
            node("Gemm", ["act_grad", "x"], ["w_grad"], name="fc/Gemm_Grad/Gemm_0"),
        ],
        ["x", "_original_module.fc.weight"],
        ["w_grad"],
    )


_MODULES = {
    "fc": "fc",
    "act": "act",
    "act/Relu_Grad/Mul_0": "act",
    "fc/Gemm_Grad/Gemm_0": "fc",
}


def test_halves_stand_apart_and_the_yield_in_neither():
    structure = structure_of(_training(), _MODULES, ["fc", "act"])
    assert outline(structure) == [
        "yield x",
        "half forward (3): loose",
        "  module fc (1): fc",
        "  module act (1): act",
        "half backward (2)",
        "  module fc (1): fc/Gemm_Grad/Gemm_0",
        "  module act (1): act/Relu_Grad/Mul_0",
    ]
    assert [group.half for group in structure.groups] == [Half.FORWARD] * 3 + [Half.BACKWARD] * 3
    assert [group.module for group in structure.groups] == [None, "fc", "act", None, "fc", "act"]


def test_gradients_are_no_boxes_and_parameters_neither():
    structure = structure_of(_training(), _MODULES, ["fc", "act"])
    assert structure.node_kind.tolist() == [0] * 6 + [1]
    assert structure.file_node_count == 6
    assert structure.notes == ("The gradient that is handed to PyTorch is not drawn as a box.",)
    assert structure.node_op.tolist()[-1] == -1


def test_a_value_that_goes_into_two_slots_is_one_edge():
    structure = structure_of(_training(), _MODULES, ["fc", "act"])
    assert edges(structure) == [
        ("x", "x", "fc"),
        ("fc", "fc", "act"),
        ("act", "act", "loose"),
        ("loose", "loose", "yield"),
        ("act", "act", "act/Relu_Grad/Mul_0"),
        ("yield", "loose_grad", "act/Relu_Grad/Mul_0"),
        ("act/Relu_Grad/Mul_0", "act_grad", "fc/Gemm_Grad/Gemm_0"),
        ("x", "x", "fc/Gemm_Grad/Gemm_0"),
    ]


def test_without_a_backward_pass_modules_stand_at_the_top():
    made = model([node("Gemm", ["x"], name="a"), node("Relu", ["a"], name="b")], ["x"], ["b"])
    structure = structure_of(made, {"a": "net.fc"}, ["net", "net.fc"])
    assert outline(structure) == ["b x b", "module net (1)", "  module fc (1): a"]
    assert {group.half for group in structure.groups} == {Half.FORWARD}
    assert structure.node_kind.tolist() == [0, 0, 1, 2]
    assert edges(structure)[-1] == ("b", "b", "b")


def test_containers_that_are_never_called_are_groups_in_the_order_of_named_modules():
    made = model(chain(4))
    modules = {"n0": "b.late", "n1": "a.blocks.1.fc", "n2": "a.blocks.0", "n3": ""}
    names = ["a", "a.blocks", "a.blocks.0", "a.blocks.1", "a.blocks.1.fc", "b", "b.late"]
    assert outline(structure_of(made, modules, names)) == [
        "n3 x",
        "module a (2)",
        "  module blocks (2)",
        "    module 0 (1): n2",
        "    module 1 (1)",
        "      module fc (1): n1",
        "module b (1)",
        "  module late (1): n0",
    ]


def test_a_module_that_is_used_twice_is_one_group():
    made = model(chain(4))
    structure = structure_of(made, {"n0": "shared", "n1": "other", "n2": "shared"}, ["shared"])
    assert outline(structure) == [
        "n3 x",
        "module shared (2): n0 n2",
        "module other (1): n1",
    ]


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("/encoder/layer.0/attn/MatMul", ["encoder", "layer.0", "attn"]),
        ("/_original_module/blocks.1/fc/Gemm", ["blocks.1", "fc"]),
        ("fused /_original_module/fc/Gemm", ["fc"]),
        ("fused /encoder/Gemm", ["encoder"]),
        ("/_original_module/fc/Gemm_Grad/Gemm_1", ["fc"]),
        ("model/dense/MatMul", ["model", "dense"]),
        ("/net/ff/ff.0/Gemm", ["net", "ff", "0"]),
        ("/ff.0/ff.0./Gemm", ["ff.0", "ff.0."]),
        ("/MatMul", []),
        ("MatMul_12", []),
        ("", []),
        ("///", []),
        ("/<b>/</b>/x", ["<b>", "<", "b>"]),
    ],
)
def test_scopes_in_names_of_files_of_unknown_origin(name, groups):
    structure = read_structure(model([node("Relu", ["x"], ["y"], name=name)]))
    scopes = [group for group in structure.groups if group.kind is GroupKind.MODULE]
    assert [group.label for group in scopes] == groups
    assert [group.module for group in scopes] == [None] * len(groups)
    assert structure.node_group[0] == len(structure.groups) - 1


def test_constants_without_a_scope_stand_where_they_are_used():
    made = model(
        [
            node("Identity", ["w"], name="one"),
            node("Constant", name="shared"),
            node("Constant", name="everywhere"),
            node("Constant", name="unused"),
            node("Constant", name="/b/own"),
            node("Constant", name="early"),
            node("Add", ["one", "shared"], name="/a/p/Add"),
            node("Add", ["shared", "everywhere"], name="/a/q/Add"),
            node("Add", ["everywhere", "/b/own"], name="Add"),
            node("Relu", ["x"], name="/b/Relu"),
            node("Relu", ["early"], name="/c/Relu"),
        ],
        initializers=[helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])],
    )
    assert outline(read_structure(made)) == [
        "everywhere unused Add x",
        "module b (2): /b/own /b/Relu",
        "module a (4): shared",
        "  module p (2): one /a/p/Add",
        "  module q (1): /a/q/Add",
        "module c (2): early /c/Relu",
    ]


def test_scopes_of_thousand_levels_end_somewhere():
    structure = read_structure(model([node("Relu", ["x"], ["y"], name="/a" * 1000)]))
    assert len(structure.groups) == 32


def test_scopes_that_the_newer_exporter_keeps_in_metadata():
    made = node("Relu", ["x"], ["y"], name="node_Relu_1")
    if not hasattr(made, "metadata_props"):
        pytest.skip("this onnx has no metadata of nodes")
    entry = made.metadata_props.add()
    entry.key, entry.value = "pkg.torch.onnx.name_scopes", "['', 'blocks', 'blocks.0', 'relu']"
    structure = read_structure(model([made]))
    assert outline(structure) == ["x", "module blocks (1)", "  module 0 (1): node_Relu_1"]
    entry.value = "__import__('os').abort()"
    assert outline(read_structure(model([made]))) == ["node_Relu_1 x"]


def test_parameters_are_told_by_their_names_as_well():
    made = model([node("Gemm", ["x", "fc.weight"], name="fc")], ["x", "fc.weight"])
    names = ModelNames(("", "fc"), frozenset({"fc.weight"}))
    structure = read_structure(made, record_of(made, {"fc": "fc"}), names)
    assert structure.node_names == ("fc", "x")


def test_initializers_are_no_boxes_also_when_they_are_inputs():
    fixed = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    structure = read_structure(
        model([node("Add", ["x", "w"], name="add")], ["x", "w"], (), [fixed])
    )
    assert structure.node_names == ("add", "x")
    assert structure.notes == ()


def test_no_more_than_fifty_inputs_and_outputs_are_drawn():
    names = [f"i{place}" for place in range(60)]
    structure = read_structure(model([node("Sum", names, name="sum")], names, ["sum"] * 53))
    assert np.bincount(structure.node_kind).tolist() == [1, 50, 50]
    assert structure.notes == (
        "10 further inputs of the graph are not drawn.",
        "3 further outputs of the graph are not drawn.",
    )
    assert len(edges(structure)) == 50 + 50


def _loop():
    inner = graph(
        [node("Neg", ["carried"], name="neg"), node("Add", ["neg", "outer"], name="sum")],
        ["turn", "going", "carried"],
        ["sum"],
    )
    branch = graph([node("Abs", ["outer"], name="abs")], (), ["abs"])
    return model(
        [
            node("Relu", ["x"], name="outer"),
            node("Loop", ["", "", "outer"], name="loop", body=inner),
            node("If", ["flag"], name="if", then_branch=branch),
        ],
        ["x", "flag"],
        ["loop"],
    )


def test_bodies_stand_beside_their_owners_and_take_values_from_around():
    structure = structure_of(_loop(), {"loop": "net", "outer": "net"}, ["net"])
    assert outline(structure) == [
        "if x flag loop",
        "module net (4): outer loop",
        "  subgraph body (2): neg sum",
        "subgraph then_branch (1): abs",
    ]
    assert [group.owner for group in structure.groups] == [-1, 1, 2]
    found = edges(structure)
    # What a Loop carries enters its body under another name.
    assert ("outer", "outer", "neg") in found
    assert ("neg", "neg", "sum") in found
    assert ("outer", "outer", "sum") in found
    assert ("outer", "outer", "abs") in found
    assert structure.notes == ()


def test_names_in_a_body_hide_those_around_it():
    body = graph([node("Neg", ["x"], ["y"], name="n"), node("Abs", ["y"], ["z"], name="a")])
    made = model(
        [node("Relu", ["x"], ["y"], name="r"), node("If", ["y"], name="i", then_branch=body)]
    )
    found = edges(read_structure(made))
    assert ("n", "y", "a") in found
    assert ("r", "y", "a") not in found


def test_a_body_of_a_gradient_node_is_of_the_backward_half():
    body = graph([node("Neg", ["g"], name="inner")])
    made = model(
        [
            node("YieldOp", ["x"], ["g"], name="yield", domain="com.microsoft"),
            node("If", ["g"], name="if", then_branch=body),
        ]
    )
    structure = read_structure(made)
    assert [(group.kind, group.half) for group in structure.groups] == [
        (GroupKind.HALF, Half.BACKWARD),
        (GroupKind.SUBGRAPH, Half.BACKWARD),
    ]


def test_several_bodies_in_one_attribute_are_numbered():
    bodies = [graph([node("Neg", ["x"], name=f"b{place}")]) for place in range(2)]
    structure = read_structure(model([node("Many", ["x"], name="m", domain="odd", bodies=bodies)]))
    assert outline(structure)[1:] == ["subgraph bodies[0] (1): b0", "subgraph bodies[1] (1): b1"]


def test_functions_of_the_model_are_not_taken_apart():
    made = model([node("Twice", ["x"], name="t", domain="own")])
    made.functions.append(
        helper.make_function(
            "own",
            "Twice",
            ["a"],
            ["b"],
            [helper.make_node("Add", ["a", "a"], ["b"])],
            [helper.make_opsetid("", 17)],
        )
    )
    structure = read_structure(made)
    assert outline(structure) == ["t x"]
    assert structure.notes == ()


def test_value_numbers_go_by_node_and_output():
    made = model(
        [node("Split", ["x"], ["a", "", "b"], name="s"), node("Relu", ["b"], ["c"], name="r")]
    )
    structure = read_structure(made)
    assert structure.value_names == ("a", "b", "c", "x")
    assert structure.value_node.tolist() == [0, 0, 1, 2]


def test_sparse_initializers_are_known():
    made = model([node("Add", ["x", "w"], name="add")])
    sparse = made.graph.sparse_initializer.add()
    sparse.values.CopyFrom(helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]))
    assert read_structure(made).notes == ()
