"""What the recorder needs of whoever looks for findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ortviz.record import (
    Finding,
    GraphRecord,
    RunEvent,
    StepComparison,
    StepLosses,
    StepRecord,
)


class Engine(Protocol):
    """What is needed of :class:`ortviz.findings.FindingsEngine`; each answers what is new."""

    def on_started(self) -> Sequence[Finding]:
        """The run begins."""

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Sequence[Finding]:
        """A sampled step."""

    def on_losses(self, losses: StepLosses) -> Sequence[Finding]:
        """Losses of a step, sampled or not."""

    def on_graph(self, graph: GraphRecord) -> Sequence[Finding]:
        """A saved stage."""

    def on_event(self, event: RunEvent) -> Sequence[Finding]:
        """Something that happened to the run."""
