"""What enters a module, and who uses a value."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from ortviz.graphs import ModuleScopes, ValueUses, value_uses

ROOT = "/_original_module"
MODULES = ("", "block", "block.fc", "head")


def node(op: str, scope: str, inputs: list[str], output: str) -> onnx.NodeProto:
    name = f"{ROOT}/{scope}/{op}" if scope else f"{ROOT}/{op}"
    return helper.make_node(op, inputs, [output], name)


def uses(optimized: list[onnx.NodeProto] | None = None) -> ValueUses:
    """block(x) = x + fc(relu(x)); the model gives head(block(x)) and block(x)."""
    nodes = [
        node("Relu", "block", ["x"], "relu"),
        node("Shape", "block/fc", ["x"], "shape"),
        node("Gemm", "block/fc", ["relu", "_original_module.block.fc.weight"], "fc"),
        node("Add", "block", ["x", "fc"], "added"),
        node("Gemm", "head", ["added", "_original_module.head.weight"], "head"),
        helper.make_node("Identity", ["head"], ["output-0"], "/Identity"),
        helper.make_node("Identity", ["added"], ["output-1"], "/Identity_1"),
    ]
    given = ["x", "_original_module.block.fc.weight", "_original_module.head.weight"]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in given],
        [
            helper.make_tensor_value_info(f"output-{slot}", TensorProto.FLOAT, None)
            for slot in (0, 1)
        ],
    )
    model = helper.make_model(graph)
    return value_uses(model, optimized or [], ModuleScopes(MODULES), MODULES)


def test_entering_values_in_order_without_parameters_and_shapes() -> None:
    assert uses().entering == {"block": ("x",), "block.fc": ("relu",), "head": ("added",)}


def test_what_the_optimiser_moved_in_front_of_a_module_enters_it_too() -> None:
    moved = [
        node("Transpose", "block", ["added"], "adaptor"),
        node("Gemm", "head", ["adaptor", "_original_module.head.weight"], "head"),
    ]
    assert uses(moved).entering["head"] == ("added", "adaptor")


def test_users_are_modules_and_the_root_for_outputs() -> None:
    found = uses()
    assert found.users["x"] == ("block", "block")
    assert found.users["added"] == ("head", "")
    assert found.users["head"] == ("",)
    assert found.users["_original_module.head.weight"] == ("head",)


def test_only_inside() -> None:
    found = uses()
    assert found.only_inside("relu", "block.fc")
    assert found.only_inside("fc", "block")
    assert not found.only_inside("fc", "block.fc")
    assert not found.only_inside("added", "head")
    assert found.only_inside("added", "")
    assert not found.only_inside("unheard of", "")
