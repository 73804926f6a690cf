"""The map of masked elements against counting them one by one."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import LossRecord, MaskCounts, MaskedElement, Side, StepLosses
from ortviz.record.store import MaskedElements
from ortviz.views.mask_map import MAX_ROWS, mask_map_view, masked_elements_view


def _view(places, first=0, last=9, columns=100, masked_count=None):
    """Build the view of (step, position, code) triples."""
    places = sorted(places, key=lambda place: place[0])
    elements = tuple(
        MaskedElement("mape", position, code, 0.0, 0.0) for _, position, code in places
    )
    steps = tuple(step for step, _, _ in places)
    count = len(places) if masked_count is None else masked_count
    found = MaskedElements(steps, elements, len(set(steps)), count, 1)
    buffers = Buffers()
    view = mask_map_view("mape", found, first, last, columns, buffers)
    arrays = {
        name: column_array(view[name], buffers.parts()) for name in ("steps", "codes", "counts")
    }
    return view, arrays


def test_batch_is_folded_and_the_axis_is_even():
    view, arrays = _view([(2, (0, 3), 1), (2, (5, 3), 1), (4, (1, 6), 2), (4, (1, 5), 3)])
    assert view["positions"] == ["3", "4", "5", "6"]
    assert view["axis_label"] == "position along axis 1 (batch folded)"
    assert arrays["steps"].tolist() == list(range(10))
    assert arrays["counts"].shape == arrays["codes"].shape == (4, 10)
    assert arrays["counts"][0, 2] == 2
    assert arrays["counts"].sum() == 4
    assert [arrays["codes"][row, column] for row, column in [(0, 2), (1, 2), (3, 4), (2, 4)]] == [
        1, 0, 2, 3,
    ]  # fmt: skip


def test_the_most_frequent_kind_colours_a_cell():
    places = [(0, (0, 0), 1), (0, (1, 0), 3), (0, (2, 0), 3)]
    _, arrays = _view(places, last=0)
    assert arrays["codes"].tolist() == [[3]]


def test_several_axes_are_named_position_by_position():
    view, _ = _view([(0, (0, 1, 2), 1), (0, (0, 2, 0), 1)])
    assert view["positions"] == ["1, 2", "2, 0"]
    assert view["axis_label"] == "position along axis 1, axis 2 (batch folded)"


@pytest.mark.parametrize(
    ("position", "label", "name"),
    [((), "the only element", "0"), ((7,), "position in the batch", "7")],
)
def test_losses_without_a_batch_axis(position, label, name):
    view, _ = _view([(0, position, 1)])
    assert (view["axis_label"], view["positions"]) == (label, [name])


def test_long_axes_are_folded():
    view, arrays = _view([(0, (0, 0), 1), (0, (0, 999), 2), (0, (0, 501), 1)])
    assert len(view["positions"]) <= MAX_ROWS
    assert view["positions"][0] == "0 … 3"
    assert view["positions"][-1] == "996 … 999"
    assert arrays["counts"].sum() == 3
    assert arrays["counts"][501 // 4, 0] == 1


def test_what_is_not_in_the_matrix_is_counted():
    view, _ = _view([(0, (0, 1), 1), (1, (0, 1), 1), (2, (3,), 1)], masked_count=50)
    assert view["left_out_count"] == 48


def test_nothing_masked_and_nothing_recorded():
    view, arrays = _view([])
    assert view["positions"] == []
    assert arrays["codes"].shape == (0, 10)
    _, arrays = _view([], first=0, last=-1)
    assert arrays["steps"].shape == (0,)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 300), st.tuples(st.integers(0, 3), st.integers(0, 40)), st.integers(1, 3)
        ),
        max_size=60,
    ),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(1, 50),
)
def test_every_element_lands_in_its_bin(places, one, other, columns):
    first, last = min(one, other), max(one, other)
    places = [place for place in places if first <= place[0] <= last]
    view, arrays = _view(places, first, last, columns)
    steps, width = arrays["steps"], view["steps_per_bin"]
    assert 1 <= len(steps) <= columns
    assert steps[0] == first
    assert steps[-1] <= last < steps[-1] + width
    expected: Counter[tuple[str, int]] = Counter(
        (str(position[1]), int(np.searchsorted(steps, step, "right")) - 1)
        for step, position, _ in places
    )
    found = {
        (view["positions"][row], int(column)): int(arrays["counts"][row, column])
        for row, column in zip(*np.nonzero(arrays["counts"]), strict=True)
    }
    assert found == dict(expected)
    assert ((arrays["codes"] > 0) == (arrays["counts"] > 0)).all()


def test_masked_elements_of_a_step():
    record = LossRecord(
        Side.CANDIDATE, 1.0, 0.0, 0.0, None, None, MaskCounts(2, 1, 0), MaskCounts(), 12,
        0.0, "mape", 0, 1, 0,
    )  # fmt: skip
    elements = (
        MaskedElement("mape", (2, 1), 1, 0.0, 0.0, math.nan),
        MaskedElement("mape", (3, 1), 3, math.inf, 0.0, None),
    )
    view = masked_elements_view("mape", StepLosses(5, record), elements)
    assert (view["step"], view["masked_count"], view["element_count"]) == (5, 3, 12)
    assert view["rows"] == [
        {
            "step": 5, "position": [2, 1], "kind": "nan", "input": 0.0, "target": 0.0,
            "ratio": "NaN", "gradient": "NaN", "gradient_known": True,
        },
        {
            "step": 5, "position": [3, 1], "kind": "-inf", "input": "Infinity", "target": 0.0,
            "ratio": "-Infinity", "gradient": None, "gradient_known": False,
        },
    ]  # fmt: skip
    assert masked_elements_view("smape", StepLosses(5, record), ())["masked_count"] == 0
    assert masked_elements_view("mape", StepLosses(5, None), ())["element_count"] == 0
