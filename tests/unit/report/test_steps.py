"""Which steps a report holds."""

from __future__ import annotations

import numpy as np
import pytest

from ortviz.record import Finding, Severity
from ortviz.report.steps import choose_steps


def _finding(first_step):
    return Finding(f"f{first_step}", "d", Severity.ERROR, "", "", "", "", first_step, first_step)


def test_all_when_they_fit():
    steps = np.arange(0, 1000, 10)
    assert choose_steps(steps, [], 100) is steps


@pytest.mark.parametrize("count", [101, 1000, 100_000])
@pytest.mark.parametrize("most", [2, 3, 7, 100])
def test_bounded_first_and_last_kept(count, most):
    steps = np.arange(count) * 5
    chosen = choose_steps(steps, [_finding(12), _finding(50), _finding(None)], most)
    assert len(chosen) == most
    assert chosen[0] == 0
    assert chosen[-1] == steps[-1]
    assert np.all(np.diff(chosen) > 0)


def test_recorded_steps_around_a_finding_are_kept():
    steps = np.arange(0, 10_000, 10)
    chosen = choose_steps(steps, [_finding(5013)], 20)
    assert {5010, 5020} <= set(chosen.tolist())
    chosen = choose_steps(steps, [_finding(99_999)], 20)
    assert 9990 in chosen


def test_findings_do_not_crowd_out_the_rest():
    steps = np.arange(10_000)
    chosen = choose_steps(steps, [_finding(step) for step in range(100, 400)], 40)
    assert len(chosen) == 40
    assert (chosen < 1000).sum() < 25
    assert (chosen > 5000).sum() >= 8


def test_even_without_findings():
    chosen = choose_steps(np.arange(10_000), [], 100)
    assert np.diff(chosen).max() < 110


def test_none_recorded():
    assert len(choose_steps(np.zeros(0, np.int64), [_finding(3)], 10)) == 0
