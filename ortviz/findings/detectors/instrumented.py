"""Reading ORT's tensors changed what its graph computes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ortviz.compare.tolerances import DEFAULT
from ortviz.findings.detector import Detector
from ortviz.record import Finding, Severity, StepComparison, StepRecord, TapCheck, View

_GROSS = 100
"""Times the tolerance: from here on what was read says little about the run that trains."""


class InstrumentedDiffers(Detector):
    """The graph that hands out tensors gave other results than the one that trains."""

    name = "instrumented_differs"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Only in the step in which it was checked."""
        check = record.tap_check
        if check is None or not check.different_count:
            return
        severity = _severity(check)
        how = "rounds differently" if severity is Severity.INFO else "computes something else"
        yield self.finding(
            severity,
            f"The graph whose tensors are read {how} than the one that trains",
            evidence=(
                f"{check.different_count} of {check.tensor_count} outputs and parameter gradients "
                f"are not the same bit for bit; most {check.worst} ({check.worst_dtype}): off by "
                f"{check.max_abs_error:.3g}, relative {check.max_rel_error:.3g}."
            ),
            explanation=(
                "A tensor that is read cannot be merged into another operation by ONNX Runtime's "
                "session, so the two graphs are not made of the same kernels. Training is not "
                "touched: it is served by the graph that nobody reads, and the other one runs "
                "beside it on the same inputs."
            ),
            remedy=(
                "Nothing to mend: take what is read inside modules as right up to rounding."
                if severity is Severity.INFO
                else "Read fewer tensors (level='module'), and report this: kernels that are "
                "merged should give the same up to rounding."
            ),
            step=record.step,
            view=View.TRACES,
        )


def _severity(check: TapCheck) -> Severity:
    """By how far both are apart, against what rounding explains."""
    allowed = DEFAULT[check.rounding_dtype or check.worst_dtype].relative
    if check.max_rel_error <= allowed:
        return Severity.INFO
    if not math.isfinite(check.max_rel_error) or check.max_rel_error > _GROSS * allowed:
        return Severity.ERROR
    return Severity.WARNING
