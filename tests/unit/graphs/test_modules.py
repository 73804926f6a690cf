"""Modules of nodes, where a name alone would mislead."""

from __future__ import annotations

from dataclasses import replace

import onnx
import pytest

from ortviz.graphs import ModuleScopes
from ortviz.graphs.lineage import with_lineage
from ortviz.graphs.modules import backward_indices, common_module, trace_modules
from ortviz.record import GraphRecord, Stage
from tests.unit.graphs.lineage_graphs import op, stage

R = "/_original_module"
MS = "com.microsoft"


def traced(
    nodes: list[onnx.NodeProto], *modules: str, outputs: tuple[str, ...] = ()
) -> list[tuple[str | None, str]]:
    return trace_modules(nodes, ModuleScopes(["", *modules]), outputs)


YIELD = op("YieldOp", "output-0", "output-0_grad", "YieldOp", MS)


def test_the_gradient_of_a_fused_node_belongs_to_its_module_not_to_the_tensors() -> None:
    nodes = [
        op("Gemm", "x w", f"{R}/a/Gemm_output_0", f"{R}/a/Gemm"),
        op("Gelu", f"{R}/a/Gemm_output_0", f"{R}/b/Mul_1_output_0", "Gelu", MS),
        YIELD,
        op(
            "GeluGrad",
            "output-0_grad",
            f"{R}/a/Gemm_output_0_grad",
            "Gelu_Grad/GeluGrad_0",
            MS,
        ),
    ]
    assert traced(nodes, "a", "b")[3] == ("b", "gradient_of")
    without_name = [*nodes[:3], op("GeluGrad", "output-0_grad", f"{R}/a/Gemm_output_0_grad", "")]
    assert traced(without_name, "a", "b")[3] == ("b", "gradient_of")


def test_a_sum_of_gradients_belongs_to_the_module_that_makes_the_tensor() -> None:
    name = f"{R}/a/Gemm_output_0_grad"
    nodes = [
        op("Gemm", "x w", f"{R}/a/Gemm_output_0", f"{R}/a/Gemm"),
        op("Relu", f"{R}/a/Gemm_output_0", "output-0", f"{R}/b/Relu"),
        YIELD,
        op("Sum", "output-0_grad output-0_grad", name, f"AccumulateGrad_{name}"),
    ]
    assert traced(nodes, "a", "b")[3] == ("a", "gradient_of")


def test_a_module_may_be_called_like_a_gradient() -> None:
    forward = [
        op("MatMul", "x w", f"{R}/a_Grad/MatMul_output_0", f"{R}/a_Grad/MatMul"),
        op("Relu", f"{R}/a_Grad/MatMul_output_0", "output-0", f"{R}/a/Relu"),
    ]
    backward = [YIELD, op("MatMul", "output-0_grad x", "g", f"{R}/a_Grad/MatMul_Grad/MatMul_1")]
    assert backward_indices([*forward, *backward]) == {3}
    found = traced([*forward, *backward], "a", "a_Grad")
    assert [module for module, _ in found] == ["a_Grad", "a", "", "a_Grad"]


def test_what_only_prepares_a_gradient_is_backward() -> None:
    nodes = [
        op("MatMul", "x w", "m", f"{R}/a/MatMul/MatmulTransposeFusion/"),
        op("Reshape", "x s", "r", f"{R}/a/MatMul_Grad/Reshape_3"),
        op("Shape", "x", "t", "any name", __backwardpass=1),
        op("YieldOp", "m", "m_grad", "YieldOp", MS),
    ]
    assert backward_indices(nodes) == {1, 2}
    assert backward_indices(nodes[:2]) == set(), "without a YieldOp nothing is"


def test_what_hands_results_out_belongs_to_the_root() -> None:
    nodes = [
        op("Gemm", "x w", f"{R}/head/Gemm_output_0", f"{R}/head/Gemm"),
        op("Identity", f"{R}/head/Gemm_output_0", "output-0", "/Identity"),
        op("YieldOp", "output-0", "output-0_grad", "YieldOp", MS),
    ]
    found = traced(nodes, "head")
    assert found[1:] == [("", "model_output")] * 2
    assert traced(nodes[:2], "head", outputs=("output-0",))[1] == ("", "model_output")
    assert traced(nodes[:2], "head")[1] == (None, "")


def test_a_nameless_node_belongs_around_all_that_use_it() -> None:
    nodes = [
        op("Shape", "x", "c", "Shape_99"),
        op("Relu", "c", f"{R}/b/b.0/Relu_output_0", ""),
        op("Relu", "c", f"{R}/b/b.1/Relu_output_0", ""),
    ]
    assert traced(nodes, "b", "b.0", "b.1")[0] == ("b", "neighbour")


@pytest.mark.parametrize(
    ("modules", "common"),
    [
        (["a.b.c", "a.b.d"], "a.b"),
        (["a"], "a"),
        (["a", "b"], ""),
        (["ab", "a"], ""),
        (["", "a"], ""),
    ],
)
def test_common_module(modules: list[str], common: str) -> None:
    assert common_module(modules) == common


def test_weights_tell_a_second_call_from_a_module_of_that_name() -> None:
    w = "_original_module.x.weight"
    nodes = [
        op("Transpose", w, f"{R}/x_1/Transpose_1_output_0", f"{R}/x_1/Transpose_1"),
        op("MatMul", f"a {R}/x_1/Transpose_1_output_0", f"{R}/x_1/MatMul_1_output_0", ""),
        op("MatMul", "a _original_module.x_1.weight", f"{R}/x_1/MatMul_output_0", ""),
    ]
    found = traced(nodes, "x", "x_1")
    assert found == [("x", "output_name"), ("x", "output_name"), ("x_1", "output_name")]


def test_without_weights_it_is_doubtful_only_where_both_were_called() -> None:
    def relu(scope: str, local: str) -> onnx.NodeProto:
        return op("Relu", "a", f"{R}/{scope}/{local}_output_0", f"{R}/{scope}/{local}")

    once = [relu("relu", "Relu"), relu("relu_1", "Relu")]
    assert traced(once, "relu", "relu_1")[1] == ("relu_1", "doubtful_name")
    both = [*once, relu("relu_1", "Relu_1")]
    assert traced(both, "relu", "relu_1")[1:] == [("", "doubtful_name")] * 2
    assert traced(both, "relu")[1:] == [("relu", "output_name")] * 2


def _with_modules(graph: GraphRecord, *modules: str | None) -> GraphRecord:
    nodes = zip(graph.nodes, modules, strict=True)
    return replace(
        graph,
        nodes=tuple(
            replace(node, module=module, evidence="output_name" if module else "neighbour")
            for node, module in nodes
        ),
    )


def test_lineage_tells_what_names_do_not() -> None:
    before = [op("Transpose", "x", "t"), op("Gather", "t i", "g", "/Gather"), op("Neg", "g", "y")]
    after = [
        op("Gather", "x i", "g_token_1", "g"),
        op("Transpose", "g_token_1", "t"),
        op("Squeeze", "t", "q", "any name"),
        op("Neg", "q", "y"),
    ]
    earlier = stage(Stage.POST_PROCESSED, before, "x i")
    later = stage(Stage.OPTIMIZED_PRE_GRAD, after, "x i")
    told = with_lineage(
        _with_modules(later, "a", "rnn", None, "head"), _with_modules(earlier, "rnn", "a", "head")
    )
    assert [(node.module, node.evidence) for node in told.nodes] == [
        ("a", "output_name"),
        ("rnn", "output_name"),
        ("a", "lineage"),
        ("head", "output_name"),
    ]
    assert with_lineage(later, None) is later
