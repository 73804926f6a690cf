"""A graph that computes something else because its tensors are read."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ortviz.record import Severity, TapCheck

ALIKE = TapCheck(made=True, tensor_count=9)


@pytest.mark.parametrize(
    ("relative", "severity", "words"),
    [
        (5e-6, Severity.INFO, "rounds differently"),
        (2e-4, Severity.WARNING, "computes something else"),
        (0.5, Severity.ERROR, "computes something else"),
        (math.inf, Severity.ERROR, "computes something else"),
    ],
)
def test_severity_goes_by_size(engine, make, only, relative, severity, words):
    check = replace(
        ALIKE,
        different_count=2,
        worst="fc1.weight",
        worst_dtype="float32",
        max_abs_error=relative / 2,
        max_rel_error=relative,
    )
    record = replace(make.step(), tap_check=check)
    found = only(engine.on_step(record, make.compared()), "instrumented_differs")
    assert found.severity is severity
    assert words in found.title
    assert "2 of 9 outputs and parameter gradients" in found.evidence
    assert "fc1.weight (float32)" in found.evidence


@pytest.mark.parametrize("check", [None, ALIKE, TapCheck(made=False, reason="It draws.")])
def test_nothing_to_say(engine, make, check):
    record = replace(make.step(), tap_check=check)
    found = [one.detector for one in engine.on_step(record, make.compared())]
    assert "instrumented_differs" not in found
