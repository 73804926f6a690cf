"""The user's tolerances and the noise floors in a run: applied, kept, and told when unused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.record import ErrorOrigin, ToleranceRule, Verdict
from ortviz.record.store import RunReader
from ortviz.session.recorder import Recorder
from tests.unit.session.conftest import QuietEngine

RULES = (ToleranceRule("forward/fc*", 0.5), ToleranceRule("backward/nowhere*", 0.5, 1e-6, 1e-9))


def record(path: Path, make: Any, *captures: Any, rules: tuple[ToleranceRule, ...] = ()) -> None:
    recorder = Recorder(path, engine=QuietEngine(), tolerances=rules)
    recorder.started(make.info())
    for capture in captures:
        recorder.stepped(capture.record.step)
        recorder.captured(capture)
    assert recorder.close()


def test_a_loaded_run_says_which_tolerance_applied_and_why(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "run.ortviz"
    record(path, make, make.capture(0, 0.1), rules=RULES)
    with RunReader.open(path) as reader:
        assert reader.info().tolerances == RULES
        found = reader.comparison(0)["forward/fc#out0"]
        assert found.verdict is Verdict.ROUNDING
        assert (found.tolerance, found.tolerance_reason) == (
            0.5,
            "your tolerance for 'forward/fc*'",
        )


def test_a_tolerance_that_matched_nothing_is_told_once(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "run.ortviz"
    record(path, make, make.capture(0), make.capture(1), rules=RULES)
    with RunReader.open(path) as reader:
        (problem,) = reader.problems()
        assert "'backward/nowhere*' was never used: this run has no such site" in problem.what
        assert "forward/fc#out0" in problem.remedy


def test_a_run_without_compared_steps_says_nothing_of_tolerances(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "run.ortviz"
    record(path, make, rules=RULES)
    with RunReader.open(path) as reader:
        assert reader.problems() == ()


def test_a_floor_of_one_step_is_known_in_the_next_and_kept(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "run.ortviz"
    first = make.capture(0, 1e-3)
    site_id = "forward/fc#out0"
    deep = replace(
        first,
        wide_values={site_id: first.reference_values[site_id].astype(np.float64) + 1e-3},
        local_values={site_id: first.candidate_values[site_id]},
    )
    record(path, make, deep, make.capture(1, 2e-3), make.capture(2, 0.1))
    with RunReader.open(path) as reader:
        floors = [reader.comparison(step)[site_id].noise_floor for step in range(3)]
        assert np.allclose(floors, 1e-3, rtol=1e-3)
        verdicts = [reader.comparison(step)[site_id].verdict for step in range(3)]
        assert verdicts == [Verdict.ROUNDING, Verdict.ROUNDING, Verdict.DIVERGENT]
        assert "Ill-conditioned" in reader.comparison(1)[site_id].reason


def test_origin_and_own_errors_are_kept(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "run.ortviz"
    first = make.capture(0, 0.5)
    site_id = "forward/fc#out0"
    record(path, make, replace(first, local_values=first.reference_values))
    with RunReader.open(path) as reader:
        comparison = reader.comparison(0)
        found = comparison[site_id]
        assert found.origin is ErrorOrigin.HERE
        assert found.local_abs_error == found.max_abs_error == pytest.approx(0.5)
        assert [site.id for site in comparison.first_own_divergence.values()] == [site_id]
        assert found.max_ulp_error is not None
        assert found.mismatched_fraction == 1.0
        assert found.cosine is not None
        assert 0 < found.cosine < 1
