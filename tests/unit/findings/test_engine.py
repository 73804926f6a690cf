"""Merging, sorting, bounds, and detectors that fail."""

from __future__ import annotations

import pytest

from ortviz.findings import (
    DEFAULT_DETECTORS,
    Detector,
    FindingsEngine,
    register,
    registered,
    unregister,
)
from ortviz.record import EventKind, RunEvent, RunInfo, Severity, StepLosses


class Plain(Detector):
    """Reports the step's note, with the severity it begins with."""

    name = "plain"

    def on_losses(self, losses: StepLosses):
        severity, _, rest = losses.note.partition(" ")
        place, _, evidence = rest.partition(" ")
        yield self.finding(
            Severity(severity),
            f"Title {losses.step}",
            evidence=evidence,
            explanation="Why.",
            remedy="Do.",
            place=place,
            step=losses.step,
        )


class Failing(Detector):
    name = "failing"

    def on_event(self, event: RunEvent):
        raise RuntimeError("broken detector")


def losses(step: int, note: str) -> StepLosses:
    return StepLosses(step, None, note=note)


@pytest.fixture
def plain(make) -> FindingsEngine:
    return FindingsEngine(make.info(), [Plain])


def test_a_healthy_run_has_no_findings(engine, make):
    assert engine.on_started() == []
    for step in range(5):
        assert engine.on_step(make.step(step), make.compared(step=step)) == []
        assert engine.on_losses(make.losses(step)) == []
    assert engine.on_event(RunEvent(EventKind.EXPORT, 0, "Exported.")) == []
    assert engine.findings() == ()


def test_the_same_thing_later_extends_the_finding(plain):
    (first,) = plain.on_losses(losses(3, "warning a one"))
    assert (first.key, first.first_step, first.last_step, first.step_count) == ("plain:a", 3, 3, 1)
    (second,) = plain.on_losses(losses(5, "warning a two"))
    plain.on_losses(losses(9, "warning a three"))
    (merged,) = plain.findings()
    assert (second.step_count, merged.step_count) == (2, 3)
    assert (merged.first_step, merged.last_step) == (3, 9)
    assert merged.title == "Title 3"
    assert merged.evidence == "Step 3: one Latest, step 9: three"


def test_equal_evidence_is_said_once(plain):
    plain.on_losses(losses(3, "warning a one"))
    plain.on_losses(losses(4, "warning a one"))
    assert plain.findings()[0].evidence == "one"


def test_seen_twice_at_a_step_counts_once_and_the_later_words_hold(plain):
    plain.on_losses(losses(3, "warning a one"))
    (again,) = plain.on_losses(losses(3, "warning a more"))
    assert (again.step_count, again.evidence) == (1, "more")
    assert plain.on_losses(losses(3, "warning a more")) == []


def test_an_earlier_step_that_arrives_late_comes_first(plain):
    plain.on_losses(losses(7, "warning a seven"))
    plain.on_losses(losses(5, "warning a five"))
    (merged,) = plain.findings()
    assert (merged.first_step, merged.last_step, merged.step_count) == (5, 7, 2)
    assert (merged.title, merged.evidence) == ("Title 5", "Step 5: five Latest, step 7: seven")


def test_severity_rises_and_does_not_fall(plain):
    for step, severity in enumerate(("info", "error", "warning")):
        plain.on_losses(losses(step, f"{severity} a {severity}"))
    (merged,) = plain.findings()
    assert (merged.severity, merged.title, merged.first_step) == (Severity.ERROR, "Title 1", 0)


def test_sorted_by_severity_then_step(plain):
    for step, note in enumerate(("info a x", "error b x", "warning c x", "error d x")):
        plain.on_losses(losses(step, note))
    assert [one.key[-1] for one in plain.findings()] == ["b", "d", "c", "a"]


def test_places_are_bounded_and_the_rest_is_counted(plain):
    for step in range(200):
        plain.on_losses(losses(step, f"warning place{step} x"))
    findings = plain.findings()
    assert len(findings) == 51
    (rest,) = [one for one in findings if one.key == "plain:and_more"]
    assert "150 further" in rest.evidence


def test_a_failing_detector_is_switched_off_and_named(make):
    engine = FindingsEngine(make.info(), [Failing, Plain])
    event = RunEvent(EventKind.EXPORT, 0, "Exported.")
    (failure,) = engine.on_event(event)
    assert failure.severity is Severity.INFO
    assert "RuntimeError: broken detector" in failure.evidence
    assert "failing" in failure.title
    assert engine.on_event(event) == []
    assert len(engine.on_losses(losses(0, "warning a one"))) == 1


def test_a_detector_that_cannot_be_made_is_named(make):
    def make_nothing(info: RunInfo) -> Detector:
        raise ValueError("no")

    engine = FindingsEngine(make.info(), [make_nothing, Plain])
    (failure,) = engine.on_started()
    assert "ValueError: no" in failure.evidence


def test_detectors_of_ones_own(make):
    assert register(Plain) is Plain
    register(Plain)
    try:
        assert registered() == (Plain,)
        engine = FindingsEngine(make.info())
        assert engine.on_losses(losses(0, "error a one"))[0].detector == "plain"
        alone = FindingsEngine(make.info(), DEFAULT_DETECTORS)
        assert alone.on_losses(losses(0, "error a one")) == []
    finally:
        unregister(Plain)
    unregister(Plain)
    assert registered() == ()


def test_every_detector_has_a_name_of_its_own(make):
    names = [detector(make.info()).name for detector in DEFAULT_DETECTORS]
    assert all(names)
    assert len(set(names)) == len(names)
