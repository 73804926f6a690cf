"""Known answers for pairs of arrays, and properties that hold for all."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ortviz.compare import DEFAULT, Tolerance, ToleranceTable, compare_values
from ortviz.compare import scan as scan_module
from ortviz.native import kernels, prepare_kernels
from ortviz.record import Verdict

NAN, INF = math.nan, math.inf


@pytest.fixture(autouse=True, params=["compiled", "numpy"], scope="module")
def _way(request):
    """All of it with the compiled loops and without, as where there is no compiler."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "numpy":
            patch.setattr(scan_module, "kernels", lambda: None)
        else:
            assert prepare_kernels() == ""
            assert kernels() is not None
        yield


ANY_FLOATS = arrays.arrays(
    np.float32, arrays.array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)
)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_equal_arrays_nan_and_infinities_included():
    values = f32(1.0, NAN, INF, -INF, 0.0)
    found = compare_values(values, values.copy(), "float32")
    assert found.verdict is Verdict.EQUAL
    assert (found.max_abs_error, found.max_rel_error, found.mean_abs_error) == (0.0, 0.0, 0.0)
    assert (found.worst_index, found.reason, found.nonfinite_mismatch_count) == (None, "", 0)


def test_errors_are_measured_against_the_largest_reference():
    found = compare_values(np.array([[1.0, 0.0], [-4.0, 2.0]]), np.array([[1.0, 0.5], [-4.0, 1.0]]),
                           "float64")  # fmt: skip
    assert found.verdict is Verdict.DIVERGENT
    assert found.max_abs_error == 1.0
    assert found.max_rel_error == 0.25
    assert found.mean_abs_error == 0.375
    assert (found.worst_index, found.worst_reference, found.worst_candidate) == ((1, 1), 2.0, 1.0)
    assert found.tolerance == pytest.approx(1e-9)
    assert "Off by up to 1 where the largest eager value is 4" in found.reason


@pytest.mark.parametrize(
    ("dtype", "within", "beyond"),
    [
        ("float64", 5e-10, 5e-9),
        ("float32", 5e-5, 5e-4),
        ("bfloat16", 2e-2, 8e-2),
        ("float16", 2e-3, 1e-2),
    ],
)
def test_tolerance_by_dtype(dtype, within, beyond):
    reference = np.array([10.0, 0.0])
    assert compare_values(reference, reference * (1 + within), dtype).verdict is Verdict.ROUNDING
    assert compare_values(reference, reference * (1 + beyond), dtype).verdict is Verdict.DIVERGENT
    # The same absolute error beside the largest element is rounding too.
    beside = np.array([10.0, within * 10])
    assert compare_values(reference, beside, dtype).verdict is Verdict.ROUNDING


def test_bfloat16_rounding_of_real_numbers():
    exact = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    bits = exact.view(np.uint32)
    truncated = (bits & np.uint32(0xFFFF0000)).view(np.float32)
    assert compare_values(exact, truncated, "bfloat16").verdict is Verdict.ROUNDING
    assert compare_values(exact, truncated, "float32").verdict is Verdict.DIVERGENT


def test_float16_overflow_on_one_side():
    with np.errstate(over="ignore"):
        overflown = np.array([60000.0, 70000.0], np.float32).astype(np.float16)
    found = compare_values(np.array([60000.0, 65504.0], np.float16), overflown, "float16")
    assert found.verdict is Verdict.DIVERGENT
    assert found.nonfinite_mismatch_count == 1
    assert (found.worst_index, found.worst_reference, found.worst_candidate) == ((1,), 65504.0, INF)
    assert found.max_abs_error == 0.0
    assert "1 of 2 elements" in found.reason


def test_float16_sums_do_not_overflow_while_comparing():
    reference = np.full(100, 60000.0, np.float16)
    found = compare_values(reference, -reference, "float16")
    assert found.max_abs_error == 120000.0 - 2 * (60000.0 - float(reference[0]))
    assert found.mean_abs_error == found.max_abs_error


@pytest.mark.parametrize(
    ("reference", "candidate", "count"),
    [
        (INF, INF, 0),
        (-INF, -INF, 0),
        (INF, -INF, 1),
        (INF, NAN, 1),
        (NAN, NAN, 0),
        (NAN, 1.0, 1),
        (1.0, INF, 1),
    ],
)
def test_non_finite_against_non_finite(reference, candidate, count):
    found = compare_values(f32(1.0, reference), f32(1.0, candidate), "float32")
    assert found.nonfinite_mismatch_count == count
    assert found.verdict is (Verdict.DIVERGENT if count else Verdict.EQUAL)
    assert found.worst_index == ((1,) if count else None)


def test_nothing_finite_has_no_errors():
    found = compare_values(f32(NAN, NAN), f32(NAN, INF), "float32")
    assert found.max_abs_error is None
    assert found.max_rel_error is None
    assert found.mean_abs_error is None
    assert found.worst_index == (1,)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_integers_are_exact(dtype):
    reference = np.array([0, 100, 127], dtype)
    assert compare_values(reference, reference, np.dtype(dtype).name).verdict is Verdict.EQUAL
    other = np.array([0, 101, 127], dtype)
    found = compare_values(reference, other, np.dtype(dtype).name)
    assert (found.verdict, found.max_abs_error) == (Verdict.DIVERGENT, 1.0)
    assert "must agree exactly" in found.reason


