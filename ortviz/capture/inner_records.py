"""The tensor level's part of a step: values inside modules, and those ORT does not have."""

from __future__ import annotations

from collections.abc import Mapping

from ortviz.capture.pending import PendingStep
from ortviz.capture.records import NO_BACKWARD, SideBuilder
from ortviz.capture.stats import host_values
from ortviz.capture.tap_check import describe
from ortviz.record import SiteStatus

BESIDE = (
    "What is inside was read from a second run of ORT on the same inputs: reading it changes what "
    "ORT merges, and so the rounding. Outputs and parameter gradients are those of the run that "
    "trains."
)
MERGED = (
    "ORT's session merges it into another operation. Read, it would be kept apart, and whether "
    "that changes the training cannot be checked for this graph."
)


def add_inner_values(
    side: SideBuilder, pending: PendingStep, module_types: Mapping[str, str]
) -> None:
    """Add what the module level has no site for; nothing when that is the level.

    Args:
        side: ORT's side, its other sites already added: a value that is a module's output has
            one there.
        pending: The step.
        module_types: Fully qualified name -> class name.
    """
    plan = pending.plan
    if plan is None:
        return
    backward = frozenset(plan.all_backward)
    named = {record.value_name for record in side.records}
    for name, site in plan.inner.sites.items():
        if name in named:
            continue
        kind = module_types.get(site.module, "")
        if name in pending.inner:
            stats = pending.inner[name]
            if stats is not None:
                side.reduced(site, stats, value_name=name, module_type=kind)
                if name in pending.values:
                    side.values[site.id] = host_values(pending.values[name])
        elif name in pending.values:
            side.captured(
                site,
                pending.values[name],
                keep_values=pending.keeps(site),
                value_name=name,
                module_type=kind,
            )
        elif name in plan.inner.merged:
            side.missing(site, SiteStatus.FUSED_AWAY, MERGED, value_name=name, module_type=kind)
        elif name in backward:
            side.missing(
                site, SiteStatus.NO_GRADIENT, NO_BACKWARD, value_name=name, module_type=kind
            )
    for site, value in plan.inner.lost:
        if value.name not in named:
            side.missing(
                site,
                value.status,
                value.reason,
                value_name=value.name,
                module_type=module_types.get(site.module, ""),
            )


def level_notes(pending: PendingStep) -> list[str]:
    """What is to be said about the values that were read in a step."""
    plan = pending.plan
    if plan is None:
        return []
    notes = []
    checked = pending.tap_check
    if checked is not None:
        notes.append(describe(checked))
    count = len(plan.all_forward) + len(plan.all_backward)
    if pending.read_beside:
        notes.append(BESIDE)
    if plan.only_watched_count and (plan.inner.sites or checked is not None):
        notes.append(
            f"{plan.only_watched_count} of the {count} tensors read from ORT's run "
            "exist only because they are watched: in steps that are not sampled ORT merges them "
            "into other operations."
        )
    others = sum(stats is None for stats in pending.inner.values())
    skipped = plan.inner.skipped_count + others
    if skipped:
        notes.append(
            f"{skipped} further values of ORT's graph are integers, booleans or no tensors "
            "(shapes, indices, masks) and have no site."
        )
    if plan.inner.refused:
        shown = ", ".join(plan.inner.refused[:3])
        more = len(plan.inner.refused) - 3
        notes.append(
            f"ONNX Runtime does not hand out {shown}{f' and {more} more' if more > 0 else ''}: "
            "the graph that returns them was refused."
        )
    return notes
