"""Which values are left out when reading them changed what the user is given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import onnx
from onnx import helper

from ortviz.capture.plan import TapPlan
from ortviz.capture.unread import Unread, nearest_read

GRAPH = helper.make_graph(
    [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"]),
        helper.make_node("ReduceSum", ["c"], ["bias_grad"]),
        helper.make_node("MatMul", ["c", "other"], ["weight_grad"]),
        helper.make_node("Relu", ["y"], ["other"]),
    ],
    "g",
    [],
    [],
)
MODEL = helper.make_model(GRAPH)


def plan(forward: tuple[str, ...], backward: tuple[str, ...]) -> TapPlan:
    leaving = cast(Any, SimpleNamespace())
    return TapPlan(leaving, forward, (), backward, {}, draws_random=False)


def test_the_nearest_on_every_path_and_nothing_behind_it() -> None:
    assert nearest_read(MODEL, "bias_grad", {"a", "b", "other"}) == {"b"}
    assert nearest_read(MODEL, "weight_grad", {"a", "other"}) == {"a", "other"}
    assert nearest_read(MODEL, "bias_grad", {"other"}) == set()
    assert nearest_read(onnx.ModelProto(), "bias_grad", {"a"}) == set()


def test_two_further_tries_and_then_all_is_read_again() -> None:
    unread, full = Unread(), plan(("a", "other"), ("b", "c"))
    assert unread.blame(MODEL, full, {"bias_grad": "the gradient of bias"})
    assert unread.reasons == {
        "c": "Not read: reading it changes how ORT rounds the gradient of bias."
    }
    second = unread.without(full)
    assert (second.forward_names, second.backward_names) == (("a", "other"), ("b",))
    assert second.unread == unread.reasons
    assert unread.blame(MODEL, second, {"weight_grad": "the gradient of weight"})
    third = unread.without(full)
    assert (third.forward_names, third.backward_names) == (("a",), ())
    assert unread.blame(MODEL, third, {"bias_grad": "the gradient of bias"})
    assert unread.without(full) == full
    assert not unread.blame(MODEL, full, {"bias_grad": "the gradient of bias"})
    assert unread.without(full) == full


def test_without_a_suspect_there_is_no_further_try() -> None:
    unread = Unread()
    assert not unread.blame(MODEL, plan((), ()), {"bias_grad": "the gradient of bias"})
    assert unread.reasons == {}
