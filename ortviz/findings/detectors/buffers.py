"""Buffers other than BatchNorm's that ORT leaves different from eager PyTorch."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.batchnorm import STATISTICS
from ortviz.findings.detectors.sites import full_name, has_broken_parameters
from ortviz.record import (
    Direction,
    Finding,
    Severity,
    StepComparison,
    StepRecord,
    Verdict,
    View,
)


class BufferDifference(Detector):
    """One finding per buffer."""

    name = "buffer_difference"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the buffers after the step."""
        if comparison is None or has_broken_parameters(record):
            return
        for found in comparison.sites:
            site = found.site
            if (
                site.direction is Direction.BUFFER
                and site.slot not in STATISTICS
                and found.verdict is Verdict.DIVERGENT
            ):
                name = full_name(site)
                yield self.finding(
                    Severity.WARNING,
                    f"The buffer {name} is not what eager PyTorch would leave",
                    evidence=found.reason,
                    explanation=(
                        "ORTModule runs a graph that reads buffers and never writes them. A module "
                        "that updates a buffer in forward (a counter, a moving average, a power "
                        "iteration) did so while it was exported and not since."
                    ),
                    remedy=(
                        "Update the buffer outside of forward, in the training loop, or leave the "
                        "module out of the wrapped model."
                    ),
                    place=name,
                    step=record.step,
                    module=site.module,
                    site_id=site.id,
                    view=View.TRACES,
                )
