"""Distances in units in the last place against numpy's own spacing and nextafter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortviz.compare import compare_values, ulp_distance

WIDTHS = {"float16": (np.uint16, 0x7C00), "float32": (np.uint32, 0x7F800000)}
FLOATS = ["float64", "float32", "float16"]


def distance(one: float, other: float, dtype: str) -> int:
    pair = [np.array([value], dtype) for value in (one, other)]
    return int(ulp_distance(*pair, dtype)[0])


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_next_number_is_one_apart_and_n_steps_are_n_apart(dtype, data):
    width = np.dtype(dtype).itemsize * 8
    start = data.draw(st.floats(-100, 100, width=width))
    steps = data.draw(st.integers(0, 40))
    towards = np.dtype(dtype).type(data.draw(st.sampled_from([-np.inf, np.inf])))
    value = first = np.dtype(dtype).type(start)
    for _ in range(steps):
        value = np.nextafter(value, towards)
    assert distance(first, value, dtype) == steps
    assert distance(value, first, dtype) == steps


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_within_one_binade_it_is_the_difference_over_the_spacing(dtype, data):
    bits = np.finfo(dtype).nmant
    ours, theirs = (data.draw(st.integers(0, 2**bits - 1)) for _ in range(2))
    exponent = data.draw(st.integers(-10, 10))
    sign = data.draw(st.sampled_from([-1.0, 1.0]))
    spacing = 2.0 ** (exponent - bits)
    one, other = (sign * (2.0**exponent + count * spacing) for count in (ours, theirs))
    assert np.spacing(np.dtype(dtype).type(abs(one))) == spacing
    assert distance(one, other, dtype) == abs(ours - theirs)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@given(data=st.data())
def test_it_counts_the_numbers_between_two(dtype, data):
    unsigned, infinity = WIDTHS[dtype]
    ours, theirs = (data.draw(st.integers(0, infinity - 1)) for _ in range(2))
    one, other = (np.array([count], unsigned).view(dtype) for count in (ours, theirs))
    # ``ours`` is the number of positive numbers up to and including this one.
    assert int(ulp_distance(one, other, dtype)[0]) == abs(ours - theirs)
    assert int(ulp_distance(-one, other, dtype)[0]) == ours + theirs
    assert int(ulp_distance(-one, -other, dtype)[0]) == abs(ours - theirs)


def test_zeros_of_both_signs_are_the_same_number():
    for dtype in (*FLOATS, "bfloat16"):
        array = np.float32 if dtype == "bfloat16" else dtype
        zeros = np.zeros(2, array)
        assert ulp_distance(zeros, -zeros, dtype).tolist() == [0, 0]


def test_float64_from_end_to_end_does_not_overflow():
    largest = np.finfo(np.float64).max
    up_to_it = int(np.array([largest]).view(np.int64)[0])
    assert distance(-largest, largest, "float64") == 2 * up_to_it


def bfloat16(*values: float) -> np.ndarray:
    torch = pytest.importorskip("torch")
    return torch.tensor(values).bfloat16().float().numpy()


def test_bfloat16_arrives_widened_and_is_counted_in_its_own_last_place():
    torch = pytest.importorskip("torch")
    one = torch.tensor([1.0, -3.0, 1e-20, 5.0]).bfloat16()
    other = torch.tensor(
        [float(torch.nextafter(v.cpu(), torch.tensor(9.0).bfloat16())) for v in one]
    )
    distances = ulp_distance(one.float().numpy(), other.numpy(), "bfloat16")
    assert distances.tolist() == [1, 1, 1, 1]
    # The same values are 65536 numbers of float32 apart.
    assert ulp_distance(one.float().numpy(), other.numpy(), "float32").tolist() == [65536] * 4


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20))
def test_values_of_another_dtype_are_rounded_to_bfloat16_as_torch_does(values):
    exact = np.array(values, np.float32)
    rounded = bfloat16(*values)
    assert ulp_distance(exact, rounded, "bfloat16").tolist() == [0] * len(values)


def test_a_comparison_keeps_the_largest_one_among_finite_elements():
    reference = np.array([1.0, 4.0, np.nan, np.inf, -2.0], np.float32)
    candidate = np.array([1.0, 4.0, np.nan, 5.0, -2.0], np.float32)
    candidate[1] = np.nextafter(np.nextafter(candidate[1], np.float32(9)), np.float32(9))
    found = compare_values(reference, candidate, "float32")
    assert found.max_ulp_error == 2.0
    assert compare_values(reference, reference.copy(), "float32").max_ulp_error == 0.0


def test_integers_and_booleans_have_none():
    for dtype in (np.int32, np.bool_):
        values = np.array([0, 1], dtype)
        assert compare_values(values, values[::-1], np.dtype(dtype).name).max_ulp_error is None
        assert compare_values(values, values, np.dtype(dtype).name).max_ulp_error is None


def test_float16_overflow_counts_among_the_finite_only():
    reference = np.array([65504.0, 1.0], np.float16)
    candidate = np.array([np.inf, 1.0], np.float16)
    assert compare_values(reference, candidate, "float16").max_ulp_error == 0.0
