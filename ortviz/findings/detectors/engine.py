"""The run is eager PyTorch from the start."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.record import Finding, Severity


class EagerEngine(Detector):
    """ORTModule could not be used at all."""

    name = "eager_engine"

    def on_started(self) -> Iterable[Finding]:
        """Says so once."""
        if self.info.engine != "eager":
            return
        yield self.finding(
            Severity.WARNING,
            "This run is eager PyTorch only: ONNX Runtime takes no part in it",
            evidence=self.info.engine_reason or "No reason was given.",
            explanation=(
                "ORTModule could not be set up, so the model trains in eager PyTorch. Losses and "
                "gradients are recorded; there is no graph and nothing to compare with."
            ),
            remedy="Run `ortviz doctor`: it names what is missing and the command that mends it.",
        )