def test_int8_difference_does_not_wrap_around():
    found = compare_values(np.array([-128], np.int8), np.array([127], np.int8), "int8")
    assert found.max_abs_error == 255.0


def test_integers_that_float64_cannot_tell_apart():
    big = np.array([2**60], np.int64)
    assert compare_values(big, big + 1, "int64").verdict is Verdict.DIVERGENT


def test_booleans():
    reference = np.array([True, False, True])
    assert compare_values(reference, reference, "bool").verdict is Verdict.EQUAL
    found = compare_values(reference, ~reference, "bool")
    assert (found.verdict, found.max_abs_error, found.mean_abs_error) == (Verdict.DIVERGENT, 1, 1)


def test_empty_and_zero_dimensional():
    empty = compare_values(np.zeros((0, 3)), np.zeros((0, 3)), "float64")
    assert (empty.verdict, empty.max_abs_error, empty.worst_index) == (Verdict.EQUAL, None, None)
    scalar = compare_values(np.array(1.0), np.array(3.0), "float64")
    assert (scalar.verdict, scalar.worst_index, scalar.max_rel_error) == (Verdict.DIVERGENT, (), 2)


def test_a_zero_reference():
    found = compare_values(np.zeros(3), np.array([0.0, 1e-3, 0.0]), "float32")
    assert (found.verdict, found.max_rel_error) == (Verdict.DIVERGENT, INF)
    assert compare_values(np.zeros(3), np.full(3, 1e-40), "float32").verdict is Verdict.ROUNDING


def test_a_gradient_that_is_zero_in_exact_arithmetic_is_rounding():
    reference, candidate = f32(3e-8, -1e-8), f32(-2e-8, 4e-8)
    alone = compare_values(reference, candidate, "float32")
    beside = compare_values(reference, candidate, "float32", direction_scale=0.1)
    assert alone.verdict is Verdict.DIVERGENT
    assert beside.verdict is Verdict.ROUNDING
    assert "zero within rounding" in beside.reason
    assert beside.max_rel_error <= beside.tolerance
    big = compare_values(f32(0.01), f32(0.02), "float32", direction_scale=0.1)
    assert big.verdict is Verdict.DIVERGENT


def test_strided_arrays_and_worst_index_over_several_blocks():
    reference = np.zeros((700, 700), np.float32)
    candidate = reference.copy()
    candidate[640, 123] = 2.0
    found = compare_values(reference.T, candidate.T, "float32")
    assert found.worst_index == (123, 640)
    candidate[650, 0] = NAN
    candidate[651, 0] = NAN
    found = compare_values(reference, candidate, "float32")
    assert (found.worst_index, found.nonfinite_mismatch_count) == ((650, 0), 2)
    assert found.max_abs_error == 2.0


def test_a_table_of_ones_own():
    table = ToleranceTable({"float32": Tolerance(0.5)})
    assert compare_values(f32(1.0), f32(1.4), "float32", table).verdict is Verdict.ROUNDING
    assert table.looser("float32", "int64") == "float32"
    assert DEFAULT["no such dtype"].relative == 0.0


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="Shapes differ"):
        compare_values(np.zeros(2), np.zeros(3), "float32")


def test_memory_does_not_grow_with_the_tensor():
    reference = np.ones(4_000_000, np.float32)
    candidate = reference.copy()
    candidate[-1] = 1.5
    tracemalloc.start()
    compare_values(reference, candidate, "float32")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 8_000_000


@given(ANY_FLOATS)
def test_every_array_equals_itself(values):
    assert compare_values(values, values.copy(), "float32").verdict is Verdict.EQUAL


@given(ANY_FLOATS, st.data())
def test_agrees_with_a_loop(reference, data):
    candidate = data.draw(arrays.arrays(np.float32, reference.shape, elements=st.floats(width=32)))
    found = compare_values(reference, candidate, "float32")
    pairs = [(float(r), float(c)) for r, c in zip(reference.flat, candidate.flat, strict=True)]
    finite = [(r, c) for r, c in pairs if math.isfinite(r) and math.isfinite(c)]
    errors = [abs(c - r) for r, c in finite]
    mismatches = [
        (r, c)
        for r, c in pairs
        if not (math.isfinite(r) and math.isfinite(c))
        and not (r == c or (math.isnan(r) and math.isnan(c)))
    ]
    assert found.nonfinite_mismatch_count == len(mismatches)
    assert found.max_abs_error == (max(errors) if errors else None)
    if errors:
        assert found.mean_abs_error == pytest.approx(math.fsum(errors) / len(errors))
    same = not mismatches and not any(errors)
    assert (found.verdict is Verdict.EQUAL) == same
    if not same:
        where = found.worst_index
        assert repr(float(reference[where])) == repr(found.worst_reference)
        assert repr(float(candidate[where])) == repr(found.worst_candidate)
    if found.verdict is not Verdict.DIVERGENT and found.max_rel_error is not None:
        assert found.max_rel_error <= found.tolerance


@given(ANY_FLOATS, st.floats(0.01, 100))
def test_scaling_both_sides_keeps_the_verdict(values, factor):
    values = np.nan_to_num(values.astype(np.float64), posinf=1.0, neginf=-1.0)
    if np.abs(values).max() < 1e-30:
        return
    shifted = values + np.abs(values).max() * 0.01
    before = compare_values(values, shifted, "float32").verdict
    assert compare_values(values * factor, shifted * factor, "float32").verdict is before
    assert before is Verdict.DIVERGENT
