"""Elements of a tensor on the wire."""

from __future__ import annotations

import numpy as np
import pytest

from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import SiteStatus
from ortviz.views.tensor_values import MAX_ELEMENTS, no_values_view, tensor_values_view


def _view(values, dtype="float32"):
    buffers = Buffers()
    view = tensor_values_view("forward/a#out0", "candidate", values, dtype, buffers)
    return view, column_array(view["values"], buffers.parts())


def test_a_small_tensor_is_whole():
    view, values = _view(np.array([[1, -2], [3, np.nan]], np.float32))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [1, -2, 3, np.nan])
    assert view["shape"] == [2, 2]
    assert view["element_count"] == 4
    assert not view["sampled"]
    assert (view["minimum"], view["maximum"]) == (-2.0, 3.0)
    assert view["mean"] == pytest.approx(2 / 3)
    assert view["status"] == "captured"


def test_of_a_large_one_the_first_elements_and_the_range_of_all():
    view, values = _view(np.arange(MAX_ELEMENTS + 1, dtype=np.float32))
    assert values.tolist() == list(range(MAX_ELEMENTS))
    assert view["sampled"]
    assert view["maximum"] == MAX_ELEMENTS
    assert not _view(np.zeros(MAX_ELEMENTS))[0]["sampled"]


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (np.float16([60000, 60000]), (60000, 60000, 60000)),
        (np.array([np.inf, -np.inf, np.nan]), (None, None, None)),
        (np.zeros((0, 3), np.float32), (None, None, None)),
        (np.array(5, np.int8), (5, 5, 5)),
        (np.array([True, False]), (0, 1, 0.5)),
        (np.array([1e308, 1e308]), (1e308, 1e308, "Infinity")),
    ],
)
def test_the_range_is_of_finite_elements(values, numbers):
    view, _ = _view(values)
    assert (view["minimum"], view["maximum"], view["mean"]) == numbers


def test_none_says_why():
    view = no_values_view("c", None, SiteStatus.NOT_CAPTURED, "Not kept.", Buffers())
    assert view["reason"] == "Not kept."
    assert view["element_count"] == 0
    assert view["minimum"] is None
