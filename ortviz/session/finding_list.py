"""The findings of a run as a list that shows itself as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from ortviz.record import Finding
from ortviz.session.tables import html_table, text_table


class Findings(Sequence[Finding]):
    """What is wrong, most severe first; shows itself as a table."""

    _HEADINGS = ("severity", "step", "finding", "evidence", "what to do")

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = tuple(findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        found = self._findings[index]
        return Findings(found) if isinstance(found, tuple) else found

    def __len__(self) -> int:
        return len(self._findings)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Severity, steps, title, evidence and remedy of each, as text."""
        return [
            (found.severity.value, _steps(found), found.title, found.evidence, found.remedy)
            for found in self._findings
        ]

    def __repr__(self) -> str:
        if not self._findings:
            return "No findings."
        rows = [row[:3] for row in self.rows()]
        return text_table(self._HEADINGS[:3], rows, width=160)

    def _repr_html_(self) -> str:
        return html_table(self._HEADINGS, self.rows()) if self._findings else "<p>No findings.</p>"


def _steps(finding: Finding) -> str:
    if finding.first_step is None:
        return "whole run"
    if finding.last_step is None or finding.last_step == finding.first_step:
        return str(finding.first_step)
    return f"{finding.first_step} to {finding.last_step} ({finding.step_count})"
