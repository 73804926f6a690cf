"""Where eager PyTorch and ONNX Runtime first part, in each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ortviz.findings.detector import Detector
from ortviz.findings.detectors.sites import broken, full_name
from ortviz.findings.words import module_label, number, place
from ortviz.record import (
    Direction,
    ErrorOrigin,
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
    """One finding per direction and place. NaN on both sides is no divergence.

    Where each module was also run on ORT's own input, the first site whose own error is beyond
    rounding is named; what only came in from elsewhere only where there is no such site.
    """

    name = "first_divergence"

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Looks at the first divergent site of each direction."""
        if comparison is None or record.fallback:
            return
        types = {seen.site.module: seen.module_type for seen in record.reference}
        types.update({known.name: known.type_name for known in self.info.modules})
        for direction, where in _DIRECTIONS.items():
            for site in _named(comparison, direction):
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
        born_here = found.origin is ErrorOrigin.HERE
        cause = None if born_here else _cause(comparison, site)
        return self.finding(
            _severity(found, cause, random=bool(random)),
            f"ORT and eager PyTorch first part at {label}, {where}"
            + (": the difference is born there" if born_here else ""),
            evidence=" ".join((found.reason, *_numbers(found))).strip(),
            explanation=" ".join((*_explanation(found, cause), *random)),
            remedy=_remedy(found, cause),
            place=site.id,
            step=record.step,
            module=site.module,
            site_id=site.id,
            view=View.TRACES if site.direction is Direction.FORWARD else View.GRADIENTS,
        )


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


def _severity(found: SiteComparison, cause: Site | None, *, random: bool) -> Severity:
    if random:
        return Severity.INFO
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
    if found.nonfinite_mismatch_count:
        return
    if found.max_rel_error is not None:
        yield f"Relative error {number(found.max_rel_error)}"
        if found.tolerance is not None:
            yield f"(rounding explains {number(found.tolerance)})."
    if (
        found.worst_index is not None
        and found.worst_reference is not None
        and found.worst_candidate is not None
    ):
        yield (
            f"Worst at {place(found.worst_index)}: eager {found.worst_reference:.7g}, "
            f"ORT {found.worst_candidate:.7g}."
        )
    if found.noise_floor and found.max_abs_error is not None:
        yield f"That is {number(found.max_abs_error / found.noise_floor)} times the noise floor."
    if found.local_rel_error is not None and found.origin is not ErrorOrigin.UNKNOWN:
        yield f"On ORT's own input: relative error {number(found.local_rel_error)}."


def _explanation(found: SiteComparison, cause: Site | None) -> Iterator[str]:
    forward = found.site.direction is Direction.FORWARD
    if found.origin is ErrorOrigin.HERE:
        given = "input" if forward else "input and the very gradient that arrived on ORT's side"
        yield (
            f"Given ORT's own {given}, eager PyTorch still gets another result, so the difference "
            "is made here and did not come in from elsewhere."
        )
    elif cause is not None:
        yield (
            f"The two sides already part at {module_label(cause.module)} "
            f"({cause.direction.value}) in this step; this probably follows from it."
        )
    elif found.origin is ErrorOrigin.INHERITED:
        yield (
            "It came in: given what ORT's side was given, eager PyTorch gets what ORT got, within "
            "rounding. No module that was looked at makes this difference by itself; many small "
            "ones add up, or something between the modules does."
        )
    elif forward:
        yield "Everything that ran before it in this step agrees within rounding."
    else:
        yield (
            "The forward pass agrees, and both backward passes began with the same gradient, so "
            "the difference is made here."
        )


def _remedy(found: SiteComparison, cause: Site | None) -> str:
    if cause is not None:
        return f"Begin with {module_label(cause.module)}; this may vanish with it."
    if found.origin is ErrorOrigin.INHERITED:
        pattern = f"{found.site.direction.value}/{found.site.module}*"
        return (
            "Look at the functional code between the modules before it. If the model is simply "
            "this sensitive and trains well, allow more here: "
            f'ortviz.wrap(model, tolerances={{"{pattern}": …}}).'
        )
    inner = (
        "Click it to see the inputs of this module on both sides and its nodes in ORT's graph. "
        "Run the module alone with these inputs; if it still differs, use another operation in its "
        "place or leave it out of the wrapped model."
    )
    if found.site.direction is Direction.FORWARD:
        return f"{inner} In-place changes and randomness of your own are common causes."
    return inner
