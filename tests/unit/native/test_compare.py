"""The compiled comparison of two arrays, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ortviz.native import CODES, Difference, kernels, prepare_kernels

DTYPES = ["float32", "float64"]
LENGTHS = [1, 7, 31, 33, 2047, 2048, 2049, 40_000]


def compared(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> Difference | None:
    assert prepare_kernels() == ""
    loops = kernels()
    assert loops is not None
    return loops.compare(ours.ctypes.data, theirs.ctypes.data, ours.size, CODES[ours.dtype.name])


def pair(dtype: str, length: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    random = np.random.default_rng(length)
    ours = random.normal(size=length).astype(dtype)
    return ours, ours + (1e-5 * random.normal(size=length)).astype(dtype)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_and_products(dtype: str, length: int) -> None:
    ours, theirs = pair(dtype, length)
    found = compared(ours, theirs)
    assert found is not None
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    error = np.abs(other - one)
    assert found.max_error == error.max()
    assert found.worst == int(error.argmax())
    assert found.error_sum == pytest.approx(error.sum(), rel=1e-12)
    assert found.scale == np.abs(one).max()
    assert found.squares_reference == pytest.approx((one * one).sum(), rel=1e-12)
    assert found.squares_candidate == pytest.approx((other * other).sum(), rel=1e-12)
    assert found.products == pytest.approx((one * other).sum(), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_worst_of_several_equal_errors_is_the_first(dtype: str) -> None:
    ours = np.zeros(5000, dtype)
    theirs = ours.copy()
    theirs[[17, 2048, 4999]] = 3
    found = compared(ours, theirs)
    assert found is not None
    assert (found.worst, found.max_error, found.error_sum) == (17, 3.0, 9.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steps", [1, 2, 1000])
def test_units_in_the_last_place(dtype: str, steps: int) -> None:
    for start in (1.0, -1.0, 0.0, 3e-39):
        value = other = np.asarray(start, dtype)
        for _ in range(steps):
            other = np.nextafter(other, np.asarray(np.inf, dtype))
        found = compared(np.full(40, value), np.full(40, other))
        assert found is not None
        assert found.max_ulp == steps


@pytest.mark.parametrize("dtype", DTYPES)
def test_units_in_the_last_place_across_zero(dtype: str) -> None:
    zero, tiny = np.zeros(1, dtype), np.nextafter(np.zeros(1, dtype), np.ones(1, dtype))
    across = compared(-tiny, tiny)
    signs = compared(-zero, zero)
    assert across is not None
    assert signs is not None
    assert (across.max_ulp, signs.max_ulp) == (2, 0)


def test_the_farthest_two_numbers() -> None:
    largest = np.full(3, np.finfo(np.float32).max)
    found = compared(-largest, largest)
    assert found is not None
    bits = int(largest.view(np.int32)[0])
    assert found.max_ulp == 2 * bits


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same(dtype: str) -> None:
    ours, _ = pair(dtype, 3000)
    found = compared(ours, ours.copy())
    assert found is not None
    assert (found.max_error, found.error_sum, found.worst, found.max_ulp) == (0.0, 0.0, -1, 0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 2047, 2999])
def test_refuses_what_is_not_finite(wrong: float, place: int) -> None:
    ours, theirs = pair("float32", 3000)
    for side in (ours, theirs):
        changed = side.copy()
        changed[place] = wrong
        assert compared(changed if side is ours else ours, changed) is None


def test_refuses_a_dtype_it_has_no_loop_for() -> None:
    assert compared(np.ones(4, np.float16), np.ones(4, np.float16)) is None
