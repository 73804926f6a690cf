"""Rows of a step: order, pairing, and what is said where a side is missing."""

from __future__ import annotations

import math

import pytest

from ortviz.record import (
    Direction,
    HookEvent,
    Site,
    SiteComparison,
    SiteStatus,
    StepComparison,
    Verdict,
)
from ortviz.views.traces import traces_view

NOTHING = StepComparison(4, (), {})


def test_groups_then_eager_execution_order_then_what_only_ort_has(make):
    reference = [
        make.site("backward/b#out0", 5),
        make.site("backward/a#out0", 6),
        make.site("forward/a#out0", 1),
        make.site("forward/b#out0", 2),
        make.site("buffer/n#running_mean", 9),
        make.site("parameter_grad/a#weight", 8),
        make.site("input/#in0", 0),
    ]
    candidate = [
        make.site("parameter/a#weight", 0),
        make.site("forward/only_ort#out0", 1),
        make.site("forward/b#out0", 2),
        make.site("forward/a#out0", 3),
        make.site("backward/a#out0", 4),
    ]
    view = traces_view(make.step(reference, candidate), NOTHING)
    assert [row["site_id"] for row in view["rows"]] == [
        "input/#in0",
        "forward/a#out0",
        "forward/b#out0",
        "forward/only_ort#out0",
        "backward/b#out0",
        "backward/a#out0",
        "parameter_grad/a#weight",
        "buffer/n#running_mean",
        "parameter/a#weight",
    ]


def test_cells_and_comparison_of_a_pair(make):
    site_id = "forward/encoder.0@2#out1"
    reference = make.site(site_id, stats=make.stats(2.0, (2, 3), nan=1, posinf=2, zeros=1))
    candidate = make.site(site_id, stats=make.stats(3.0), value_name="/x", module_type="Linear")
    result = SiteComparison(
        reference.site, Verdict.DIVERGENT, "Why.", math.inf, 0.5, 0.25, (1, 0), math.nan, 3.0,
        3, 1e-6,
    )  # fmt: skip
    view = traces_view(make.step([reference], [candidate]), StepComparison(4, (result,), {}))
    (row,) = view["rows"]
    assert (row["module"], row["call"], row["slot"]) == ("encoder.0", 2, "out1")
    assert row["module_type"] == "Linear"
    assert row["value_name"] == "/x"
    assert row["reference"]["shape"] == [2, 3]
    assert row["reference"]["nan_count"] == 1
    assert row["reference"]["inf_count"] == 2
    assert row["reference"]["nonfinite"] == [
        {"kind": "NaN", "count": 1, "first_index": None},
        {"kind": "Infinity", "count": 2, "first_index": None},
    ]
    assert row["candidate"]["nonfinite"] == []
    assert row["candidate"]["l2_norm"] == 3.0
    assert (row["verdict"], row["reason"]) == ("divergent", "Why.")
    assert (row["max_abs_error"], row["max_rel_error"], row["tolerance"]) == ("Infinity", 0.5, 1e-6)
    assert (row["worst_index"], row["worst_reference"], row["worst_candidate"]) == (
        [1, 0],
        "NaN",
        3.0,
    )


def test_what_was_not_captured_says_why(make):
    reference = make.site("forward/a#out0")
    candidate = make.site("forward/a#out0", status=SiteStatus.FUSED_AWAY, reason="Fused into X.")
    (row,) = traces_view(make.step([reference], [candidate]), NOTHING)["rows"]
    assert row["candidate"]["status"] == "fused_away"
    assert row["candidate"]["reason"] == "Fused into X."
    assert row["candidate"]["shape"] is None
    assert row["verdict"] == "not_comparable"


@pytest.mark.parametrize("missing", ["reference", "candidate"])
def test_a_side_without_the_site(make, missing):
    here = [make.site("forward/a#out0")]
    step = make.step(*(([], here) if missing == "reference" else (here, [])))
    (row,) = traces_view(step, NOTHING)["rows"]
    assert row[missing]["status"] == "not_captured"
    assert row[missing]["reason"] == row["reason"] != ""
    assert row["verdict"] == "not_comparable"


@pytest.mark.parametrize("site_id", ["input/#in0", "parameter/a#weight"])
def test_shared_tensors_are_shown_on_both_sides(make, site_id):
    step = make.step([], [make.site(site_id, stats=make.stats(7.0))])
    (row,) = traces_view(step, NOTHING)["rows"]
    assert row["reference"] == row["candidate"]
    assert row["reference"]["l2_norm"] == 7.0
    assert row["verdict"] == "equal"
    assert row["reason"].startswith("Both sides")


def test_inputs_that_were_not_compared_are_equal_if_they_look_equal(make):
    site = make.site("input/#in0", stats=make.stats(2.0))
    (row,) = traces_view(make.step([site], [site]), NOTHING)["rows"]
    assert (row["verdict"], row["reason"]) == ("equal", "Both sides were given the same tensor.")
    other = make.site("input/#in0", stats=make.stats(3.0))
    (row,) = traces_view(make.step([site], [other]), NOTHING)["rows"]
    assert (row["verdict"], row["reference"]["l2_norm"]) == ("divergent", 2.0)
    assert "changed between the runs" in row["reason"]


def test_every_row_of_a_module_names_its_type(make):
    step = make.step(
        [make.site("forward/a#out0", module_type="Linear")], [make.site("parameter/a#weight")]
    )
    rows = traces_view(step, NOTHING)["rows"]
    assert [row["module_type"] for row in rows] == ["Linear", "Linear"]


def test_shared_tensors_that_both_sides_recorded_are_compared(make):
    site = make.site("input/#in0")
    result = SiteComparison(site.site, Verdict.DIVERGENT, "Changed in place.")
    view = traces_view(make.step([site], [site]), StepComparison(4, (result,), {}))
    assert view["rows"][0]["verdict"] == "divergent"


def test_step_level_fields(make):
    first = {
        Direction.BACKWARD: Site(Direction.BACKWARD, "b", "out0"),
        Direction.FORWARD: Site(Direction.FORWARD, "a", "out0"),
    }
    hooks = (HookEvent(0, "forward_pre", "a", 0), HookEvent(1, "forward", "a", 0, 0.5))
    step = make.step(hook_events=hooks, ort_secs=0.25, notes=("A note.",))
    view = traces_view(step, StepComparison(4, (), first))
    assert view["first_divergence"] == ["forward/a#out0", "backward/b#out0"]
    assert [hook["duration_secs"] for hook in view["hook_events"]] == [None, 0.5]
    assert (view["step"], view["mode"], view["fallback"]) == (4, "training", False)
    assert (view["ort_secs"], view["eager_secs"], view["notes"]) == (0.25, None, ["A note."])
