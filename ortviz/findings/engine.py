"""Runs the detectors and merges what they say about the same thing at different steps."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ortviz.findings.detector import Detector, DetectorFactory
from ortviz.findings.registry import DEFAULT_DETECTORS, registered
from ortviz.record import (
    Finding,
    GraphRecord,
    RunEvent,
    RunInfo,
    Severity,
    StepComparison,
    StepLosses,
    StepRecord,
)

_SEVERITIES = list(Severity)
_PLACES_AT_MOST = 50
_STEPS_REMEMBERED = 64
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z])")


@dataclass(slots=True)
class _Merged:
    """One finding over the steps it was seen at: the first time, the last, and how often."""

    first: Finding
    latest: Finding
    worst: Finding
    count: int = 1
    recent: deque[int | None] = field(default_factory=lambda: deque(maxlen=_STEPS_REMEMBERED))

    def add(self, finding: Finding) -> None:
        """Take another sighting in; a second one at the same step replaces the first."""
        if finding.first_step not in self.recent:
            self.count += 1
            self.recent.append(finding.first_step)
        if _step(finding) <= _step(self.first):
            self.first = finding
        if _step(finding) >= _step(self.latest):
            self.latest = finding
        # The words are those of the first time it was worst.
        if (_rank(finding), _step(finding)) <= (_rank(self.worst), _step(self.worst)):
            self.worst = finding

    def finding(self) -> Finding:
        """As the user sees it."""
        evidence, latest = self.first.evidence, self.latest.evidence
        if latest != evidence:
            evidence = (
                f"Step {self.first.first_step}: {evidence} "
                f"Latest, step {self.latest.last_step}: {_news(latest, evidence)}"
            )
        return replace(
            self.worst,
            evidence=evidence,
            first_step=self.first.first_step,
            last_step=self.latest.last_step,
            step_count=self.count,
        )


class FindingsEngine:
    """All detectors of one run. Used from one thread.

    Args:
        info: The run.
        detectors: What makes the detectors; None: the default ones and those registered.
    """

    def __init__(self, info: RunInfo, detectors: Sequence[DetectorFactory] | None = None) -> None:
        makers = (*DEFAULT_DETECTORS, *registered()) if detectors is None else detectors
        self._merged: dict[str, _Merged] = {}
        self._places: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._detectors: list[Detector] = []
        self._stillborn: list[Finding] = []
        for make in makers:
            try:
                self._detectors.append(make(info))
            except Exception as error:  # noqa: BLE001 - anyone's detector must not stop the others
                self._stillborn.append(_failure(getattr(make, "name", repr(make)), error))

    def on_started(self) -> list[Finding]:
        """The run begins. Returns new findings."""
        changed = [merged for one in self._stillborn if (merged := self._add(one)) is not None]
        return changed + self._ask(lambda detector: detector.on_started())

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> list[Finding]:
        """A sampled step. Returns new and changed findings, merged."""
        return self._ask(lambda detector: detector.on_step(record, comparison))

    def on_losses(self, losses: StepLosses) -> list[Finding]:
        """The losses of a step, sampled or not. Returns new and changed findings, merged."""
        return self._ask(lambda detector: detector.on_losses(losses))

    def on_event(self, event: RunEvent) -> list[Finding]:
        """Something happened to the run. Returns new and changed findings, merged."""
        return self._ask(lambda detector: detector.on_event(event))

    def on_graph(self, graph: GraphRecord) -> list[Finding]:
        """A saved stage. Returns new and changed findings, merged."""
        return self._ask(lambda detector: detector.on_graph(graph))

    def findings(self) -> tuple[Finding, ...]:
        """Everything so far: most severe first, then by first step, then where it begins."""
        found = (merged.finding() for merged in self._merged.values())
        return tuple(sorted(found, key=lambda finding: finding.rank))

    def _ask(self, question: Callable[[Detector], Iterable[Finding]]) -> list[Finding]:
        changed: dict[str, Finding] = {}
        for detector in tuple(self._detectors):
            try:
                answers = list(question(detector))
            except Exception as error:  # noqa: BLE001 - anyone's detector must not stop the others
                self._detectors.remove(detector)
                answers = [_failure(detector.name, error)]
            for answer in answers:
                merged = self._add(answer)
                if merged is not None:
                    changed[merged.key] = merged
        return list(changed.values())

    def _add(self, finding: Finding) -> Finding | None:
        """Merge one finding in; returns it merged, None when nothing changed."""
        entry = self._merged.get(finding.key)
        if entry is None:
            if self._places[finding.detector] >= _PLACES_AT_MOST:
                return self._leave_out(finding)
            self._places[finding.detector] += 1
            entry = self._merged[finding.key] = _Merged(finding, finding, finding)
            entry.recent.append(finding.first_step)
            return entry.finding()
        before = entry.finding()
        entry.add(finding)
        after = entry.finding()
        return None if after == before else after

    def _leave_out(self, finding: Finding) -> Finding:
        """Only so many places are listed for a detector; the others are counted."""
        name = finding.detector
        self._left_out[name] += 1
        rest = replace(
            finding,
            key=f"{name}:and_more",
            severity=Severity.INFO,
            title=f"More places than are listed: {name}",
            evidence=f"{self._left_out[name]:,} further sightings at other places were left out.",
            explanation=f"At most {_PLACES_AT_MOST} places of one kind are listed.",
            remedy="Mend the listed ones first; they often share one cause.",
            module=None,
            site_id="",
        )
        self._merged[rest.key] = _Merged(rest, rest, rest)
        return rest


def _failure(name: str, error: Exception) -> Finding:
    return Finding(
        key=f"detector_failed:{name}",
        detector="detector_failed",
        severity=Severity.INFO,
        title=f"The detector {name} failed and is off for the rest of the run",
        evidence=f"{type(error).__name__}: {error}",
        explanation="A detector raised an error. Recording and the other detectors go on.",
        remedy="Mend it if it is yours; otherwise report it with the message above.",
    )


def _news(latest: str, first: str) -> str:
    """The first sentence of ``latest`` that ``first`` does not say; the rest is in the views."""
    said = set(_SENTENCE_END.split(first))
    return next((one for one in _SENTENCE_END.split(latest) if one not in said), latest)


def _rank(finding: Finding) -> int:
    return _SEVERITIES.index(finding.severity)


def _step(finding: Finding) -> int:
    return -1 if finding.first_step is None else finding.first_step
