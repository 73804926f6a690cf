"""Pairing of sites, attributes before values, first divergence."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ortviz.compare import compare_step
from ortviz.record import (
    Direction,
    Mode,
    Site,
    SiteRecord,
    SiteStatus,
    StepCapture,
    StepRecord,
    Verdict,
)
from tests.unit.compare.conftest import stats_of


class Builder:
    """A capture, site by site."""

    def __init__(self) -> None:
        self.sides: tuple[list[SiteRecord], list[SiteRecord]] = ([], [])
        self.values: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})

    def add(
        self,
        name: str,
        reference: np.ndarray | SiteStatus | None,
        candidate: np.ndarray | SiteStatus | None,
        direction: Direction = Direction.FORWARD,
        slot: str = "out0",
        dtypes: tuple[str, str] = ("", ""),
    ) -> Site:
        site = Site(direction, name, slot)
        for side, seen in enumerate((reference, candidate)):
            order = len(self.sides[side])
            if isinstance(seen, SiteStatus):
                self.sides[side].append(SiteRecord(site, order, seen))
            elif seen is not None:
                stats = stats_of(seen, dtypes[side])
                self.sides[side].append(SiteRecord(site, order, SiteStatus.CAPTURED, stats))
                self.values[side][site.id] = seen
        return site

    def compare(self):
        record = StepRecord(7, Mode.TRAINING, False, tuple(self.sides[0]), tuple(self.sides[1]))
        return compare_step(StepCapture(record, *self.values))


ONE, TWO = np.array([1.0, 1.0], np.float32), np.array([2.0, 1.0], np.float32)


def test_every_kind_of_site_in_one_step():
    build = Builder()
    same = build.add("a", ONE, ONE)
    far = build.add("b", ONE, TWO)
    result = build.compare()
    assert result.step == 7
    assert [one.site for one in result.sites] == [same, far]
    assert [one.verdict for one in result.sites] == [Verdict.EQUAL, Verdict.DIVERGENT]
    assert result[far.id].max_abs_error == 1.0
    assert result.first_divergence == {Direction.FORWARD: far}


def test_first_divergence_follows_each_directions_own_order():
    build = Builder()
    build.add("in", ONE, ONE)
    first_forward = build.add("mid", ONE, TWO)
    build.add("out", ONE, TWO)
    first_backward = build.add("out", ONE, TWO, Direction.BACKWARD)
    build.add("mid", ONE, TWO, Direction.BACKWARD)
    build.add("mid", ONE, ONE, Direction.PARAMETER_GRAD, "weight")
    result = build.compare()
    assert result.first_divergence == {
        Direction.FORWARD: first_forward,
        Direction.BACKWARD: first_backward,
    }


def test_order_of_execution_counts_not_order_of_the_list():
    build = Builder()
    build.add("late", ONE, TWO)
    early = build.add("early", ONE, TWO)
    build.sides[0].reverse()
    build.sides[0][:] = [
        SiteRecord(r.site, i, r.status, r.stats) for i, r in enumerate(build.sides[0])
    ]
    build.sides[0].reverse()
    assert build.compare().first_divergence[Direction.FORWARD] == early


def test_parameters_and_inputs_are_left_out():
    build = Builder()
    build.add("", ONE, TWO, Direction.INPUT, "in0")
    build.add("a", None, ONE, Direction.PARAMETER, "weight")
    build.add("b", ONE, TWO, Direction.PARAMETER, "weight")
    assert build.compare().sites == ()


@pytest.mark.parametrize(
    ("reference", "candidate", "reason"),
    [
        (ONE, SiteStatus.FUSED_AWAY, "ORT merged this tensor"),
        (SiteStatus.NEVER_CALLED, SiteStatus.NEVER_CALLED, "did not run on eager's side"),
        (ONE, SiteStatus.NOT_CAPTURED, "Not recorded on ORT's side"),
        (ONE, None, "Seen on eager's side only"),
        (None, ONE, "^Eager PyTorch did not run beside this step.$"),
        (SiteStatus.NO_GRADIENT, SiteStatus.NO_GRADIENT, "No gradient on either side"),
        (SiteStatus.NO_GRADIENT, ONE * 0, r"Eager has no gradient here \(None\), ORT one of zeros"),
        (ONE * 0, SiteStatus.NO_GRADIENT, r"ORT has no gradient here \(None\), eager one of zeros"),
        (ONE, SiteStatus.NO_GRADIENT, "ORT has no gradient here .* eager has one of L2 norm 1.41"),
        (ONE, np.ones((2, 1), np.float32), r"eager float32 \(2,\), ORT float32 \(2, 1\)"),
    ],
)
def test_not_comparable_says_why(reference, candidate, reason):
    build = Builder()
    site = build.add("a", reference, candidate, Direction.PARAMETER_GRAD)
    (one,) = build.compare().sites
    assert (one.site, one.verdict) == (site, Verdict.NOT_COMPARABLE)
    assert re.search(reason, one.reason), one.reason
    assert build.compare().first_divergence == {}


def test_what_only_one_of_two_sides_that_ran_has():
    build = Builder()
    build.add("a", ONE, ONE)
    site = build.add("b", None, ONE)
    assert "Seen on ORT's side only" in build.compare()[site.id].reason


def test_the_records_own_reason_is_used():
    build = Builder()
    site = build.add("a", ONE, None)
    build.sides[1].append(
        SiteRecord(site, 0, SiteStatus.FUSED_AWAY, reason="Part of BiasGelu_1 now.")
    )
    assert build.compare()[site.id].reason == "Part of BiasGelu_1 now."


def test_values_that_were_not_kept():
    build = Builder()
    site = build.add("a", ONE, ONE)
    del build.values[1][site.id]
    one = build.compare()[site.id]
    assert one.verdict is Verdict.NOT_COMPARABLE
    assert "Only its statistics" in one.reason


def test_different_dtypes_are_named_and_judged_by_the_looser():
    build = Builder()
    site = build.add("a", ONE, (ONE * 1.002).astype(np.float16))
    one = build.compare()[site.id]
    assert one.verdict is Verdict.ROUNDING
    assert one.reason == "The dtypes differ: eager float32, ORT float16."


def test_bfloat16_is_judged_by_its_true_dtype():
    build = Builder()
    names = ("bfloat16", "bfloat16")
    site = build.add("a", ONE, ONE * np.float32(1.01), dtypes=names)
    assert build.compare()[site.id].verdict is Verdict.ROUNDING


def test_zero_gradients_are_judged_beside_the_largest_of_their_direction():
    build = Builder()
    noise = np.array([1e-8, -1e-8], np.float32)
    bias = build.add("conv", noise, -noise, Direction.PARAMETER_GRAD, "bias")
    build.add("conv", ONE, ONE, Direction.PARAMETER_GRAD, "weight")
    backward = build.add("conv", noise, -noise, Direction.BACKWARD)
    forward = build.add("conv", noise, -noise)
    result = build.compare()
    assert result[bias.id].verdict is Verdict.ROUNDING
    assert result[backward.id].verdict is Verdict.DIVERGENT
    assert result[forward.id].verdict is Verdict.DIVERGENT


def test_batchnorm_buffers():
    build = Builder()
    count = build.add("bn", np.array(5), np.array(1), Direction.BUFFER, "num_batches_tracked")
    mean = build.add("bn", ONE, ONE * np.float32(1.5), Direction.BUFFER, "running_mean")
    result = build.compare()
    counted = result[count.id]
    assert counted.verdict is Verdict.NOT_COMPARABLE
    assert "never updates this counter" in counted.reason
    assert (counted.worst_reference, counted.worst_candidate) == (5.0, 1.0)
    assert result[mean.id].verdict is Verdict.DIVERGENT
    assert result.first_divergence == {Direction.BUFFER: mean}


def test_a_batch_counter_that_agrees_is_equal():
    build = Builder()
    count = build.add("bn", np.array(1), np.array(1), Direction.BUFFER, "num_batches_tracked")
    assert build.compare()[count.id].verdict is Verdict.EQUAL


def converged(error: float, arrival: float = 0.1, entering: float = 1.0) -> dict[str, Verdict]:
    """A linear model at its optimum: residuals of size ``arrival`` whose sums cancel."""
    build = Builder()
    f32 = np.float32
    build.add("", ONE, ONE, Direction.INPUT, "in0")
    x = np.array([entering, -entering], f32)
    build.add("before", x, x)
    build.add("fc", ONE, ONE)
    residuals = np.array([arrival, -arrival], f32)
    build.add("fc", residuals, residuals, Direction.BACKWARD)
    names = {}
    for slot, shape in (("bias", (1,)), ("weight", (1, 2))):
        ours, theirs = np.full(shape, 1e-9, f32), np.full(shape, 1e-9 + error, f32)
        names[slot] = build.add("fc", ours, theirs, Direction.PARAMETER_GRAD, slot)
    result = build.compare()
    return {slot: result[site.id].verdict for slot, site in names.items()}


def test_gradients_of_a_converged_model_are_judged_by_the_terms_that_cancel():
    # eps of float32 is 1.2e-7; of terms of 0.14 together, 32 eps are 5e-7.
    assert converged(1e-7) == {"bias": Verdict.ROUNDING, "weight": Verdict.ROUNDING}
    assert converged(2e-6) == {"bias": Verdict.DIVERGENT, "weight": Verdict.DIVERGENT}
    # Residuals that shrink too leave less room.
    assert converged(1e-7, arrival=1e-3)["bias"] is Verdict.DIVERGENT


def test_a_weight_gradient_has_terms_as_large_as_what_enters_the_module():
    assert converged(2e-6, entering=100.0) == {
        "bias": Verdict.DIVERGENT,
        "weight": Verdict.ROUNDING,
    }
    # Not without bounds: a mask of −1e9 would hide everything.
    assert converged(1e-3, entering=1e9)["weight"] is Verdict.DIVERGENT


def test_nan_on_both_sides_alike_is_no_divergence():
    build = Builder()
    broken = np.array([np.nan, 1.0], np.float32)
    build.add("a", broken, broken)
    assert build.compare().first_divergence == {}


def test_under_autocast_more_is_rounding_but_ulp_are_those_of_the_tensors_dtype():
    build = Builder()
    site = build.add("a", ONE, ONE * np.float32(1 + 2**-10))
    record = StepRecord(
        7,
        Mode.TRAINING,
        False,
        tuple(build.sides[0]),
        tuple(build.sides[1]),
        autocast="bfloat16",
    )
    found = compare_step(StepCapture(record, *build.values))[site.id]
    assert (found.verdict, found.tolerance) == (Verdict.ROUNDING, 4e-2)
    assert found.tolerance_reason == "rounding of bfloat16"
    assert found.max_ulp_error == 2**13


def drawn(undrawn_count: int) -> dict[str, Verdict]:
    build = Builder()
    for name in ("a", "b"):
        build.add(name, ONE, TWO)
    build.add("a", ONE, TWO, Direction.BACKWARD)
    record = StepRecord(
        7,
        Mode.TRAINING,
        False,
        tuple(build.sides[0]),
        tuple(build.sides[1]),
        drew_differently="Dice.",
        undrawn_count=undrawn_count,
    )
    result = compare_step(StepCapture(record, *build.values))
    assert all(one.reason == "Dice." for one in result.sites if one.verdict is not DIVERGENT)
    return {f"{one.site.direction.value} {one.site.module}": one.verdict for one in result.sites}


DIVERGENT, UNKNOWN = Verdict.DIVERGENT, Verdict.NOT_COMPARABLE


def test_what_was_there_before_anything_was_drawn_can_be_compared():
    assert drawn(0) == {"forward a": UNKNOWN, "forward b": UNKNOWN, "backward a": UNKNOWN}
    assert drawn(1) == {"forward a": DIVERGENT, "forward b": UNKNOWN, "backward a": UNKNOWN}
    assert drawn(2) == {"forward a": DIVERGENT, "forward b": DIVERGENT, "backward a": UNKNOWN}
