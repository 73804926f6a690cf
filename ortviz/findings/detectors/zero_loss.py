"""A perfect loss of 0 because every element was masked."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.words import many
from ortviz.record import Finding, Severity, StepLosses, View

_LABELS = {"mape": "MAPE", "smape": "sMAPE"}


class ZeroLoss(Detector):
    """The loss the user trains with is exactly 0 and nothing entered it."""

    name = "zero_loss"

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """Looks at ORT's side, at every step."""
        record = losses.candidate
        if record is None or record.user_loss not in _LABELS or record.user_value != 0:
            return
        mask = record.mape_mask if record.user_loss == "mape" else record.smape_mask
        if not 0 < record.element_count <= mask.total:
            return
        reasons = []
        if record.input_nonfinite_count:
            reasons.append(f"{many(record.input_nonfinite_count, 'prediction')} not finite")
        if record.target_zero_count:
            reasons.append(f"{many(record.target_zero_count, 'target')} exactly 0")
        if record.target_nonfinite_count:
            reasons.append(f"{many(record.target_nonfinite_count, 'target')} not finite")
        yield self.finding(
            Severity.ERROR,
            f"{_LABELS[record.user_loss]} is exactly 0 at step {losses.step} because every element "
            "was left out",
            evidence=(
                f"All {many(record.element_count, 'element')} were masked"
                + (f": {', '.join(reasons)}." if reasons else ".")
            ),
            explanation=(
                "Quotients that are NaN or infinite are replaced by 0 before the mean. When all of "
                "them are, the loss is the best there can be while the model predicts nothing. "
                "Early stopping and checkpoints would choose this model."
            ),
            remedy=(
                "Do not trust this value. Watch MAE beside it, which becomes NaN when predictions "
                "do, and see the other findings for why the elements were masked."
            ),
            step=losses.step,
            view=View.LOSSES,
        )
