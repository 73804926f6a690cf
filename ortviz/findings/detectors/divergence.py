"""Where eager PyTorch and ONNX Runtime first part, in each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.sites import broken, full_name
from ortviz.findings.words import module_label, number, place
from ortviz.record import (
    Direction,
    Finding,
    Severity,
    Site,
    SiteComparison,
    StepComparison,
    StepRecord,
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
    """One finding per direction and place. NaN on both sides is no divergence."""

    name = "first_divergence"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the first divergent site of each direction."""
        if comparison is None or record.fallback:
            return
        types = {seen.site.module: seen.module_type for seen in record.reference}
        types.update({known.name: known.type_name for known in self.info.modules})
        for direction, where in _DIRECTIONS.items():
            site = comparison.first_divergence.get(direction)
            if site is None:
                continue
            found = comparison[site.id]
            if found.nonfinite_mismatch_count and _nan_is_on_both_sides(record, site):
                continue
            yield self._finding(record, comparison, found, where, types.get(site.module, ""))

    def _finding(
        self,
        record: StepRecord,
        comparison: StepComparison,
        found: SiteComparison,
        where: str,
        module_type: str,
    ) -> Finding:
        site = found.site
        label = module_label(site.module, module_type)
        if site.direction is Direction.PARAMETER_GRAD:
            label = full_name(site)
        random = [note for note in record.notes if "not comparable" in note]
        earlier = _earlier(comparison, site)
        severity = Severity.WARNING
        if random:
            severity = Severity.INFO
        elif earlier is None and _is_gross(found):
            severity = Severity.ERROR
        return self.finding(
            severity,
            f"ORT and eager PyTorch first part at {label}, {where}",
            evidence=" ".join((found.reason, *_numbers(found))),
            explanation=" ".join(_explanation(site, earlier, random)),
            remedy=_remedy(site, earlier),
            place=site.id,
            step=record.step,
            module=site.module,
            site_id=site.id,
            view=View.TRACES if site.direction is Direction.FORWARD else View.GRADIENTS,
        )


def _is_gross(found: SiteComparison) -> bool:
    if found.nonfinite_mismatch_count:
        return True
    if found.max_rel_error is None or found.tolerance is None:
        return False
    return found.max_rel_error > _WORSE_THAN_TOLERANCE * found.tolerance


def _earlier(comparison: StepComparison, site: Site) -> Site | None:
    """The divergence that this one probably follows from."""
    if site.direction is Direction.FORWARD:
        return None
    forward = comparison.first_divergence.get(Direction.FORWARD)
    if forward is not None or site.direction is Direction.BACKWARD:
        return forward
    return comparison.first_divergence.get(Direction.BACKWARD)


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


def _numbers(found: SiteComparison) -> Iterator[str]:
    if found.max_rel_error is not None and not found.nonfinite_mismatch_count:
        yield f"Relative error {number(found.max_rel_error)}"
        if found.tolerance is not None:
            yield f"(rounding explains {number(found.tolerance)})."
    if (
        found.worst_index is not None
        and found.worst_reference is not None
        and found.worst_candidate is not None
        and not found.nonfinite_mismatch_count
    ):
        yield (
            f"Worst at {place(found.worst_index)}: eager {found.worst_reference:.7g}, "
            f"ORT {found.worst_candidate:.7g}."
        )


def _explanation(site: Site, earlier: Site | None, random: list[str]) -> Iterator[str]:
    if site.direction is Direction.FORWARD:
        yield "Everything that ran before it in this step agrees within rounding."
    elif earlier is None:
        yield (
            "The forward pass agrees, and both backward passes began with the same gradient, so "
            "the difference is made here."
        )
    else:
        yield (
            f"The two sides already part at {module_label(earlier.module)} "
            f"({earlier.direction.value}) in this step; this probably follows from it."
        )
    yield from random


def _remedy(site: Site, earlier: Site | None) -> str:
    if earlier is not None:
        return f"Begin with {module_label(earlier.module)}; this may vanish with it."
    inner = (
        "Click it to see the inputs of this module on both sides and its nodes in ORT's graph. "
        "Run the module alone with these inputs; if it still differs, use another operation in its "
        "place or leave it out of the wrapped model."
    )
    if site.direction is Direction.FORWARD:
        return f"{inner} In-place changes and randomness of your own are common causes."
    return inner
