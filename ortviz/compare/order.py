"""Which of the sites with an error comes first in execution order, and which one gets the name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ortviz.record import Direction, Site, SiteComparison


def first_sites(
    compared: list[SiteComparison],
    order: Mapping[Site, int],
    counts: Callable[[SiteComparison], bool],
) -> dict[Direction, Site]:
    """Per direction the first site that counts; directions without one are absent.

    A container and its last child return one and the same tensor. Of such sites the one furthest
    inside is named: it is where the tensor was made.

    Args:
        compared: The sites.
        order: Of each site of the eager side its place in execution order; other sites are left
            out.
        counts: Whether a site is in question.
    """
    first: dict[Direction, SiteComparison] = {}
    known = [one for one in compared if one.site in order and counts(one)]
    for one in sorted(known, key=lambda found: order[found.site]):
        earlier = first.setdefault(one.site.direction, one)
        if _is_within(one.site, earlier.site) and _same_tensor(one, earlier):
            first[one.site.direction] = one
    return {direction: one.site for direction, one in first.items()}


def _is_within(site: Site, container: Site) -> bool:
    if site.module == container.module or not site.module:
        return False
    return not container.module or site.module.startswith(f"{container.module}.")


def _same_tensor(one: SiteComparison, other: SiteComparison) -> bool:
    """Whether two sites are so alike in all that was measured that they are one tensor."""
    return _measured(one) == _measured(other)


def _measured(one: SiteComparison) -> tuple[object, ...]:
    return (
        one.max_abs_error,
        one.mean_abs_error,
        one.worst_index,
        one.worst_reference,
        one.worst_candidate,
        one.nonfinite_mismatch_count,
        one.cosine,
    )
