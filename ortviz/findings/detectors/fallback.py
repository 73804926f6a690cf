"""ORTModule gave up on ONNX Runtime and went on in eager PyTorch, silently."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.known_failures import essence, explain
from ortviz.record import (
    EventKind,
    Finding,
    RunEvent,
    RunInfo,
    Severity,
    StepComparison,
    StepRecord,
    View,
)


class Fallback(Detector):
    """One finding for the run; it names the module and what to try."""

    name = "fallback"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._event: RunEvent | None = None

    def on_event(self, event: RunEvent) -> Iterable[Finding]:
        """The moment it happens."""
        if event.kind is EventKind.FALLBACK:
            self._event = event
            yield self._at(event.step)

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Sampled steps that ran in eager PyTorch."""
        if record.fallback:
            yield self._at(record.step)

    def _at(self, step: int) -> Finding:
        event = self._event
        module = event.module if event else None
        detail = essence(event.detail) if event else ""
        cause = explain(event.detail if event else "")
        because = f" because of {self.label(module)}" if module else ""
        return self.finding(
            Severity.WARNING,
            f"ORTModule gave up{because}: the model runs in eager PyTorch, not in ONNX Runtime",
            evidence=f"Its message: {detail}" if detail else "ORTModule left no message.",
            explanation=(
                f"{cause.explanation} ORTModule logs this below its default level and goes on "
                "without ONNX Runtime: results are right, but nothing is gained, and every step "
                "that looks like ORT's is PyTorch's."
            ),
            remedy=cause.remedy,
            step=step,
            module=module,
            view=View.GRAPH,
        )
