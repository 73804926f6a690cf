"""Small questions about the sites of a step that several detectors ask."""

from __future__ import annotations

from collections.abc import Iterator

from ortviz.record import Direction, Site, SiteRecord, StepRecord, TensorStats


def seen(records: tuple[SiteRecord, ...], direction: Direction) -> Iterator[SiteRecord]:
    """The captured sites of a direction, as they come."""
    for record in records:
        if record.site.direction is direction and record.stats is not None:
            yield record


def stats_by_site(records: tuple[SiteRecord, ...], direction: Direction) -> dict[Site, TensorStats]:
    """Statistics of the captured sites of a direction."""
    return {
        record.site: record.stats
        for record in records
        if record.site.direction is direction and record.stats is not None
    }


def broken(records: tuple[SiteRecord, ...], direction: Direction) -> list[SiteRecord]:
    """The captured sites of a direction with NaN or ±inf, in execution order."""
    found = [r for r in seen(records, direction) if r.stats and r.stats.nonfinite_count]
    return sorted(found, key=lambda record: record.order)


def has_broken_parameters(record: StepRecord) -> bool:
    """Whether a weight was NaN or ±inf at the start of the step."""
    return bool(broken(record.candidate, Direction.PARAMETER)) or bool(
        broken(record.reference, Direction.PARAMETER)
    )


def full_name(site: Site) -> str:
    """``fc.weight`` for a parameter or buffer."""
    return f"{site.module}.{site.slot}" if site.module else site.slot
