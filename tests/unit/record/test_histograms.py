"""Histograms against numpy's, and where numpy gives up."""

from __future__ import annotations

import numpy as np
import pytest

from ortviz.record import histograms
from ortviz.record.histograms import Histogram, histogram_of


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8"])
def test_counts_are_numpys(dtype: str) -> None:
    values = (np.random.default_rng(0).standard_normal((40, 50)) * 30).astype(dtype)
    found = histogram_of(values, 16)
    wide = values.astype(np.float64)
    expected, edges = np.histogram(wide, 16)
    # Elements on an inner edge may fall to either side by one rounding.
    assert abs(np.cumsum(found.counts) - np.cumsum(expected)).max() <= (
        0 if dtype == "float64" else 2
    )
    assert np.allclose(found.edges, edges, rtol=1e-12, atol=0)
    assert (found.low, found.high) == (wide.min(), wide.max())
    assert found.element_count == values.size


def test_what_is_not_finite_is_counted_apart() -> None:
    values = np.array([0.0, 1.0, np.nan, np.inf, np.inf, -np.inf], np.float32)
    assert histogram_of(values, 2) == Histogram(0.0, 1.0, (1, 1), 1, 2, 1)


@pytest.mark.parametrize("values", [np.zeros(0, np.float32), np.array([np.nan, np.nan])])
def test_without_a_finite_element_there_is_no_range(values: np.ndarray) -> None:
    found = histogram_of(values, 3)
    assert (found.low, found.high, found.counts) == (None, None, (0, 0, 0))
    assert found.nan_count == values.size
    assert found.edges.size == 0


def test_equal_elements_booleans_0d_and_complex() -> None:
    assert histogram_of(np.full((3, 2), -7.0), 4) == Histogram(-7.0, -7.0, (6, 0, 0, 0))
    assert histogram_of(np.array([True, False, True]), 2) == Histogram(0.0, 1.0, (1, 2))
    assert histogram_of(np.array(3.0), 2).counts == (1, 0)
    assert histogram_of(np.array([3 + 4j, 0j]), 2) == Histogram(0.0, 5.0, (1, 1))


@pytest.mark.parametrize(
    "values",
    [
        np.array([-1.7e308, 0.0, 1.7e308]),
        np.array([0.0, 5e-324]),
        np.array([np.finfo(np.float32).max, -np.finfo(np.float32).max], np.float32),
    ],
)
def test_the_widest_and_the_narrowest_ranges(values: np.ndarray) -> None:
    found = histogram_of(values, 8)
    assert sum(found.counts) == values.size
    assert found.counts[0] == found.counts[-1] == 1


def test_a_large_array_is_widened_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).random(1000).astype(np.float32)
    whole = histogram_of(values, 10)
    monkeypatch.setattr(histograms, "_AT_ONCE", 64)
    assert histogram_of(values, 10) == whole
