"""The answer to ``findings``."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.protocol.messages import (
    FindingCounts,
    FindingMark,
    FindingRow,
    FindingsView,
    ProblemRow,
)
from ortviz.record import Finding, Problem, Severity


def findings_view(findings: Iterable[Finding], problems: Iterable[Problem]) -> FindingsView:
    """Findings most severe first, then by first step; those of the whole run before steps."""
    return {
        "rows": [_finding_row(finding) for finding in ordered_findings(findings)],
        "problems": problem_rows(problems),
    }


def ordered_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Most severe first, then by first step (the whole run's before any step's), then origins."""
    return sorted(findings, key=lambda finding: finding.rank)


def finding_counts(findings: Iterable[Finding]) -> FindingCounts:
    """How many of each severity."""
    counts: FindingCounts = {"error": 0, "warning": 0, "info": 0}
    for finding in findings:
        counts[finding.severity.value] += 1
    return counts


def finding_marks(findings: Iterable[Finding], most: int) -> list[FindingMark]:
    """First steps of findings for the step strip: one a step, the worst one; by step.

    Args:
        findings: All of the run.
        most: At most so many marks; the least severe and latest are left out first.
    """
    worst: dict[int, Severity] = {}
    for finding in ordered_findings(findings):
        if finding.first_step is not None:
            worst.setdefault(finding.first_step, finding.severity)
    kept = sorted(list(worst.items())[:most])
    return [{"step": step, "severity": severity.value} for step, severity in kept]


def problem_rows(problems: Iterable[Problem]) -> list[ProblemRow]:
    """Trouble of ortviz's own, in the order in which it came."""
    return [
        {
            "what": problem.what,
            "remedy": problem.remedy,
            "step": problem.step,
            "detail": problem.detail,
        }
        for problem in problems
    ]


def _finding_row(finding: Finding) -> FindingRow:
    return {
        "key": finding.key,
        "detector": finding.detector,
        "severity": finding.severity.value,
        "title": finding.title,
        "evidence": finding.evidence,
        "explanation": finding.explanation,
        "remedy": finding.remedy,
        "first_step": finding.first_step,
        "last_step": finding.last_step,
        "step_count": finding.step_count,
        "module": finding.module,
        "site_id": finding.site_id,
        "view": finding.view.value,
    }
