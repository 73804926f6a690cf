"""Weights or predictions that have become NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.sites import broken, full_name
from ortviz.findings.words import kind_of_nonfinite, listed, many, nonfinite
from ortviz.record import (
    Direction,
    Finding,
    RunInfo,
    Severity,
    StepComparison,
    StepLosses,
    StepRecord,
    View,
)

_REMEDY = (
    "This run cannot recover: NaN stays NaN. Mend the cause, which the earlier findings name, and "
    "start again from weights that are finite."
)


class NonfiniteWeights(Detector):
    """Parameters with NaN or ±inf at the start of a sampled step."""

    name = "nonfinite_weights"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the parameters; they are recorded on ORT's side only."""
        hit = broken(record.candidate, Direction.PARAMETER)
        if not hit or hit[0].stats is None:
            return
        total = sum(seen.site.direction is Direction.PARAMETER for seen in record.candidate)
        names = [full_name(seen.site) for seen in hit]
        kind = kind_of_nonfinite(sum(seen.stats.nan_count for seen in hit if seen.stats))
        yield self.finding(
            Severity.ERROR,
            f"Weights are {kind}, seen first at step {record.step}",
            evidence=(
                f"{len(hit)} of {many(total, 'parameter')}: {listed(names)}. {names[0]}: "
                f"{nonfinite(hit[0].stats)}."
            ),
            explanation=(
                "An optimizer.step() before this step wrote a gradient that was not finite, or a "
                "step so large that it overflowed, into the weights."
            ),
            remedy=_REMEDY,
            step=record.step,
            module=hit[0].site.module,
            site_id=hit[0].site.id,
            view=View.GRADIENTS,
        )


class NonfinitePredictions(Detector):
    """A step at which not one prediction is finite; seen at every step, sampled or not."""

    name = "nonfinite_predictions"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._broken_gradient_step: int | None = None

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """Looks at the loss's input on ORT's side."""
        record = losses.candidate
        if record is not None and 0 < record.element_count <= record.input_nonfinite_count:
            yield self._finding(losses.step, record.element_count)
        arrival = losses.gradient
        if (
            self._broken_gradient_step is None
            and arrival is not None
            and arrival.nan_count + arrival.inf_count
        ):
            self._broken_gradient_step = losses.step

    def _finding(self, step: int, count: int) -> Finding:
        before = self._broken_gradient_step
        explanation = "The weights are not finite any more, or the model's input is not."
        if before is not None and before < step:
            explanation = (
                f"At step {before} the loss sent a gradient that was not finite into the model; "
                "optimizer.step() wrote it into the weights, and everything computed with them is "
                "NaN."
            )
        return self.finding(
            Severity.ERROR,
            f"No prediction is finite any more, from step {step} on",
            evidence=f"All {many(count, 'element')} of the loss's input are NaN or infinite.",
            explanation=f"{explanation} MAPE and sMAPE mask all of it and may show a loss of 0.",
            remedy=_REMEDY,
            step=step,
            view=View.LOSSES,
        )
