"""Processes that should train the same weights and do not."""

from __future__ import annotations

from ortviz.record import Direction, Finding, Severity, SiteRecord, StepRecord, View

_SHOWN = 3
_EXPLANATION = (
    "DistributedDataParallel starts all processes from the weights of rank 0 and gives them the "
    "same averaged gradients, so their weights stay the same to the last bit. Gradients shown here "
    "are each process's own, from before the averaging, and may differ."
)
_REMEDY = (
    "Wrap first and put DistributedDataParallel around it, DDP(ortviz.wrap(model)); call that, not "
    "the model inside; give every process the same optimiser settings, and change weights in none "
    "of them alone."
)


def ranks_disagree(
    own_rank: int, own: StepRecord, other_rank: int, other: StepRecord
) -> Finding | None:
    """Hold the weights of two processes side by side, by their statistics.

    Args:
        own_rank: Of the run that is looked at.
        own: A sampled step of it.
        other_rank: Of another process of the same training.
        other: The step of the same number there.

    Returns:
        None when all weights have the same shape, extremes, mean and norm, bit for bit.
    """
    ours, theirs = _weights(own), _weights(other)
    differing = [
        seen
        for name, seen in ours.items()
        if name in theirs and seen.stats != theirs[name].stats and not _both_nan(seen, theirs[name])
    ]
    if not differing:
        return None
    first = differing[0]
    partner = theirs[first.site.id]
    assert first.stats is not None
    assert partner.stats is not None
    names = [f"{each.site.module}.{each.site.slot}".lstrip(".") for each in differing[:_SHOWN]]
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    return Finding(
        key=f"ranks_disagree:{other_rank}",
        detector="ranks_disagree",
        severity=Severity.ERROR,
        title=f"Ranks {own_rank} and {other_rank} train other weights: {', '.join(names)}{more}",
        evidence=(
            f"L2 norm of {names[0]}: {first.stats.l2_norm!r} on rank {own_rank}, "
            f"{partner.stats.l2_norm!r} on rank {other_rank}."
        ),
        explanation=_EXPLANATION,
        remedy=_REMEDY,
        first_step=own.step,
        last_step=own.step,
        module=first.site.module,
        site_id=first.site.id,
        view=View.GRADIENTS,
    )


def _weights(record: StepRecord) -> dict[str, SiteRecord]:
    return {
        seen.site.id: seen
        for seen in record.candidate
        if seen.site.direction is Direction.PARAMETER and seen.stats is not None
    }


def _both_nan(one: SiteRecord, other: SiteRecord) -> bool:
    """NaN is not equal to itself, but the same fault on both ranks is no disagreement."""
    assert one.stats is not None
    assert other.stats is not None
    return bool(one.stats.nan_count) and one.stats.nan_count == other.stats.nan_count
