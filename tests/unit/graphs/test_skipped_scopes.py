"""Modules inside containers that are not called, of which the exporter's scopes do not tell."""

from __future__ import annotations

import onnx

from ortviz.graphs import ModuleScopes
from ortviz.graphs.module_names import module_names
from ortviz.graphs.modules import trace_modules
from tests.unit.graphs.lineage_graphs import op

R = "/_original_module"
P = "_original_module"
BLOCKS = ["", "h", "h.0", "h.0.fc", "h.0.act", "h.1", "h.1.fc", "h.1.act"]


def node(op_type: str, scope: str, inputs: str = "x") -> onnx.NodeProto:
    return op(op_type, inputs, f"{R}/{scope}/{op_type}_output_0", f"{R}/{scope}/{op_type}")


def fc(scope: str, owner: str) -> onnx.NodeProto:
    return node("Gemm", scope, f"x {P}.{owner}.weight")


def told(nodes: list[onnx.NodeProto], names: list[str]) -> list[tuple[str | None, str]]:
    return trace_modules(nodes, ModuleScopes(names))


def test_weights_tell_which_of_two_modules_a_scope_is() -> None:
    found = told([fc("fc", "h.1.fc"), fc("fc_1", "h.0.fc")], BLOCKS)
    assert found == [("h.1.fc", "output_name"), ("h.0.fc", "output_name")]


def test_without_weights_other_calls_in_the_same_containers_do() -> None:
    nodes = [fc("fc", "h.1.fc"), node("Tanh", "act"), fc("fc_1", "h.0.fc"), node("Tanh", "act_1")]
    found = told(nodes, BLOCKS)
    assert (found[1], found[3]) == (("h.1.act", "neighbour"), ("h.0.act", "neighbour"))


def test_calls_that_are_more_or_fewer_are_not_guessed_at() -> None:
    calls = [node("Tanh", scope) for scope in ("act", "act_1", "act_2")]
    found = told([fc("fc", "h.0.fc"), fc("fc_1", "h.1.fc"), *calls], BLOCKS)
    assert found[2:] == [("h", "doubtful_name")] * 3


def test_shared_weights_do_not_tell() -> None:
    found = told([fc("fc", "h.0.fc"), fc("fc_1", "h.0.fc")], BLOCKS)
    assert found == [("h", "doubtful_name")] * 2


def test_the_models_own_module_may_have_the_name_too() -> None:
    nodes = [fc("fc", "h.0.fc"), node("Tanh", "act"), fc("fc_1", "h.1.fc"), node("Tanh", "act_1")]
    nodes += [fc("fc_2", "fc"), node("Tanh", "act_2")]
    found = [module for module, _ in told(nodes, [*BLOCKS, "fc", "act"])]
    assert found == ["h.0.fc", "h.0.act", "h.1.fc", "h.1.act", "fc", "act"]


def test_what_is_inside_a_called_module_is_not_meant() -> None:
    names = ["", "t", "t.drop", "t.h", "t.h.0", "t.h.0.drop", "t.h.0.fc"]
    nodes = [node("Dropout", "drop"), fc("h.0/fc", "t.h.0.fc"), node("Dropout", "h.0/drop")]
    found = told(nodes, names)
    assert [module for module, _ in found] == ["t.drop", "t.h.0.fc", "t.h.0.drop"]


def test_the_gradient_of_a_node_that_is_gone_is_not_certain() -> None:
    nodes = [op("YieldOp", "y", "dy"), op("Gemm", "dy", "dx", f"{R}/act_1/Tanh_Grad/TanhGrad_0")]
    assert told(nodes, BLOCKS)[1] == ("h", "doubtful_name")


def test_two_modules_in_one_scope_are_told_apart_by_the_weights_of_each_node() -> None:
    names = ["", "x", "parts", "parts.x_1"]
    nodes = [fc("x_1", "parts.x_1"), fc("x", "x"), fc("x_1", "x"), node("Tanh", "x_1")]
    found = told(nodes, names)
    assert [module for module, _ in found[:3]] == ["parts.x_1", "x", "x"]
    assert found[3][1] == "doubtful_name"


def test_a_file_tells_of_modules_in_containers_once() -> None:
    nodes = [fc("attn/fc", "h.0.attn.fc"), node("Tanh", "attn/act"), node("Tanh", "attn")]
    nodes += [fc("attn/fc_1", "h.1.attn.fc"), node("Tanh", "attn/act_1"), node("Tanh", "attn_1")]
    nodes.append(op("Add", "x x", f"{R}/Add_output_0", f"{R}/Add"))
    inputs = [
        onnx.helper.make_tensor_value_info(f"{P}.h.{at}.attn.fc.weight", 1, [2]) for at in range(2)
    ]
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", inputs, []))
    names = module_names([model])
    inside = [f"h.{at}.attn{each}" for at in range(2) for each in ("", ".act", ".fc")]
    assert sorted(names) == ["", "h", "h.0", *inside[:3], "h.1", *inside[3:]]
    order = ["attn.fc", "attn.act", "attn"]
    modules = [module for module, _ in told(nodes, list(names))]
    assert modules == [f"h.{at}.{each}" for at in range(2) for each in order] + [""]
