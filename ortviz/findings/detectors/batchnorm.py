"""BatchNorm's running statistics, which ORT never writes."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.words import listed, many, number
from ortviz.record import (
    Direction,
    Finding,
    Severity,
    SiteComparison,
    StepComparison,
    StepRecord,
    Verdict,
    View,
)

STATISTICS = ("num_batches_tracked", "running_mean", "running_var")
"""Buffers of PyTorch's BatchNorm and of InstanceNorm with running statistics."""


class FrozenBatchNorm(Detector):
    """One finding for all layers: eager updated the statistics in the step, ORT did not."""

    name = "frozen_batchnorm"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the buffers after the step."""
        frozen = [
            found
            for found in (comparison.sites if comparison else ())
            if found.site.direction is Direction.BUFFER
            and found.site.slot in STATISTICS
            and found.verdict is Verdict.DIVERGENT
        ]
        modules = list(dict.fromkeys(found.site.module for found in frozen))
        if not modules:
            return
        yield self.finding(
            Severity.WARNING,
            f"The running statistics of {listed(modules, 2)} do not follow the training",
            evidence=_evidence(frozen, modules),
            explanation=(
                "ORTModule computes with the batch's own statistics but never writes running_mean, "
                "running_var and num_batches_tracked; they stay as its export left them, after one "
                "batch. Training is right. After model.eval() these layers normalise with the "
                "statistics of that one batch, and the model's results are wrong."
            ),
            remedy=(
                "Before you evaluate or save, compute them in eager PyTorch: set momentum = None "
                "and call reset_running_stats() on every BatchNorm, model.module.train(), then "
                "`with torch.no_grad():` and `for x, _ in loader: model.module(x)`. Or leave the "
                "layers with BatchNorm out of the wrapped model, or use GroupNorm or LayerNorm."
            ),
            step=record.step,
            module=modules[0],
            site_id=frozen[0].site.id,
            view=View.TRACES,
        )


def _evidence(frozen: list[SiteComparison], modules: list[str]) -> str:
    first = {found.site.slot: found for found in frozen if found.site.module == modules[0]}
    parts = []
    batches = first.get("num_batches_tracked")
    if batches and batches.worst_reference is not None and batches.worst_candidate is not None:
        parts.append(
            f"num_batches_tracked is {batches.worst_candidate:.0f} and would be "
            f"{batches.worst_reference:.0f} after this step in eager PyTorch"
        )
    for slot in STATISTICS[1:]:
        found = first.get(slot)
        if found and found.max_abs_error is not None:
            parts.append(f"{slot} is off by up to {number(found.max_abs_error)}")
    measured = "; ".join(parts) or first[next(iter(first))].reason
    return f"{many(len(modules), 'layer')}. {modules[0] or 'The model itself'}: {measured}."
