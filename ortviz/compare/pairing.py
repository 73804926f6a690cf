"""Attributes before values: whether two records of a site can be compared, and if not, why."""

from __future__ import annotations

from ortviz.record import SiteRecord, SiteStatus, TensorStats

REFERENCE, CANDIDATE = "eager", "ORT"
"""What the sides are called in sentences."""
_STATUS_SENTENCES = {
    SiteStatus.FUSED_AWAY: "{side} merged this tensor into another operation.",
    SiteStatus.NEVER_CALLED: "The module did not run on {side}'s side in this step.",
    SiteStatus.NO_GRADIENT: "{side} has no gradient here (None).",
    SiteStatus.NOT_CAPTURED: "Not recorded on {side}'s side.",
}


def why_not(reference: SiteRecord, candidate: SiteRecord) -> str:
    """Why two records of a site cannot be compared; empty when they can."""
    missing = SiteStatus.NO_GRADIENT
    if reference.status is missing and candidate.status is missing:
        return "No gradient on either side: nothing that needs one reaches this tensor."
    for one, one_name, other, other_name in (
        (reference, REFERENCE, candidate, CANDIDATE),
        (candidate, CANDIDATE, reference, REFERENCE),
    ):
        if one.status is missing and other.stats is not None:
            return _one_none(one_name, other_name, other.stats)
    sentences = [
        _status(seen, name)
        for seen, name in ((reference, REFERENCE), (candidate, CANDIDATE))
        if seen.status is not SiteStatus.CAPTURED
    ]
    if sentences:
        return " ".join(dict.fromkeys(sentences))
    ours, theirs = reference.stats, candidate.stats
    if ours is not None and theirs is not None and ours.shape != theirs.shape:
        return f"The shapes differ: eager {_described(ours)}, ORT {_described(theirs)}."
    return ""


def only_one_side(seen: SiteRecord, without: str, having: str) -> str:
    """Why a site that one side never mentions is not compared.

    Args:
        seen: Its record on the side that has it.
        without: The side that has not.
        having: The side that has.
    """
    if seen.status is not SiteStatus.CAPTURED:
        return _status(seen, having)
    if seen.site.is_inner:
        return (
            f"A value inside of the module's computation in ORT's graph; {without} has no tensor "
            "to hold against it."
        )
    return f"Seen on {having}'s side only; {without} has no tensor of this name."


def _one_none(without: str, having: str, stats: TensorStats) -> str:
    if stats.zero_count == stats.element_count:
        return (
            f"{without.capitalize() if without == REFERENCE else without} has no gradient here "
            f"(None), {having} one of zeros: the same to plain SGD, but weight decay and momentum "
            "act on zeros and not on None."
        )
    norm = "not finite" if stats.l2_norm is None else f"of L2 norm {stats.l2_norm:.3g}"
    name = without.capitalize() if without == REFERENCE else without
    return f"{name} has no gradient here (None), but {having} has one {norm}."


def _status(seen: SiteRecord, side: str) -> str:
    if seen.reason:
        return seen.reason
    sentence = _STATUS_SENTENCES[seen.status].format(side=side)
    return sentence[0].upper() + sentence[1:]


def _described(stats: TensorStats) -> str:
    return f"{stats.dtype} {stats.shape}"
