"""Where eager PyTorch and ONNX Runtime first part, in each direction."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.divergence_words import evidence, explanation, remedy
from ortviz.findings.detectors.sites import broken, full_name
from ortviz.findings.detectors.users import ValueUsers, enclosing
from ortviz.findings.words import listed
from ortviz.record import (
    Direction,
    ErrorOrigin,
    Finding,
    GraphRecord,
    RunInfo,
    Severity,
    Site,
    SiteComparison,
    SiteStatus,
    StepComparison,
    StepRecord,
    Verdict,
    View,
)

_DIRECTIONS = {
    Direction.FORWARD: "in the forward pass",
    Direction.BACKWARD: "in the backward pass",
    Direction.PARAMETER_GRAD: "in a parameter's gradient",
}
_WORSE_THAN_TOLERANCE = 100.0
"""An error so many times the tolerance is no matter of opinion: an error, not a warning."""


class FirstDivergence(Detector):
    """One finding per direction and place. NaN on both sides is no divergence.

    Where each module was also run on ORT's own input, the first site whose own error is beyond
    rounding is named; what only came in from elsewhere only where there is no such site.
    """

    name = "first_divergence"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._users = ValueUsers()

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """Remembers which module takes which output."""
        self._users.note(graph)
        return ()

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the first divergent site of each direction."""
        if comparison is None or record.fallback:
            return
        for direction in _DIRECTIONS:
            for site in _named(comparison, direction):
                found = comparison[site.id]
                if found.nonfinite_mismatch_count and _nan_is_on_both_sides(record, site):
                    continue
                yield self._finding(record, comparison, found)

    def _finding(
        self, record: StepRecord, comparison: StepComparison, found: SiteComparison
    ) -> Finding:
        site = found.site
        # Runs that say what was drawn differently call nothing divergent that follows from it.
        told_apart = bool(record.drew_differently)
        random = [] if told_apart else [n for n in record.notes if "not comparable" in n]
        born_here = found.origin is ErrorOrigin.HERE
        cause = None if born_here else _cause(comparison, site)
        # What follows from something earlier is told where it is seen, not where it passed through.
        makers = () if cause is not None else self._users.of(record, site)
        labels = [self.label(module) for module in makers]
        shaky = None if born_here or cause is not None else _shaky(record, comparison, found)
        told = explanation(found, cause, labels, _hidden(record, comparison, found), shaky)
        return self.finding(
            _severity(found, cause, shaky, random=bool(random)),
            f"ORT and eager PyTorch first part {self._where(site, labels)}"
            + (": the difference is born there" if born_here else ""),
            evidence=evidence(found),
            explanation=" ".join((*told, *random)),
            remedy=remedy(found, cause, shaky),
            place=site.id,
            step=record.step,
            module=enclosing(makers) if makers else site.module,
            site_id=site.id,
            view=View.TRACES if site.direction is Direction.FORWARD else View.GRADIENTS,
            origin=cause is shaky is None and found.origin is not ErrorOrigin.INHERITED,
        )

    def _where(self, site: Site, makers: list[str]) -> str:
        """The module that makes the values, and the place where they are seen."""
        label = self.label(site.module)
        if site.direction is Direction.PARAMETER_GRAD:
            label = full_name(site)
        if makers:
            return f"in the backward pass of {listed(makers, 2)}, at the gradient it gives {label}"
        return f"at {label}, {_DIRECTIONS[site.direction]}"


def _named(comparison: StepComparison, direction: Direction) -> list[Site]:
    """The sites of a direction that get a finding: where a difference is born, or first seen."""
    first = comparison.first_divergence.get(direction)
    own = comparison.first_own_divergence.get(direction)
    named = [] if own is None else [own]
    if first is not None and first != own:
        # What came in is explained by the site where it was born; what was never run on ORT's
        # own input is explained by nothing yet.
        unexplained = comparison[first.id].local_abs_error is None
        if own is None or unexplained:
            named.insert(0, first)
    return named


def _severity(
    found: SiteComparison, cause: Site | None, shaky: Site | None, *, random: bool
) -> Severity:
    if random:
        return Severity.INFO
    if shaky is not None:
        return Severity.WARNING if _is_gross(found) else Severity.INFO
    if cause is not None:
        # What follows from a difference that has a finding of its own is no second one.
        return Severity.INFO if found.origin is ErrorOrigin.INHERITED else Severity.WARNING
    return Severity.ERROR if _is_gross(found) else Severity.WARNING


