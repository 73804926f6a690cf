"""The summary stays small, and names the curve it shows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import Finding, LossRecord, MaskCounts, Problem, Severity, Side, StepLosses
from ortviz.record.store import LossBins, RunState
from ortviz.views.findings import finding_counts, finding_marks, findings_view
from ortviz.views.summary import MAX_PROBLEMS, spark_loss, summary_view, thinned


def _bins(count=3, user=math.nan):
    values = np.arange(2 * 6 * count, dtype=np.float64).reshape(2, 6, count)
    values[1, 3] = user
    return LossBins(
        0, count - 1, 1, np.arange(count), values, values + 0.5, values,
        np.zeros((2, 3, count), np.int64),
    )  # fmt: skip


def _losses(user_loss):
    none = MaskCounts()
    return StepLosses(
        9,
        LossRecord(Side.CANDIDATE, 1, 1, 1, 1, 1, none, none, 4, 1, user_loss, 0, 0, 0),
    )


def _finding(key, severity, step):
    return Finding(key, "d", severity, "t", "e", "x", "r", step, step)


@pytest.mark.parametrize(
    ("user_loss", "user", "loss"),
    [
        ("mape", 1.0, "mape"),
        ("smape", math.nan, "smape"),
        ("HuberLoss", 1.0, "user"),
        ("HuberLoss", math.nan, "mae"),
    ],
)
def test_spark_shows_what_is_trained_with(user_loss, user, loss):
    assert spark_loss(_bins(user=user), _losses(user_loss)) == loss


def test_spark_before_the_first_loss():
    assert spark_loss(_bins(), None) == "mae"


def test_spark_is_orts_side():
    buffers = Buffers()
    bins = _bins()
    view = summary_view(
        RunState(), np.zeros(0, np.int64), 0, bins, _losses("smape"), [], [], buffers
    )  # fmt: skip
    parts = buffers.parts()
    np.testing.assert_array_equal(column_array(view["spark_min"], parts), bins.minimum[1, 2])
    np.testing.assert_array_equal(column_array(view["spark_max"], parts), bins.maximum[1, 2])
    assert view["latest_sampled_step"] is None
    assert view["steps_per_sec"] is None


@pytest.mark.parametrize("count", [0, 1, 5, 100, 12_345])
def test_thinned_keeps_both_ends(count):
    steps = np.arange(count) * 3
    kept = thinned(steps, 50)
    assert len(kept) == min(count, 50)
    assert len(np.unique(kept)) == len(kept)
    if count:
        assert (kept[0], kept[-1]) == (steps[0], steps[-1])


def test_bounded_whatever_the_run():
    problems = [Problem(f"p{index}", "r", None, "x" * 10_000) for index in range(100)]
    findings = [_finding(f"k{index}", Severity.INFO, index) for index in range(5000)]
    sizes = []
    for count in (5_000, 100_000):
        buffers = Buffers()
        view = summary_view(
            RunState(), np.arange(count), count, _bins(200), None, findings, problems, buffers
        )
        sizes.append(sum(map(len, buffers.parts())))
        assert view["sampled_step_count"] == count
        assert len(view["finding_marks"]) == 500
        assert [row["what"] for row in view["problems"]] == [f"p{i}" for i in range(80, 100)]
        assert len(view["problems"]) == MAX_PROBLEMS
        assert max(len(row["detail"]) for row in view["problems"]) == 2000
    assert sizes[0] == sizes[1]


def test_only_the_steps_that_can_be_asked_for():
    buffers = Buffers()
    view = summary_view(
        RunState(), np.arange(10), 10, _bins(), None, [], [], buffers, np.array([0, 9])
    )  # fmt: skip
    assert column_array(view["sampled_steps"], buffers.parts()).tolist() == [0, 9]
    assert view["sampled_step_count"] == 10


FINDINGS = [
    _finding("info", Severity.INFO, 2),
    _finding("late", Severity.ERROR, 9),
    _finding("warning", Severity.WARNING, 9),
    _finding("early", Severity.ERROR, 3),
    _finding("whole run", Severity.ERROR, None),
]


def test_findings_most_severe_first_then_by_step():
    view = findings_view(FINDINGS, [])
    assert [row["key"] for row in view["rows"]] == [
        "whole run", "early", "late", "warning", "info",
    ]  # fmt: skip
    assert finding_counts(FINDINGS) == {"error": 3, "warning": 1, "info": 1}


def test_marks_one_a_step_the_worst():
    assert finding_marks(FINDINGS, 10) == [
        {"step": 2, "severity": "info"},
        {"step": 3, "severity": "error"},
        {"step": 9, "severity": "error"},
    ]
    assert [mark["step"] for mark in finding_marks(FINDINGS, 2)] == [3, 9]
