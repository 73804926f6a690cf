"""The answer to ``gradients``: norms of parameter and module output gradients along depth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from ortviz.protocol.codec import wire_float
from ortviz.protocol.messages import GradientRow, GradientState, GradientsView
from ortviz.protocol.wire import WireFloat
from ortviz.record import (
    Direction,
    ErrorOrigin,
    RunInfo,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    StepComparison,
    StepRecord,
    Verdict,
)
from ortviz.views.cells import inf_count, site_label
from ortviz.views.traces import first_ids

_GRADIENTS = (Direction.BACKWARD, Direction.PARAMETER_GRAD)


def gradients_view(info: RunInfo, step: StepRecord, comparison: StepComparison) -> GradientsView:
    """One row per parameter and per module output, input side of the model first.

    ``depth`` counts the modules in the order in which they finished in the forward pass; a
    parameter has the depth of the module that owns it.
    """
    reference = {record.site: record for record in step.reference}
    candidate = {record.site: record for record in step.candidate}
    compared = {result.site: result for result in comparison.sites}
    depths = module_depths(info, step)
    places = _places(info, {**candidate, **reference}, depths)
    rows = [
        _row(site, reference, candidate, compared.get(site), depths.get(site.module, 0))
        for site in sorted(places, key=places.__getitem__)
    ]
    return {
        "step": step.step,
        "rows": rows,
        "first_divergence": first_ids(comparison.first_divergence, _GRADIENTS),
        "first_own_divergence": first_ids(comparison.first_own_divergence, _GRADIENTS),
        "notes": list(step.notes),
    }


def module_depths(info: RunInfo, step: StepRecord) -> dict[str, int]:
    """Depth of each module: its rank in forward execution order.

    A module that did not run in this step stands behind the last one before it in
    ``named_modules()`` that did and that has no children.
    """
    ran: dict[str, int] = {}
    for record in _forward_records(step):
        ran.setdefault(record.site.module, record.order)
    names = [module.name for module in info.modules]
    known = set(names)
    names += [name for name in ran if name not in known]
    parents = {name.rpartition(".")[0] for name in names if name}
    keys: dict[str, tuple[int, int]] = {}
    last = -1
    for index, name in enumerate(names):
        if name in ran:
            keys[name] = (ran[name], index)
            last = last if name in parents else ran[name]
        else:
            keys[name] = (last, index)
    return {name: depth for depth, name in enumerate(sorted(keys, key=keys.__getitem__))}


def gradient_state(record: SiteRecord | None) -> GradientState:
    """What is to be said of a gradient besides its norm."""
    if record is None:
        return "not_captured"
    if record.status in (SiteStatus.NO_GRADIENT, SiteStatus.NEVER_CALLED):
        return "none"
    if record.stats is None:
        return "not_captured"
    if record.stats.nan_count:
        return "nan"
    if inf_count(record.stats):
        return "inf"
    return "zero" if record.stats.zero_count == record.stats.element_count else "finite"


def _forward_records(step: StepRecord) -> list[SiteRecord]:
    """Captured module outputs of the eager side, or of ORT's where there is no eager side."""
    for records in (step.reference, step.candidate):
        found = [
            record
            for record in records
            if record.site.direction is Direction.FORWARD
            and not record.site.is_inner
            and record.status is not SiteStatus.NEVER_CALLED
        ]
        if found:
            return sorted(found, key=lambda record: record.order)
    return []


def _places(
    info: RunInfo, sites: Iterable[Site], depths: Mapping[str, int]
) -> dict[Site, tuple[int, int, int, int, str]]:
    """Sort key of each gradient: depth, parameters before outputs, then their own order."""
    position = {parameter.name: index for index, parameter in enumerate(info.parameters)}
    places = {}
    for site in sites:
        depth = depths.get(site.module, len(depths))
        if site.direction is Direction.PARAMETER_GRAD:
            index = position.get(parameter_name(site), len(position))
            places[site] = (depth, 0, index, 0, site.slot)
        elif site.direction is Direction.BACKWARD and not site.is_inner:
            places[site] = (depth, 1, 0, site.call, site.slot)
    return places


def parameter_name(site: Site) -> str:
    """Fully qualified name of the parameter a site belongs to."""
    return f"{site.module}.{site.slot}" if site.module else site.slot


def _row(
    site: Site,
    reference: Mapping[Site, SiteRecord],
    candidate: Mapping[Site, SiteRecord],
    result: SiteComparison | None,
    depth: int,
) -> GradientRow:
    is_parameter = site.direction is Direction.PARAMETER_GRAD
    eager, ort = reference.get(site), candidate.get(site)
    weight = candidate.get(Site(Direction.PARAMETER, site.module, site.slot))
    return {
        "kind": "parameter" if is_parameter else "module_output",
        "site_id": site.id,
        "label": parameter_name(site)
        if is_parameter
        else site_label(site.module, site.slot, site.call),
        "module": site.module,
        "depth": depth,
        "reference_norm": _norm(eager),
        "candidate_norm": _norm(ort),
        "reference_state": gradient_state(eager),
        "candidate_state": gradient_state(ort),
        "weight_norm": _weight_norm(weight) if is_parameter else None,
        "verdict": (result.verdict if result else Verdict.NOT_COMPARABLE).value,
        "reason": _reason(eager, ort, result),
        "origin": (result.origin if result else ErrorOrigin.UNKNOWN).value,
    }


def _norm(record: SiteRecord | None) -> WireFloat:
    return wire_float(record.stats.l2_norm) if record and record.stats else None


def _weight_norm(record: SiteRecord | None) -> WireFloat:
    """A weight has no state beside its norm, so one non-finite element shows in the norm."""
    if record is None or record.stats is None:
        return None
    if record.stats.nan_count:
        return wire_float(math.nan)
    return wire_float(math.inf if inf_count(record.stats) else record.stats.l2_norm)


def _reason(
    reference: SiteRecord | None, candidate: SiteRecord | None, result: SiteComparison | None
) -> str:
    if result is not None and result.reason:
        return result.reason
    sides = [("eager", reference), ("ORT", candidate)]
    reasons = [f"{name}: {record.reason}" for name, record in sides if record and record.reason]
    return " ".join(reasons)
