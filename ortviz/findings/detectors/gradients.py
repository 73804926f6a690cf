"""A gradient that is NaN or infinite, and the element of the loss it came from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.growth import FIRST_REMEDY, Growth
from ortviz.findings.detectors.sites import broken, full_name
from ortviz.findings.words import kind_of_nonfinite, listed, many, number, place
from ortviz.record import (
    Direction,
    Finding,
    GradientArrival,
    RunInfo,
    Severity,
    StepComparison,
    StepLosses,
    StepRecord,
    View,
)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Parameters with a non-finite gradient at a sampled step."""

    names: tuple[str, ...]
    count: int
    eager_too: bool
    module: str
    site_id: str
    nan_count: int


class NonfiniteGradient(Detector):
    """One finding for the run, from what arrived at the model and what reached the parameters.

    What arrived is known at every step, the parameters' gradients at sampled ones.
    """

    name = "nonfinite_gradient"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._losses: StepLosses | None = None
        self._parameters: tuple[int, _Parameters] | None = None
        self._growth = Growth()

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """What came back from the loss."""
        self._growth.add_losses(losses)
        arrival = losses.gradient
        if arrival is not None and arrival.nan_count + arrival.inf_count:
            self._losses = losses
            yield self._finding(losses.step)

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """What reached the parameters."""
        self._growth.add_step(record)
        hit = broken(record.candidate, Direction.PARAMETER_GRAD)
        reference = broken(record.reference, Direction.PARAMETER_GRAD)
        found = hit or reference
        if not found:
            return
        count = sum(
            seen.site.direction is Direction.PARAMETER_GRAD
            for seen in (record.candidate if hit else record.reference)
        )
        first = found[0]
        self._parameters = (
            record.step,
            _Parameters(
                tuple(full_name(seen.site) for seen in found),
                count,
                bool(reference),
                first.site.module,
                first.site.id,
                sum(seen.stats.nan_count for seen in found if seen.stats),
            ),
        )
        yield self._finding(record.step)

    def _finding(self, step: int) -> Finding:
        losses = self._losses if self._losses and self._losses.step == step else None
        parameters = None
        if self._parameters and self._parameters[0] == step:
            parameters = self._parameters[1]
        arrival = losses.gradient if losses else None
        # A target of 0 under a division needs no growing gradient.
        growth = "" if arrival and arrival.target_value == 0 else self._growth.words()
        return self.finding(
            Severity.ERROR,
            _title(losses, arrival, parameters),
            evidence=" ".join((*_arrived(arrival), *_reached(parameters))),
            explanation=" ".join((*((growth,) if growth else ()), *_explanation(losses, arrival))),
            remedy=" ".join((*((FIRST_REMEDY,) if growth else ()), _remedy(losses, arrival))),
            step=step,
            module=parameters.module if parameters else None,
            site_id=parameters.site_id if parameters else "",
            view=View.GRADIENTS if parameters else View.LOSSES,
        )


def _title(
    losses: StepLosses | None, arrival: GradientArrival | None, parameters: _Parameters | None
) -> str:
    if losses is not None and arrival is not None:
        kind = kind_of_nonfinite(arrival.nan_count)
        where = ""
        if arrival.first_nonfinite_index is not None:
            where = f", first from the loss's element {place(arrival.first_nonfinite_index)}"
        why = ", whose target is exactly 0" if where and arrival.target_value == 0 else ""
        return f"The loss sends {kind} gradients into the model at step {losses.step}{where}{why}"
    if parameters is None:
        return "A gradient is not finite"
    kind = kind_of_nonfinite(parameters.nan_count)
    return f"The gradients of {listed(parameters.names, 2)} are {kind}"


def _arrived(arrival: GradientArrival | None) -> Iterator[str]:
    if arrival is None:
        return
    counts = ((arrival.nan_count, "NaN"), (arrival.inf_count, "infinite"))
    counted = " and ".join(f"{count:,} {kind}" for count, kind in counts if count)
    yield f"{counted} in the gradient that came back into the model's output."
    if arrival.first_nonfinite_index is not None and arrival.input_value is not None:
        target = arrival.target_value
        yield (
            f"First at {place(arrival.first_nonfinite_index)}: prediction "
            f"{number(arrival.input_value)}"
            + (f", target {number(target)}." if target is not None else ".")
        )


def _reached(parameters: _Parameters | None) -> Iterator[str]:
    if parameters is None:
        return
    yield (
        f"It reached {len(parameters.names)} of {many(parameters.count, 'parameter')}: "
        f"{listed(parameters.names)}."
    )
    if not parameters.eager_too:
        yield "In eager PyTorch the same step's parameter gradients are finite."


def _explanation(losses: StepLosses | None, arrival: GradientArrival | None) -> Iterator[str]:
    if arrival is None:
        yield "The gradient turned NaN or infinite on its way back through the model."
    else:
        yield _cause(losses, arrival)
    yield (
        "The next optimizer.step() writes it into every weight it reaches, and from then on every "
        "prediction is NaN."
    )


def _cause(losses: StepLosses | None, arrival: GradientArrival) -> str:
    loss = losses.candidate.user_loss if losses and losses.candidate else ""
    prediction, target = arrival.input_value, arrival.target_value
    if prediction is not None and not math.isfinite(prediction):
        return "The prediction there was NaN or infinite before: see when the weights became NaN."
    if target is not None and not math.isfinite(target):
        return "The target there is NaN or infinite: a missing value in the data."
    if target == 0 and loss == "smape":
        return (
            "sMAPE divides by |target| + |prediction|. Where both are 0 only the value is replaced "
            "by 0; the way back still goes through the division, and 0 · (1/0) is NaN."
        )
    if target == 0:
        name = "MAPE divides" if loss == "mape" else "A loss that divides by the target divides"
        return (
            f"{name} by 0 there. Only the value of that element is replaced by 0, so the loss "
            "looks fine; the way back still goes through the division, and 0 · (1/0) is NaN."
        )
    return (
        "The derivative of the loss there is not finite: a division by 0, a root or log of 0, "
        "or an overflow."
    )


def _remedy(losses: StepLosses | None, arrival: GradientArrival | None) -> str:
    stop = "Guard the loop: skip optimizer.step() when a gradient is not finite."
    if arrival is None:
        return f"Look at the Gradients view for the first module whose gradient is NaN. {stop}"
    loss = losses.candidate.user_loss if losses and losses.candidate else ""
    if arrival.target_value == 0 and loss in ("mape", "smape"):
        name = "MapeLoss" if loss == "mape" else "SmapeLoss"
        other = "SmapeLoss or MAELoss" if loss == "mape" else "MAELoss"
        return (
            f"Use ortviz.losses.{name}(safe_grad=True): the same value with finite gradients. Or "
            f"train with {other}, or drop or offset the zeros of the series."
        )
    if arrival.target_value is not None and not math.isfinite(arrival.target_value):
        return f"Fill or drop the missing values of the series before training. {stop}"
    return f"Mend the loss at that element, for example with a small constant. {stop}"
