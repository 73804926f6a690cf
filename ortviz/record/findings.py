"""What is wrong, where, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from ortviz.record._enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, most first."""

    ERROR = "error"
    """The run's result is wrong or about to be."""
    WARNING = "warning"
    """Something differs from what the user believes is happening."""
    INFO = "info"
    """Worth knowing; nothing to mend."""


class View(StrEnum):
    """The five views, for links from a finding."""

    LOSSES = "losses"
    GRAPH = "graph"
    TRACES = "traces"
    GRADIENTS = "gradients"
    FINDINGS = "findings"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know.

    Attributes:
        key: Stable identity: detector and place. The same key at another step extends the
            finding instead of adding one.
        detector: Which detector found it, for example ``masked_elements``.
        severity: How much it matters.
        title: One sentence: what and where.
        evidence: The numbers it rests on, with units.
        explanation: Why it happens.
        remedy: What to do.
        first_step: First step it was seen at; None when it concerns the whole run.
        last_step: Last step it was seen at.
        step_count: At how many recorded steps it was seen.
        module: Fully qualified module name it points at; None when none.
        site_id: Site it points at; empty when none.
        view: Which view shows it best.
        origin: Whether it names where trouble begins; of two at the same step it is shown first.
    """

    key: str
    detector: str
    severity: Severity
    title: str
    evidence: str
    explanation: str
    remedy: str
    first_step: int | None = None
    last_step: int | None = None
    step_count: int = 1
    module: str | None = None
    site_id: str = ""
    view: View = View.FINDINGS
    origin: bool = False

    @property
    def rank(self) -> tuple[int, int, bool]:
        """For sorting, what to look at first in front; the whole run's before any step's."""
        step = -1 if self.first_step is None else self.first_step
        return list(Severity).index(self.severity), step, not self.origin


@dataclass(frozen=True, slots=True)
class Problem:
    """Trouble of ortviz's own that the user should see; training went on.

    Attributes:
        what: What happened and where.
        remedy: What to do.
        step: When; None when not tied to a step.
        detail: Traceback or message of the cause; may be empty.
    """

    what: str
    remedy: str
    step: int | None = None
    detail: str = ""
