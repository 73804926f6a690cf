"""Which values the tensor level reads, and what is left when some are refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from onnx import TensorProto, helper

from ortviz.capture.inner_values import InnerValues, find_inner_values, largest_accepted
from ortviz.graphs import ModuleScopes

F, I = TensorProto.FLOAT, TensorProto.INT64  # noqa: E741


def test_every_floating_value_once_and_nothing_that_is_seen_anyway() -> None:
    nodes = [
        helper.make_node("Constant", [], ["c"], value_float=1.0),
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("MatMul", ["x", "w"], ["/_original_module/a/M"]),
        helper.make_node("Add", ["/_original_module/a/M", "c"], ["left"]),
        helper.make_node("Relu", ["left"], ["out"]),
        helper.make_node("YieldOp", ["out"], ["dout"], domain="com.microsoft"),
        helper.make_node("Mystery", ["dout", "left"], ["g"]),
        helper.make_node("Reshape", ["left", "s"], ["helper"]),
        helper.make_node("MatMul", ["g", "helper"], ["w_grad"]),
    ]
    outputs = [helper.make_tensor_value_info("w_grad", F, None)]
    inputs = [helper.make_tensor_value_info(name, F, None) for name in ("x", "w")]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs))
    found = find_inner_values(
        model,
        model,
        ModuleScopes(["", "a"]),
        read_anyway={"left"},
        depends_on_gradient={"dout", "g", "w_grad"},
    )
    assert found.forward_names == ("/_original_module/a/M", "helper")
    # Of an unknown type, so it is tried.
    assert found.backward_names == ("g",)
    assert set(found.sites) == {"/_original_module/a/M", "left", "helper", "g"}
    assert found.skipped_count == 1
    assert found.lost == ()


@pytest.mark.parametrize(
    ("bad", "kept"),
    [
        ({"c"}, "abdefgh"),
        ({"a", "h"}, "bcdefg"),
        (set("abcdefgh"), ""),
    ],
)
def test_only_what_is_refused_is_left_out(bad: set[str], kept: str) -> None:
    def accepts(names: Sequence[str]) -> bool:
        return not bad & set(names)

    assert largest_accepted("abcdefgh", accepts, tries=100) == list(kept)


def test_looking_for_the_culprit_ends() -> None:
    asked: list[Sequence[str]] = []

    def accepts(names: Sequence[str]) -> bool:
        asked.append(names)
        return "63" not in names

    names = [str(n) for n in range(64)]
    kept = largest_accepted(names, accepts, tries=3)
    assert len(asked) == 3
    assert len(kept) >= 32
    assert "63" not in kept


def test_what_is_refused_is_named() -> None:
    inner = InnerValues(forward_names=("a", "b"), backward_names=("c",))
    without = inner.only({"a", "c"})
    assert (without.names, without.refused) == (("a", "c"), ("b",))
