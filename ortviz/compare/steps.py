"""All sites of a step: who is compared with whom, and where the two sides first part."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from numpy.typing import NDArray

from ortviz.compare.scales import GradientScales
from ortviz.compare.tolerances import DEFAULT, ToleranceTable
from ortviz.compare.values import ValueComparison, compare_values
from ortviz.record import (
    Direction,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    StepCapture,
    StepComparison,
    TensorStats,
    Verdict,
)

_NOT_COMPARED = (Direction.PARAMETER, Direction.INPUT)
_STATUS_SENTENCES = {
    SiteStatus.FUSED_AWAY: "{side} merged this tensor into another operation.",
    SiteStatus.NEVER_CALLED: "The module did not run on {side}'s side in this step.",
    SiteStatus.NO_GRADIENT: "{side} has no gradient here (None).",
    SiteStatus.NOT_CAPTURED: "Not recorded on {side}'s side.",
}
_COUNTER = "num_batches_tracked"
"""BatchNorm's count of the batches it has seen."""
_COUNTER_REASON = (
    "ORTModule never updates this counter; nothing in training or evaluation reads it unless "
    "momentum is None."
)
_REFERENCE, _CANDIDATE = "eager", "ORT"


def compare_step(capture: StepCapture, tolerances: ToleranceTable = DEFAULT) -> StepComparison:
    """Pair the sites of both sides and compare what was captured on both.

    Attributes (status, shape, dtype) come before values. Parameters and inputs are shared by both
    sides and left out.

    Args:
        capture: The step with its tensors.
        tolerances: What counts as rounding.

    Returns:
        Sites in the eager side's order, ORT-only ones at the end.
    """
    record = capture.record
    candidates = {seen.site: seen for seen in record.candidate}
    scales = GradientScales.of(capture)
    compared: list[SiteComparison] = []
    first: dict[Direction, tuple[int, Site]] = {}
    for reference in record.reference:
        site = reference.site
        if site.direction in _NOT_COMPARED:
            continue
        result = _compare_site(reference, candidates.get(site), capture, tolerances, scales)
        compared.append(result)
        earliest = first.get(site.direction)
        if result.verdict is Verdict.DIVERGENT and (
            earliest is None or reference.order < earliest[0]
        ):
            first[site.direction] = (reference.order, site)
    known = {reference.site for reference in record.reference}
    compared += [
        SiteComparison(
            seen.site, Verdict.NOT_COMPARABLE, _only_one_side(seen, _REFERENCE, _CANDIDATE)
        )
        for seen in record.candidate
        if seen.site not in known and seen.site.direction not in _NOT_COMPARED
    ]
    return StepComparison(
        record.step, tuple(compared), {direction: site for direction, (_, site) in first.items()}
    )


def _compare_site(
    reference: SiteRecord,
    candidate: SiteRecord | None,
    capture: StepCapture,
    tolerances: ToleranceTable,
    scales: GradientScales,
) -> SiteComparison:
    site = reference.site
    if candidate is None:
        reason = _only_one_side(reference, _CANDIDATE, _REFERENCE)
        return SiteComparison(site, Verdict.NOT_COMPARABLE, reason)
    reason = _why_not(reference, candidate)
    ours = capture.reference_values.get(site.id)
    theirs = capture.candidate_values.get(site.id)
    if not reason and (ours is None or theirs is None):
        reason = "Only its statistics were kept, not its values."
    if not reason and ours is not None and theirs is not None and ours.shape != theirs.shape:
        reason = f"The shapes differ: eager {_shape(ours)}, ORT {_shape(theirs)}."
    if reason or ours is None or theirs is None or reference.stats is None:
        return SiteComparison(site, Verdict.NOT_COMPARABLE, reason)
    their_dtype = candidate.stats.dtype if candidate.stats else reference.stats.dtype
    dtype = tolerances.looser(reference.stats.dtype, their_dtype)
    found = compare_values(ours, theirs, dtype, tolerances, scales.at(reference))
    # Not asdict, which copies every value deeply.
    found_fields = {each.name: getattr(found, each.name) for each in fields(found)}
    if their_dtype != reference.stats.dtype:
        note = f"The dtypes differ: eager {reference.stats.dtype}, ORT {their_dtype}."
        found_fields["reason"] = f"{note} {found.reason}".strip()
    if site.slot == _COUNTER and site.direction is Direction.BUFFER:
        found_fields.update(_counter_verdict(found))
    return SiteComparison(site, **found_fields)


def _counter_verdict(found: ValueComparison) -> dict[str, object]:
    """A counter that stands still is told apart from a computation gone wrong."""
    if found.verdict is not Verdict.DIVERGENT:
        return {}
    return {"verdict": Verdict.NOT_COMPARABLE, "reason": _COUNTER_REASON}


def _why_not(reference: SiteRecord, candidate: SiteRecord) -> str:
    """Why two records of a site cannot be compared; empty when they can."""
    missing = SiteStatus.NO_GRADIENT
    if reference.status is missing and candidate.status is missing:
        return "No gradient on either side: nothing that needs one reaches this tensor."
    for one, one_name, other, other_name in (
        (reference, _REFERENCE, candidate, _CANDIDATE),
        (candidate, _CANDIDATE, reference, _REFERENCE),
    ):
        if one.status is missing and other.stats is not None:
            return _one_none(one_name, other_name, other.stats)
    sentences = [
        _status(seen, name)
        for seen, name in ((reference, _REFERENCE), (candidate, _CANDIDATE))
        if seen.status is not SiteStatus.CAPTURED
    ]
    if sentences:
        return " ".join(dict.fromkeys(sentences))
    ours, theirs = reference.stats, candidate.stats
    if ours is not None and theirs is not None and ours.shape != theirs.shape:
        return f"The shapes differ: eager {_described(ours)}, ORT {_described(theirs)}."
    return ""


def _one_none(without: str, having: str, stats: TensorStats) -> str:
    if stats.zero_count == stats.element_count:
        return (
            f"{without.capitalize() if without == _REFERENCE else without} has no gradient here "
            f"(None), {having} one of zeros: the same to plain SGD, but weight decay and momentum "
            "act on zeros and not on None."
        )
    norm = "not finite" if stats.l2_norm is None else f"of L2 norm {stats.l2_norm:.3g}"
    name = without.capitalize() if without == _REFERENCE else without
    return f"{name} has no gradient here (None), but {having} has one {norm}."


def _status(seen: SiteRecord, side: str) -> str:
    if seen.reason:
        return seen.reason
    sentence = _STATUS_SENTENCES[seen.status].format(side=side)
    return sentence[0].upper() + sentence[1:]


def _only_one_side(seen: SiteRecord, without: str, having: str) -> str:
    """Why a site that one side never mentions is not compared."""
    if seen.status is not SiteStatus.CAPTURED:
        return _status(seen, having)
    return f"Seen on {having}'s side only; {without} has no tensor of this name."


def _shape(values: NDArray[Any]) -> str:
    return str(tuple(values.shape))


def _described(stats: TensorStats) -> str:
    return f"{stats.dtype} {stats.shape}"
