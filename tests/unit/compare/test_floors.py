"""The noise floor: what it allows, how it is carried over, what is said about it."""

from __future__ import annotations

import numpy as np
import pytest

from ortviz.compare import Comparer
from ortviz.compare.allowance import FLOORS_ALLOWED
from ortviz.record import Direction, ToleranceRule, Verdict
from tests.unit.compare.conftest import Deep

ONE = np.array([1.0, -1.0, 0.5], np.float32)


def off(error: float, scale: float = 1.0) -> np.ndarray:
    return (ONE * scale + np.array([0, 0, error])).astype(np.float32)


def deep(error: float, floor: float | None, scale: float = 1.0, comparer: Comparer | None = None):
    """One site that is off by ``error``, with eager off by ``floor`` from float64."""
    step = Deep()
    reference = ONE * np.float32(scale)
    wide = None if floor is None else reference.astype(np.float64) + np.array([floor, 0, 0])
    site = step.add("fc", reference, off(error, scale), wide=wide)
    return step.compare(comparer)[site.id]


def test_without_deep_steps_there_is_no_floor():
    assert deep(1e-6, None).noise_floor is None


def test_the_larger_of_both_measurements_is_the_floor():
    step = Deep()
    again = ONE + np.float32(0.25)
    site = step.add("fc", ONE, ONE, repeat=again, wide=ONE.astype(np.float64) + 0.125)
    assert step.compare()[site.id].noise_floor == 0.25
    step = Deep()
    site = step.add("fc", ONE, ONE, repeat=ONE.copy(), wide=ONE.astype(np.float64) + 0.125)
    assert step.compare()[site.id].noise_floor == 0.125


def test_an_ill_conditioned_site_is_rounding_and_says_so():
    plain = deep(1e-3, None)
    assert plain.verdict is Verdict.DIVERGENT
    found = deep(1e-3, 1e-3)
    assert found.verdict is Verdict.ROUNDING
    assert found.noise_floor == pytest.approx(1e-3)
    assert found.tolerance == pytest.approx(FLOORS_ALLOWED * 1e-3)
    assert found.tolerance_reason == "8 times its noise floor of 0.001"
    assert found.reason == (
        "Ill-conditioned here: eager PyTorch itself is off by up to 0.001 from float64, more than "
        "rounding of float32 expects."
    )


def test_runs_of_ort_that_lie_apart_are_no_matter_of_conditioning():
    step = Deep()
    again = ONE + np.float32(0.25)
    site = step.add("fc", ONE, off(0.5), repeat=again, wide=ONE.astype(np.float64) + 0.125)
    found = step.compare()[site.id]
    assert found.verdict is Verdict.ROUNDING
    assert found.reason.startswith(
        "ORT is not steady here: two runs on the same inputs lie up to 0.25 apart"
    )


def test_more_than_the_floors_allowed_is_divergent_all_the_same():
    assert deep((FLOORS_ALLOWED - 0.1) * 1e-3, 1e-3).verdict is Verdict.ROUNDING
    found = deep((FLOORS_ALLOWED + 0.1) * 1e-3, 1e-3)
    assert found.verdict is Verdict.DIVERGENT
    assert "8 times its noise floor of 0.001 allows up to 0.008" in found.reason


def test_a_floor_below_the_table_changes_nothing():
    found = deep(5e-5, 1e-7)
    assert (found.verdict, found.reason) == (Verdict.ROUNDING, "")
    assert found.tolerance == pytest.approx(1e-4)
    assert found.tolerance_reason == "rounding of float32"


def test_a_floor_also_widens_a_tolerance_of_the_users():
    comparer = Comparer([ToleranceRule("forward/*", 1e-9)])
    found = deep(1e-6, 1e-6, comparer=comparer)
    assert found.verdict is Verdict.ROUNDING
    assert "more than your tolerance for 'forward/*' expects" in found.reason
    assert deep(1e-6, None, comparer=Comparer([ToleranceRule("forward/*", 1e-9)])).verdict is (
        Verdict.DIVERGENT
    )


def test_the_largest_floor_seen_is_kept_for_later_steps():
    comparer = Comparer()
    assert deep(0, 1e-3, comparer=comparer).noise_floor == pytest.approx(1e-3)
    assert deep(0, 1e-5, comparer=comparer).noise_floor == pytest.approx(1e-3)
    later = deep(2e-3, None, comparer=comparer)
    assert later.noise_floor == pytest.approx(1e-3)
    assert later.verdict is Verdict.ROUNDING


def test_a_floor_shrinks_with_the_tensor():
    comparer = Comparer()
    deep(0, 1e-3, comparer=comparer)
    later = deep(1e-4, None, scale=1e-3, comparer=comparer)
    assert later.noise_floor == pytest.approx(1e-6)
    assert later.verdict is Verdict.DIVERGENT


def test_a_floor_as_large_as_a_tensor_of_rounding_does_not_grow_with_it():
    comparer = Comparer()
    assert deep(0, 1e-9, scale=1e-9, comparer=comparer).noise_floor == pytest.approx(1e-9)
    later = deep(0.5, None, comparer=comparer)
    assert later.noise_floor == pytest.approx(1e-9)
    assert later.verdict is Verdict.DIVERGENT


def test_a_floor_measured_on_zeros_is_an_error_without_a_size():
    comparer = Comparer()
    step = Deep()
    zeros = np.zeros(3, np.float32)
    step.add("fc", zeros, zeros, repeat=zeros + np.float32(1e-7))
    step.compare(comparer)
    assert deep(0, None, comparer=comparer).noise_floor == pytest.approx(1e-7)


def test_what_is_not_finite_or_of_another_shape_measures_nothing():
    step = Deep()
    nothing = np.full(3, np.nan)
    one = step.add("a", ONE, ONE, wide=nothing)
    other = step.add("b", ONE, ONE, wide=np.zeros((2, 2)))
    result = step.compare()
    assert result[one.id].noise_floor is None
    assert result[other.id].noise_floor is None


@pytest.mark.parametrize(
    ("eager", "ort", "sentence"),
    [
        (0.0, 0.5, "eager is off by 0 and ORT by 0.5: ORT is the farther one."),
        (0.5, 0.0, "eager is off by 0.5 and ORT by 0: eager is the farther one."),
        (0.25, -0.25, "eager is off by 0.25 and ORT by 0.25: neither is much the farther one."),
    ],
)
def test_float64_says_which_side_is_farther_off(eager, ort, sentence):
    step = Deep()
    exact = np.array([1.0, 2.0])
    sides = [(exact + np.array([0, error])).astype(np.float32) for error in (eager, ort)]
    # The floor is the eager side's error, so it is divergent only by a tolerance of its own.
    site = step.add("fc", *sides, wide=exact)
    found = step.compare(Comparer())[site.id]
    if found.verdict is Verdict.DIVERGENT:
        assert f"Against float64, {sentence}" in found.reason
    else:
        assert eager * FLOORS_ALLOWED >= abs(eager - ort)
        assert "Ill-conditioned" in found.reason


def test_which_side_is_farther_is_told_of_an_error_beyond_the_floor():
    step = Deep()
    exact = np.array([1.0, 2.0])
    site = step.add(
        "fc",
        (exact + np.array([0, 0.01])).astype(np.float32),
        (exact + np.array([0, 0.5])).astype(np.float32),
        wide=exact,
        direction=Direction.BACKWARD,
    )
    assert step.compare()[site.id].reason.endswith(
        "Against float64, eager is off by 0.01 and ORT by 0.5: ORT is the farther one."
    )