def _is_gross(found: SiteComparison) -> bool:
    if found.nonfinite_mismatch_count:
        return True
    error = found.max_rel_error
    if found.origin is ErrorOrigin.HERE and found.local_rel_error is not None:
        error = found.local_rel_error
    if error is None or found.tolerance is None or found.origin is ErrorOrigin.INHERITED:
        return False
    return error > _WORSE_THAN_TOLERANCE * found.tolerance


def _cause(comparison: StepComparison, site: Site) -> Site | None:
    """The divergence of an earlier direction that this one probably follows from."""
    if site.direction is Direction.FORWARD:
        return None
    own, first = comparison.first_own_divergence, comparison.first_divergence
    forward = own.get(Direction.FORWARD, first.get(Direction.FORWARD))
    if forward is not None or site.direction is Direction.BACKWARD:
        return forward
    return own.get(Direction.BACKWARD, first.get(Direction.BACKWARD))


def _shaky(record: StepRecord, comparison: StepComparison, found: SiteComparison) -> Site | None:
    """The first site before it that is off by more than rounding and as honest runs are.

    What follows from an ill-conditioned value is as far off, also where no floor was measured.
    """
    order = {seen.site: seen.order for seen in record.reference}
    place = order.get(found.site)
    if place is None or found.nonfinite_mismatch_count:
        return None
    flows = {Direction.FORWARD, found.site.direction}
    if found.site.direction is Direction.PARAMETER_GRAD:
        flows.add(Direction.BACKWARD)
    before = [
        one
        for one in comparison.sites
        if one.verdict is Verdict.ROUNDING
        and one.site.direction in flows
        and order.get(one.site, math.inf) < place
        # A reason is given where an error is beyond what the dtype alone allows.
        and one.reason
        and "noise floor" in one.tolerance_reason
    ]
    return min((one.site for one in before), key=lambda site: order[site], default=None)


def _nan_is_on_both_sides(record: StepRecord, site: Site) -> bool:
    """Whether both sides had NaN or ±inf already: how it spreads from there says nothing.

    Kernels may turn NaN times 0 into NaN or into 0, so its places differ on a healthy ORT.
    """
    flows = {
        Direction.FORWARD: (Direction.PARAMETER, Direction.INPUT, Direction.FORWARD),
        Direction.BACKWARD: (Direction.FORWARD, Direction.BACKWARD),
        Direction.PARAMETER_GRAD: (
            Direction.FORWARD,
            Direction.BACKWARD,
            Direction.PARAMETER_GRAD,
        ),
    }[site.direction]
    for flow in flows:
        on_reference, on_candidate = broken(record.reference, flow), broken(record.candidate, flow)
        if flow in (Direction.PARAMETER, Direction.INPUT):
            # Shared by both sides and recorded on one.
            if on_reference or on_candidate:
                return True
        elif on_reference and on_candidate:
            return True
    return False


def _hidden(record: StepRecord, comparison: StepComparison, found: SiteComparison) -> list[str]:
    """Modules whose output ORT merged away, so that a forward difference may be made there.

    Where the difference was born in a module, those inside of it; else those that returned since
    the last site that agrees.
    """
    site = found.site
    order = {seen.site: seen.order for seen in record.reference}
    if site.direction is not Direction.FORWARD or site not in order:
        return []
    merged = {seen.site for seen in record.candidate if seen.status is SiteStatus.FUSED_AWAY}
    agreed = [
        order[one.site]
        for one in comparison.sites
        if one.verdict in (Verdict.EQUAL, Verdict.ROUNDING)
        and one.site.direction is site.direction
        and order.get(one.site, math.inf) < order[site]
    ]
    begin = max(agreed, default=-1)
    inside = f"{site.module}." if site.module else ""
    here = found.origin is ErrorOrigin.HERE
    return list(
        dict.fromkeys(
            other.module
            for other, place in order.items()
            if other in merged
            and other.direction is site.direction
            and place < order[site]
            and (other.module.startswith(inside) if here else place > begin)
        )
    )
