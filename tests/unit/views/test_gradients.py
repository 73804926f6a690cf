"""Gradients along depth: order, norms and states."""

from __future__ import annotations

import pytest

from ortviz.record import SiteComparison, SiteStatus, StepComparison, Verdict
from ortviz.views.gradients import gradient_state, gradients_view, module_depths

NOTHING = StepComparison(4, (), {})


def test_depth_is_forward_execution_order_not_definition_order(make):
    info = make.info(["", "head", "body", "body.0", "body.1"])
    ran = ["body.1", "body.0", "body", "head", ""]
    step = make.step([make.site(make.forward(name), order) for order, name in enumerate(ran)])
    assert module_depths(info, step) == {
        "body.1": 0, "body.0": 1, "body": 2, "head": 3, "": 4,
    }  # fmt: skip


def test_modules_that_did_not_run_stand_behind_the_leaf_before_them(make):
    info = make.info(["", "unused_first", "a", "unused", "b", "b.inner", "b.unused"])
    ran = ["a", "b.inner", "b", ""]
    step = make.step([make.site(make.forward(name), order) for order, name in enumerate(ran)])
    depths = module_depths(info, step)
    assert sorted(depths, key=depths.__getitem__) == [
        "unused_first", "a", "unused", "b.inner", "b.unused", "b", "",
    ]  # fmt: skip


def test_a_module_called_twice_has_the_depth_of_its_first_call(make):
    info = make.info(["", "a", "b"])
    sites = ["forward/a#out0", "forward/b#out0", "forward/a@1#out0", "forward/#out0"]
    step = make.step([make.site(site_id, order) for order, site_id in enumerate(sites)])
    assert module_depths(info, step) == {"a": 0, "b": 1, "": 2}


def test_without_an_eager_side_orts_order_is_taken(make):
    info = make.info(["", "a", "b"])
    step = make.step([], [make.site("forward/b#out0", 1), make.site("forward/a#out0", 2)])
    assert module_depths(info, step)["b"] < module_depths(info, step)["a"]


def test_values_inside_modules_are_no_module_outputs(make):
    info = make.info(["", "a", "b"])
    ort = [
        make.site("forward/#Relu_output_0", 0),
        make.site("forward/a#out0", 1),
        make.site("forward/b#out0", 2),
        make.site("backward/b#out0", 3),
        make.site("backward/b#MatMul_output_0", 4),
    ]
    step = make.step([], ort)
    assert module_depths(info, step)["a"] < module_depths(info, step)["b"]
    rows = gradients_view(info, step, NOTHING)["rows"]
    assert [row["site_id"] for row in rows] == ["backward/b#out0"]


def test_rows_parameters_before_outputs_in_named_order(make):
    info = make.info(["", "a", "b"], ["a.weight", "a.bias", "b.weight"])
    forward = [make.site(make.forward(name), order) for order, name in enumerate(["a", "b", ""])]
    gradients = [
        make.site("parameter_grad/b#weight", 2),
        make.site("parameter_grad/a#bias", 3),
        make.site("parameter_grad/a#weight", 4),
        make.site("backward/b#out0", 5),
        make.site("backward/b#out1", 5),
        make.site("backward/a@1#out0", 6),
        make.site("backward/a#out0", 7),
    ]
    view = gradients_view(info, make.step(forward + gradients), NOTHING)
    assert [(row["label"], row["kind"], row["depth"]) for row in view["rows"]] == [
        ("a.weight", "parameter", 0),
        ("a.bias", "parameter", 0),
        ("a", "module_output", 0),
        ("a · call 2", "module_output", 0),
        ("b.weight", "parameter", 1),
        ("b", "module_output", 1),
        ("b · out1", "module_output", 1),
    ]


def test_root_has_a_name_a_person_can_read(make):
    view = gradients_view(make.info(), make.step([make.site("backward/#out0")]), NOTHING)
    assert view["rows"][0]["label"] == "(root)"
    assert view["rows"][0]["module"] == ""


@pytest.mark.parametrize(
    ("stats", "state"),
    [
        ({"norm": 2.0}, "finite"),
        ({"norm": 0.0, "zeros": 2}, "zero"),
        ({"nan": 1, "posinf": 1}, "nan"),
        ({"neginf": 1}, "inf"),
        ({"zeros": 1, "nan": 1}, "nan"),
    ],
)
def test_state_of_a_captured_gradient(make, stats, state):
    assert gradient_state(make.site("backward/a#out0", stats=make.stats(**stats))) == state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (SiteStatus.NO_GRADIENT, "none"),
        (SiteStatus.NEVER_CALLED, "none"),
        (SiteStatus.FUSED_AWAY, "not_captured"),
        (SiteStatus.NOT_CAPTURED, "not_captured"),
    ],
)
def test_state_of_one_that_was_not(make, status, state):
    assert gradient_state(make.site("backward/a#out0", status=status)) == state
    assert gradient_state(None) == "not_captured"


@pytest.mark.parametrize(
    ("weight", "norm"),
    [({"norm": 3.0}, 3.0), ({"nan": 1}, "NaN"), ({"posinf": 1}, "Infinity"), ({"nan": 2}, "NaN")],
)
def test_norms_of_a_parameter(make, weight, norm):
    reference = [make.site("parameter_grad/a#weight", stats=make.stats(0.5))]
    candidate = [
        make.site("parameter_grad/a#weight", stats=make.stats(0.25)),
        make.site("parameter/a#weight", stats=make.stats(**weight)),
    ]
    (row,) = gradients_view(
        make.info(["", "a"], ["a.weight"]), make.step(reference, candidate), NOTHING
    )["rows"]
    assert (row["reference_norm"], row["candidate_norm"], row["weight_norm"]) == (0.5, 0.25, norm)


def test_reason_of_the_comparison_or_of_the_sides(make):
    fused = make.site("backward/a#out0", status=SiteStatus.FUSED_AWAY, reason="Fused.")
    seen = make.site("backward/a#out0")
    step = make.step([seen], [fused])
    (row,) = gradients_view(make.info(["", "a"]), step, NOTHING)["rows"]
    assert (row["candidate_state"], row["reason"]) == ("not_captured", "ORT: Fused.")
    result = SiteComparison(seen.site, Verdict.NOT_COMPARABLE, "Only eager has it.")
    (row,) = gradients_view(make.info(["", "a"]), step, StepComparison(4, (result,), {}))["rows"]
    assert row["reason"] == "Only eager has it."
