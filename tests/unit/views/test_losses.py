"""Curves, masked counts and marks of the losses view."""

from __future__ import annotations

import math

import numpy as np

from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import LossRecord, MaskCounts, Side, StepLosses
from ortviz.record.store import LOSS_NAMES, LossBins, LossMark, LossMarks
from ortviz.views.losses import losses_view

NO_MARKS = LossMarks((), 0)


def _bins(values):
    """Bins whose ``last`` is NaN but for {(side, loss): [..]}; minimum and maximum lie around."""
    count = len(next(iter(values.values()))) if values else 2
    last = np.full((2, 6, count), math.nan)
    for (side, loss), numbers in values.items():
        last[side, LOSS_NAMES.index(loss)] = numbers
    masked = np.arange(2 * 3 * count).reshape(2, 3, count)
    return LossBins(10, 19, 5, np.arange(count) * 5 + 10, last - 1, last + 1, last, masked)


def _losses(side, user_loss="smape"):
    record = LossRecord(side, 1, 1, 1, 1, 1, MaskCounts(), MaskCounts(), 48, 1, user_loss, 0, 0, 0)
    return StepLosses(9, record) if side is Side.CANDIDATE else StepLosses(9, None, record)


def test_curves_with_values_and_no_others():
    buffers = Buffers()
    bins = _bins({(1, "mae"): [1, 2], (0, "mae"): [3, math.nan], (1, "smape"): [5, 6]})
    view = losses_view(bins, NO_MARKS, None, [], buffers)
    found = {(row["loss"], row["side"]): row for row in view["series"]}
    assert list(found) == [("mae", "reference"), ("mae", "candidate"), ("smape", "candidate")]
    parts = buffers.parts()
    row = found["mae", "reference"]
    np.testing.assert_array_equal(column_array(row["last"], parts), [3, math.nan])
    np.testing.assert_array_equal(column_array(row["minimum"], parts), [2, math.nan])
    np.testing.assert_array_equal(column_array(row["maximum"], parts), [4, math.nan])
    assert column_array(view["steps"], parts).tolist() == [10, 15]
    assert (view["first_step"], view["last_step"], view["steps_per_bin"]) == (10, 19, 5)


def test_a_curve_that_is_nan_throughout_is_kept_for_its_mark():
    mark = LossMark(12, Side.CANDIDATE, "mape", "nan")
    gradient = LossMark(13, Side.CANDIDATE, "gradient", "-inf")
    view = losses_view(_bins({}), LossMarks((mark, gradient), 7), None, [], Buffers())
    assert [(row["loss"], row["side"]) for row in view["series"]] == [("mape", "candidate")]
    assert view["marks"] == [
        {"step": 12, "side": "candidate", "what": "mape", "kind": "nan"},
        {"step": 13, "side": "candidate", "what": "gradient", "kind": "-inf"},
    ]
    assert view["marks_left_out_count"] == 7


def test_masked_counts_by_kind():
    buffers = Buffers()
    view = losses_view(_bins({}), NO_MARKS, None, [], buffers)
    counts = {
        (row["loss"], kind): column_array(row[kind], buffers.parts()).tolist()
        for row in view["masked"]
        for kind in ("nan", "posinf", "neginf")
    }
    assert counts == {
        ("mape", "nan"): [0, 1],
        ("mape", "posinf"): [2, 3],
        ("mape", "neginf"): [4, 5],
        ("smape", "nan"): [6, 7],
        ("smape", "posinf"): [8, 9],
        ("smape", "neginf"): [10, 11],
    }


def test_counts_do_not_wrap_around():
    buffers = Buffers()
    bins = _bins({})
    bins.masked[0, 0] = 2**40
    view = losses_view(bins, NO_MARKS, None, [], buffers)
    assert column_array(view["masked"][0]["nan"], buffers.parts()).tolist() == [2**31 - 1] * 2


def test_what_is_trained_with():
    for side in Side:
        view = losses_view(_bins({}), NO_MARKS, _losses(side), ["Note."], Buffers())
        assert (view["trains_with"], view["element_count"]) == ("smape", 48)
        assert view["notes"] == ["Note."]
    view = losses_view(_bins({}), NO_MARKS, None, [], Buffers())
    assert (view["trains_with"], view["element_count"]) == ("", 0)
