"""A parameter that has a gradient on one side only."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.sites import full_name
from ortviz.findings.words import listed, many, number
from ortviz.record import (
    Direction,
    Finding,
    Severity,
    SiteRecord,
    SiteStatus,
    StepComparison,
    StepRecord,
    View,
)


class MissingGradient(Detector):
    """One finding per side: these parameters are trained on the other side only."""

    name = "missing_gradient"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at trained parameters: gradient None on one side, not zero on the other."""
        if record.fallback:
            return
        frozen = {known.name for known in self.info.parameters if not known.requires_grad}
        candidate = {seen.site: seen for seen in record.candidate}
        pairs = [
            (seen, candidate[seen.site])
            for seen in record.reference
            if seen.site.direction is Direction.PARAMETER_GRAD
            and seen.site in candidate
            and full_name(seen.site) not in frozen
            and not _says_frozen(seen)
            and not _says_frozen(candidate[seen.site])
        ]
        for place, without, having, found in (
            ("candidate", "ORT", "eager PyTorch", [r for r, c in pairs if _only_first(r, c)]),
            ("reference", "eager PyTorch", "ORT", [c for r, c in pairs if _only_first(c, r)]),
        ):
            if found:
                yield self._finding(record.step, place, without, having, found)

    def _finding(
        self, step: int, place: str, without: str, having: str, found: list[SiteRecord]
    ) -> Finding:
        names = [full_name(seen.site) for seen in found]
        norm = found[0].stats.l2_norm if found[0].stats else None
        return self.finding(
            Severity.WARNING,
            f"{without} has no gradient for {listed(names, 3)}, {having} has one",
            evidence=(
                f"{many(len(names), 'parameter')}; {names[0]}: None in {without}, "
                + ("not finite" if norm is None else f"L2 norm {number(norm)}")
                + f" in {having}."
            ),
            explanation=(
                "The path from the loss to this parameter is cut on one side: by .detach(), "
                "no_grad or a step that the export turned into a constant."
            ),
            remedy=(
                "Look at the module in ORT's graph of stage torch_exported: if the parameter is "
                "not an input there, the export replaced it by a constant."
            ),
            place=place,
            step=step,
            module=found[0].site.module,
            site_id=found[0].site.id,
            view=View.GRADIENTS,
        )


def _says_frozen(seen: SiteRecord) -> bool:
    """Whether capture knows that the parameter is not trained, which may change during a run."""
    return seen.status is SiteStatus.NO_GRADIENT and "frozen" in seen.reason.lower()


def _only_first(one: SiteRecord, other: SiteRecord) -> bool:
    """Whether ``one`` has a gradient that is not all zeros and ``other`` has None."""
    return (
        other.status is SiteStatus.NO_GRADIENT
        and one.stats is not None
        and one.stats.zero_count < one.stats.element_count
    )
