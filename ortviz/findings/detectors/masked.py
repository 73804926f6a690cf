"""Elements that MAPE or sMAPE set to 0 before the mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ortviz.findings.detector import Detector
from ortviz.findings.words import many, number, part, place
from ortviz.record import (
    Finding,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Severity,
    StepLosses,
    View,
)

_LABELS = {"mape": "MAPE", "smape": "sMAPE"}
_REGRESSION = frozenset(
    (
        *("mae", "mape", "smape"),
        *("L1Loss", "MAELoss", "MapeLoss", "SmapeLoss"),
        *("MSELoss", "HuberLoss", "SmoothL1Loss"),
        *("l1_loss", "mse_loss", "huber_loss", "smooth_l1_loss"),
    )
)
"""Losses of real numbers, for which MAPE and sMAPE may be figures someone reports. Targets of
others are labels or probabilities, of which 0 is an ordinary one."""


class MaskedElements(Detector):
    """A warning for the loss the user trains with, for the information of others."""

    name = "masked_elements"

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """Looks at ORT's side, at every step."""
        record = losses.candidate
        if record is None:
            return
        for loss, mask, value, effective in (
            ("mape", record.mape_mask, record.mape, record.effective_mape),
            ("smape", record.smape_mask, record.smape, record.effective_smape),
        ):
            if mask.total and record.user_loss in _REGRESSION:
                yield self._finding(losses, record, loss, mask, value, effective)

    def _finding(
        self,
        losses: StepLosses,
        record: LossRecord,
        loss: str,
        mask: MaskCounts,
        value: float | None,
        effective: float | None,
    ) -> Finding:
        label = _LABELS[loss]
        trains = record.user_loss == loss
        elements = [element for element in losses.masked if element.loss == loss]
        arrival = losses.gradient
        safe = arrival is not None and arrival.nan_count + arrival.inf_count == 0
        explanation = list(_explanation(loss, record))
        if trains and safe:
            explanation.append(
                "The gradient stays finite (safe_grad=True, or other terms only), so these "
                "elements do no harm; the model only learns nothing from them."
            )
        return self.finding(
            Severity.WARNING if trains and not safe else Severity.INFO,
            f"{label} leaves elements out"
            + ("" if trains else ", though it is not the loss you train with"),
            evidence=" ".join(_evidence(record, mask, elements, value, effective)),
            explanation=" ".join(explanation),
            remedy=_remedy(loss, record, trains, safe),
            place=loss,
            step=losses.step,
            view=View.LOSSES,
        )


def _evidence(
    record: LossRecord,
    mask: MaskCounts,
    elements: list[MaskedElement],
    value: float | None,
    effective: float | None,
) -> Iterator[str]:
    kinds = ((mask.nan_count, "NaN"), (mask.posinf_count, "+inf"), (mask.neginf_count, "−inf"))
    counted = ", ".join(f"{count:,} {kind}" for count, kind in kinds if count)
    yield f"{part(mask.total, record.element_count, 'element')}: {counted}."
    if elements:
        first = elements[0]
        yield (
            f"First at {place(first.position)}: prediction {number(first.input)}, target "
            f"{number(first.target)}."
        )
    if value is not None and effective is not None:
        yield f"The loss is {number(value)}; over the other elements it is {number(effective)}."


def _explanation(loss: str, record: LossRecord) -> Iterator[str]:
    if loss == "mape":
        yield "MAPE divides by the target."
        if record.target_zero_count:
            yield (
                f"{many(record.target_zero_count, 'target')} exactly 0 here: the quotient is NaN "
                "or infinite and is replaced by 0."
            )
    else:
        yield "sMAPE divides by |target| + |prediction|."
        if record.target_zero_count:
            yield "Where both are exactly 0 the quotient is 0/0 = NaN and is replaced by 0."
    if record.input_nonfinite_count:
        yield (
            f"{many(record.input_nonfinite_count, 'prediction')} NaN or infinite: the loss hides "
            "that the model has diverged."
        )
    if record.target_nonfinite_count:
        yield f"{many(record.target_nonfinite_count, 'target')} NaN or infinite in the data."
    yield (
        "A replaced element counts as predicted perfectly, and the mean still divides by all "
        "elements, so the loss looks better than it is."
    )


def _remedy(loss: str, record: LossRecord, trains: bool, safe: bool) -> str:
    if not trains:
        return "Nothing, unless you report this figure."
    if safe:
        return "Nothing has to be done. MAELoss, or an offset on the series, would use them too."
    if record.input_nonfinite_count:
        return "Find where the predictions became NaN: see the other findings of this run."
    if record.target_nonfinite_count:
        return "Fill or drop the missing values of the series before training."
    if loss == "mape":
        return (
            "Keep the gradient finite with ortviz.losses.MapeLoss(safe_grad=True), train with "
            "SmapeLoss or MAELoss, or drop or offset the zeros of the series."
        )
    return (
        "Keep the gradient finite with ortviz.losses.SmapeLoss(safe_grad=True), train with "
        "MAELoss, or drop or offset the zeros of the series."
    )
