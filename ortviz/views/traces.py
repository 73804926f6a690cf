"""The answer to ``traces``: every site of a step, eager left, ORT right."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ortviz.protocol.codec import wire_float
from ortviz.protocol.messages import HookRow, TraceRow, TracesView
from ortviz.record import (
    Direction,
    HookEvent,
    Site,
    SiteComparison,
    SiteRecord,
    StepComparison,
    StepRecord,
    Verdict,
)
from ortviz.views.cells import index_list, stats_cell

DIRECTION_ORDER = (
    Direction.INPUT,
    Direction.FORWARD,
    Direction.BACKWARD,
    Direction.PARAMETER_GRAD,
    Direction.BUFFER,
    Direction.PARAMETER,
)
"""Order of the groups of rows."""

_SHARED = {
    Direction.INPUT: "Both sides were given the same tensor.",
    Direction.PARAMETER: "Both sides use the same storage.",
}
_NO_REFERENCE = "Eager PyTorch has no such tensor."
_NO_CANDIDATE = "ONNX Runtime's run has no such tensor."


def traces_view(step: StepRecord, comparison: StepComparison) -> TracesView:
    """All sites of a step, grouped by direction, in eager execution order within each.

    Sites that only ORT has come last in their group, in the order of ORT's graph.
    """
    reference = {record.site.id: record for record in step.reference}
    candidate = {record.site.id: record for record in step.candidate}
    compared = {result.site.id: result for result in comparison.sites}
    records = (*step.candidate, *step.reference)
    types = {record.site.module: record.module_type for record in records if record.module_type}
    rows = [
        _row(site_id, reference.get(site_id), candidate.get(site_id), compared.get(site_id), types)
        for site_id in _row_order(step.reference, step.candidate)
    ]
    return {
        "step": step.step,
        "mode": step.mode.value,
        "fallback": step.fallback,
        "rows": rows,
        "first_divergence": first_ids(comparison.first_divergence),
        "first_own_divergence": first_ids(comparison.first_own_divergence),
        "hook_events": [_hook_row(event) for event in step.hook_events],
        "ort_secs": wire_float(step.ort_secs),
        "eager_secs": wire_float(step.eager_secs),
        "notes": list(step.notes),
    }


def first_ids(
    first: Mapping[Direction, Site], among: Collection[Direction] = DIRECTION_ORDER
) -> list[str]:
    """The ids of one site a direction, in the order of the groups of rows.

    Args:
        first: The sites.
        among: The directions that are wanted.
    """
    return [first[key].id for key in DIRECTION_ORDER if key in first and key in among]


def _row_order(reference: Iterable[SiteRecord], candidate: Iterable[SiteRecord]) -> list[str]:
    places: dict[str, tuple[int, int, int]] = {}
    for side, records in enumerate((reference, candidate)):
        for record in records:
            group = DIRECTION_ORDER.index(record.site.direction)
            places.setdefault(record.site.id, (group, side, record.order))
    return sorted(places, key=places.__getitem__)


def _row(
    site_id: str,
    reference: SiteRecord | None,
    candidate: SiteRecord | None,
    result: SiteComparison | None,
    types: Mapping[str, str],
) -> TraceRow:
    known = reference or candidate
    assert known is not None
    site = known.site
    verdict, reason = _verdict(reference, candidate, result)
    found = result or SiteComparison(site, verdict)
    if site.direction in _SHARED and (reference is None or candidate is None):
        reference = candidate = known
    return {
        "site_id": site_id,
        "direction": site.direction.value,
        "module": site.module,
        "module_type": types.get(site.module, ""),
        "call": site.call,
        "slot": site.slot,
        "value_name": candidate.value_name if candidate else "",
        "reference": stats_cell(reference, _NO_REFERENCE),
        "candidate": stats_cell(candidate, _NO_CANDIDATE),
        "verdict": verdict.value,
        "reason": reason,
        "max_abs_error": wire_float(found.max_abs_error),
        "max_rel_error": wire_float(found.max_rel_error),
        "tolerance": wire_float(found.tolerance),
        "worst_index": index_list(found.worst_index),
        "worst_reference": wire_float(found.worst_reference),
        "worst_candidate": wire_float(found.worst_candidate),
        "max_ulp_error": wire_float(found.max_ulp_error),
        "cosine": wire_float(found.cosine),
        "mismatched_fraction": wire_float(found.mismatched_fraction),
        "tolerance_reason": found.tolerance_reason,
        "noise_floor": wire_float(found.noise_floor),
        "origin": found.origin.value,
        "local_abs_error": wire_float(found.local_abs_error),
        "local_rel_error": wire_float(found.local_rel_error),
    }


def _verdict(
    reference: SiteRecord | None,
    candidate: SiteRecord | None,
    result: SiteComparison | None,
) -> tuple[Verdict, str]:
    if result is not None:
        return result.verdict, result.reason
    known = reference or candidate
    if known is not None and known.site.direction in _SHARED:
        if reference and candidate and reference.stats != candidate.stats:
            return Verdict.DIVERGENT, "It was changed between the runs of the two sides."
        return Verdict.EQUAL, _SHARED[known.site.direction]
    if reference is None:
        return Verdict.NOT_COMPARABLE, _NO_REFERENCE
    if candidate is None:
        return Verdict.NOT_COMPARABLE, _NO_CANDIDATE
    return Verdict.NOT_COMPARABLE, "The two sides of this site were not compared."


def _hook_row(event: HookEvent) -> HookRow:
    return {
        "order": event.order,
        "kind": event.kind,
        "module": event.module,
        "call": event.call,
        "duration_secs": wire_float(event.duration_secs),
    }
