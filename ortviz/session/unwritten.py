"""What waits for a run's file that cannot be written at the moment, and what was lost meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable

from ortviz.record import Finding, Problem
from ortviz.record.store import RunWriter

_PROBLEMS_AT_MOST = 100
_LOSSES_TOLD_EVERY_SECS = 10.0


class Unwritten:
    """Findings and problems that are not in the file yet, and the steps that never will be.

    Used by the recorder's thread; :attr:`problems` by any.
    """

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        """By key, so that what is newer takes the place of what is older."""
        self._problems: list[Problem] = []
        self._lost_count = 0
        self._first_lost = self._last_lost = -1
        self._lost_told_secs = time.monotonic()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems that are not in the file, lost steps among them."""
        kept = tuple(self._problems)
        return (*kept, self._lost()) if self._lost_count else kept

    def add_problem(self, problem: Problem) -> None:
        """A problem that is to be written."""
        if len(self._problems) < _PROBLEMS_AT_MOST:
            self._problems.append(problem)

    def add_findings(self, findings: Iterable[Finding]) -> None:
        """Findings that are to be written."""
        self.findings.update((finding.key, finding) for finding in findings)

    def lose(self, step: int | None) -> None:
        """Something of this step could not be written; nothing to count when it is of no step."""
        if step is None:
            return
        if not self._lost_count:
            self._first_lost = step
        if not self._lost_count or step != self._last_lost:
            self._lost_count += 1
        self._last_lost = step

    def write_problems(self, writer: RunWriter, *, last: bool = False) -> None:
        """Write the problems; lost steps seldom, so that they do not fill the file.

        Args:
            writer: The run's file.
            last: Nothing comes after this.

        Raises:
            StoreError: The file cannot be written; all is kept then.
        """
        now = time.monotonic()
        due = last or now - self._lost_told_secs >= _LOSSES_TOLD_EVERY_SECS
        with_losses = bool(self._lost_count) and due
        problems = self.problems if with_losses else tuple(self._problems)
        if not problems:
            return
        with writer.batch():
            for problem in problems:
                writer.put_problem(problem)
        self._problems.clear()
        if with_losses:
            self._lost_count, self._lost_told_secs = 0, now

    def _lost(self) -> Problem:
        first, last = self._first_lost, self._last_lost
        one = self._lost_count == 1
        steps = f"Step {first}" if one else f"{self._lost_count} steps from {first} to {last}"
        return Problem(
            what=f"{steps} could not be recorded and {'is' if one else 'are'} missing in the run, "
            "wholly or in part.",
            remedy="Nothing is wrong with the training. The problem before this one says why.",
            step=first,
        )
