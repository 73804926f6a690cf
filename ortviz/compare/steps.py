"""All sites of a step: who is compared with whom, and where the two sides first part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ortviz.compare.floors import NoiseFloors
from ortviz.compare.order import first_sites
from ortviz.compare.overrides import NOT_COMPARED, RuleBook
from ortviz.compare.pairing import CANDIDATE, REFERENCE, only_one_side
from ortviz.compare.scales import GradientScales
from ortviz.compare.site import StepContext, compare_site
from ortviz.compare.tolerances import DEFAULT, ToleranceTable
from ortviz.record import (
    Direction,
    ErrorOrigin,
    Problem,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    StepCapture,
    StepComparison,
    StepRecord,
    ToleranceRule,
    Verdict,
)

_ORT_ALONE = "Eager PyTorch did not run beside this step."


class Comparer:
    """Compares the steps of one run, and remembers the noise floors it has seen.

    Used from one thread.

    Args:
        rules: What the user allows at some sites.
        tolerances: What counts as rounding elsewhere.
        floors: Noise floors by site id that were found before.
    """

    def __init__(
        self,
        rules: Sequence[ToleranceRule] = (),
        tolerances: ToleranceTable = DEFAULT,
        floors: Mapping[str, float] | None = None,
    ) -> None:
        self._rules = RuleBook(rules, tolerances)
        self._floors = NoiseFloors(floors)

    def compare(self, capture: StepCapture) -> StepComparison:
        """Pair the sites of both sides and compare what was captured on both.

        Attributes (status, shape, dtype) come before values. Parameters and inputs are shared by
        both sides and left out.

        Args:
            capture: The step with its tensors.

        Returns:
            Sites in the eager side's order, ORT-only ones at the end.
        """
        record = capture.record
        context = StepContext(
            capture, self._rules, self._floors, GradientScales.of(capture), _drawn(record)
        )
        candidates = {seen.site: seen for seen in record.candidate}
        compared = [
            compare_site(reference, candidates.get(reference.site), context)
            for reference in record.reference
            if reference.site.direction not in NOT_COMPARED
        ]
        order = {seen.site: seen.order for seen in record.reference}
        first = first_sites(compared, order, lambda one: one.verdict is Verdict.DIVERGENT)
        own = first_sites(compared, order, lambda one: one.origin is ErrorOrigin.HERE)
        ort_only = _ort_only(capture)
        for one in ort_only:
            self._rules.note(one.site)
        return StepComparison(record.step, (*compared, *ort_only), first, own)

    def problems(self) -> tuple[Problem, ...]:
        """What is to be said once the run is over: tolerances that never applied."""
        return self._rules.problems()


def compare_step(capture: StepCapture, tolerances: ToleranceTable = DEFAULT) -> StepComparison:
    """Compare one step by itself, as :meth:`Comparer.compare` does.

    Args:
        capture: The step with its tensors.
        tolerances: What counts as rounding.
    """
    return Comparer(tolerances=tolerances).compare(capture)


def _drawn(record: StepRecord) -> frozenset[Site]:
    """What follows from random draws that are not the same on both sides."""
    if not record.drew_differently:
        return frozenset()
    outputs = [seen for seen in record.reference if seen.site.direction is Direction.FORWARD]
    outputs.sort(key=lambda seen: seen.order)
    before = {seen.site for seen in outputs[: record.undrawn_count]}
    return frozenset(seen.site for seen in record.reference) - before


def _ort_only(capture: StepCapture) -> list[SiteComparison]:
    known = {seen.site for seen in capture.record.reference}
    alone = all(site.direction in NOT_COMPARED for site in known)

    def reason(seen: SiteRecord) -> str:
        if alone and seen.status is SiteStatus.CAPTURED:
            return _ORT_ALONE
        return only_one_side(seen, REFERENCE, CANDIDATE)

    return [
        SiteComparison(seen.site, Verdict.NOT_COMPARABLE, reason(seen))
        for seen in capture.record.candidate
        if seen.site not in known and seen.site.direction not in NOT_COMPARED
    ]
