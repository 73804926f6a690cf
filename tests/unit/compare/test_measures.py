"""Cosine, mismatched share, and what an equal pair does not pay for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ortviz.compare import Tolerance, ToleranceTable, compare_values
from ortviz.compare.blocks import largest_difference
from ortviz.compare.scan import scan
from ortviz.record import Verdict

NAN, INF = math.nan, math.inf
FINITE = arrays.arrays(
    np.float32,
    arrays.array_shapes(max_dims=2, max_side=6),
    elements=st.floats(-(2.0**60), 2.0**60, width=32),
)
ANY = arrays.arrays(
    np.float32, arrays.array_shapes(max_dims=2, max_side=6), elements=st.floats(width=32)
)


def cosine(one: np.ndarray, other: np.ndarray) -> float | None:
    return compare_values(one, other, one.dtype.name).cosine


@given(FINITE, st.data())
def test_cosine_is_the_dot_product_of_unit_vectors(reference, data):
    candidate = data.draw(
        arrays.arrays(
            np.float32, reference.shape, elements=st.floats(-(2.0**60), 2.0**60, width=32)
        )
    )
    ours, theirs = reference.astype(np.longdouble).ravel(), candidate.astype(np.longdouble).ravel()
    lengths = np.sqrt((ours**2).sum()) * np.sqrt((theirs**2).sum())
    found = cosine(reference, candidate)
    if lengths == 0:
        assert found is None
    else:
        assert found == pytest.approx(float((ours * theirs).sum() / lengths), abs=1e-12)
        assert -1.0 <= found <= 1.0


def test_cosine_known_answers():
    ones = np.ones(4, np.float32)
    assert cosine(ones, ones.copy()) == 1.0
    assert cosine(ones, -ones) == -1.0
    assert cosine(ones, 7 * ones) == pytest.approx(1.0)
    assert cosine(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0.0
    assert cosine(ones, np.zeros(4, np.float32)) is None
    assert cosine(np.zeros(4), np.zeros(4)) is None
    assert cosine(np.array([1.0, NAN]), np.array([1.0, NAN])) is None
    assert cosine(np.array([1.0, INF]), np.array([1.0, 2.0])) is None
    assert cosine(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_cosine_survives_squares_that_underflow_or_overflow(size):
    one, other = np.array([3.0, 4.0]) * size, np.array([4.0, 3.0]) * size
    assert cosine(one, other) == pytest.approx(24 / 25)


def test_cosine_over_several_blocks():
    rng = np.random.default_rng(3)
    one, other = rng.normal(size=(2, 100_000)).astype(np.float32)
    expected = np.dot(one.astype(float), other) / np.linalg.norm(one) / np.linalg.norm(other)
    assert cosine(one, other) == pytest.approx(expected, abs=1e-6)


@given(ANY, st.data(), st.floats(1e-3, 1e3))
def test_mismatched_share_counts_elements_one_by_one(reference, data, relative):
    candidate = data.draw(arrays.arrays(np.float32, reference.shape, elements=st.floats(width=32)))
    table = ToleranceTable({"float32": Tolerance(relative)})
    found = compare_values(reference, candidate, "float32", table)
    pairs = [(float(r), float(c)) for r, c in zip(reference.flat, candidate.flat, strict=True)]
    both = [(r, c) for r, c in pairs if math.isfinite(r) and math.isfinite(c)]
    allowed = relative * max((abs(r) for r, _ in both), default=0.0)
    count = 0
    for r, c in pairs:
        if math.isfinite(r) and math.isfinite(c):
            count += abs(c - r) > allowed
        else:
            count += not (r == c or (math.isnan(r) and math.isnan(c)))
    assert found.mismatched_fraction == count / len(pairs)
    assert (found.verdict is Verdict.DIVERGENT) == (count > 0)


def test_mismatched_share_of_nothing_and_of_integers():
    assert compare_values(np.zeros(0), np.zeros(0), "float64").mismatched_fraction is None
    found = compare_values(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]), "int64")
    assert found.mismatched_fraction == 0.25
    big = np.array([2**60, 1], np.int64)
    assert compare_values(big, big + 1, "int64").mismatched_fraction == 1.0


@given(ANY)
def test_the_short_way_for_equal_arrays_gives_what_the_long_way_gives(values):
    assume(np.isfinite(values).all())
    short = scan(values, values.copy(), "float32")
    other = values.copy()
    # −0.0 equals 0.0 but has other bits, so the long way is taken.
    other[other == 0] = -0.0
    longer = scan(values, other, "float32")
    # Whatever differs in the last place: the cosine of the long way is a quotient.
    assert longer.cosine == (None if short.cosine is None else pytest.approx(short.cosine))
    longer.cosine = short.cosine
    assert short == longer


def test_largest_difference():
    one, other = np.array([1.0, NAN, 3.0]), np.array([1.5, 2.0, -1.0])
    assert largest_difference(one, other) == 4.0
    assert largest_difference(one[1:2], other[1:2]) is None
    long = np.zeros(100_000, np.float32)
    long[99_999] = -2.0
    assert largest_difference(long, np.zeros_like(long)) == 2.0
