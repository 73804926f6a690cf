"""Names of the exporter and of ORT's gradient builder, as seen in real exports."""

from __future__ import annotations

import pytest

from ortviz.graphs import ModuleScopes, forward_node_name


@pytest.mark.parametrize(
    ("names", "name", "module"),
    [
        (["", "a"], "/_original_module/a/Gemm_output_0", "a"),
        (["", "b", "b.3", "b.3.m", "b.3.m.2"], "/_original_module/b.3/m/m.2/MatMul", "b.3.m.2"),
        (["", "0", "1", "1.0"], "/_original_module/_original_module.0/Gemm", "0"),
        (
            ["", "0", "1", "1.0"],
            "/_original_module/_original_module.1/_original_module.1.0/Relu",
            "1.0",
        ),
        (["", "c", "c.1"], "fused /_original_module/c/c.1/BatchNormalization", "c.1"),
        (["", "a", "a.a", "a.a.0"], "/_original_module/a/a.0/Gemm", "a.a.0"),
        (["", "a"], "/_original_module/a/Gemm_Grad/dC_reduced", "a"),
        (["", "a"], "/_original_module/Flatten_output_0_grad", ""),
        (["", "a"], "/_original_module/a_1/Gemm", "a"),
        (["", "a", "a_1"], "/_original_module/a_1/Gemm", "a_1"),
        (["", "t", "t.left", "t.right"], "/_original_module/left/Gemm", "t.left"),
        (["", "t", "t.h", "t.h.0", "t.h.0.fc"], "/_original_module/h.0/fc/Gemm", "t.h.0.fc"),
        (["", "t", "t.left"], "/_original_module/left_1/Gemm", "t.left"),
        (["", "left", "t", "t.left"], "/_original_module/left/Gemm", "left"),
        (["", "t", "t.left", "u", "u.left"], "/_original_module/left/Gemm", ""),
        (["", "a"], "BiasGelu_token_1", None),
        (["", "a"], "/Identity", None),
    ],
)
def test_module_of(names: list[str], name: str, module: str | None) -> None:
    assert ModuleScopes(names).module_of(name) == module


def test_alias_resolves_to_the_name_of_named_modules() -> None:
    scopes = ModuleScopes(["", "first"], {"second": "first"})
    assert scopes.module_of("/_original_module/second/Gemm") == "first"
    assert scopes.parameter_owner("_original_module.second.weight") == "first"


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("_original_module.a.b.weight_grad", "a.b"),
        ("_original_module.scale", ""),
        ("output-0_grad", None),
    ],
)
def test_parameter_owner(name: str, owner: str | None) -> None:
    assert ModuleScopes(["", "a", "a.b"]).parameter_owner(name) == owner


def test_forward_node_name() -> None:
    assert forward_node_name("/_original_module/a/Gemm_Grad/Gemm_1") == "/_original_module/a/Gemm"
    assert forward_node_name("/_original_module/a/Gemm") is None
