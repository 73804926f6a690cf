"""A finished PendingStep -> StepCapture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ortviz.capture import records
from ortviz.capture.inner_records import add_inner_values, level_notes
from ortviz.capture.matching import Match, OutputKey, match_outputs
from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import gradient_name
from ortviz.capture.records import SideBuilder
from ortviz.capture.rerun_inputs import rerunnable
from ortviz.capture.shadow import ShadowRun
from ortviz.capture.trace import ModuleCall
from ortviz.record import Direction, Mode, Site, SiteStatus, StepCapture, StepRecord

NOT_RUN_BY_ORT = "ORTModule ran this step in eager PyTorch, so there is nothing of ORT's to see."


def assemble(
    pending: PendingStep,
    buffers_after: Mapping[str, torch.Tensor],
    callable_modules: Mapping[str, str],
) -> StepCapture:
    """Put both sides of a sampled step into records.

    Args:
        pending: The step, its backward done or given up.
        buffers_after: The user's buffers as they are now.
        callable_modules: Modules that have a forward: fully qualified name -> class name.
    """
    reference = SideBuilder()
    candidate = SideBuilder()
    start = pending.start or SideBuilder()
    for seen in start.records:
        if seen.site.direction is Direction.INPUT:
            reference.records.append(seen)
        candidate.records.append(seen)
    shadow = pending.shadow
    if shadow is not None:
        _add_reference(reference, pending, shadow, callable_modules)
    _add_candidate(candidate, pending, shadow, callable_modules)
    records.add_named(candidate, Direction.BUFFER, _copies(buffers_after), keep_values=True)
    add_inner_values(candidate, pending, callable_modules)
    order = pending.plan.order if pending.plan else {}
    record = StepRecord(
        step=pending.step,
        mode=Mode.TRAINING,
        fallback=pending.fallback,
        reference=tuple(reference.records),
        candidate=candidate.ordered_by(order),
        hook_events=tuple(shadow.trace.events) if shadow else (),
        ort_secs=pending.ort_secs or None,
        eager_secs=shadow.seconds if shadow else None,
        notes=tuple(dict.fromkeys(pending.notes + _randomness(shadow) + level_notes(pending))),
        autocast=_autocast(pending),
        drew_differently=" ".join(_randomness(shadow)),
        undrawn_count=_undrawn(shadow),
        unseen_changes=pending.unseen_changes,
        functions=shadow.functions if shadow else (),
        tap_check=pending.tap_check,
    )
    return StepCapture(
        record,
        reference.values,
        candidate.values,
        start_values=start.values,
        rerun=rerunnable(pending),
    )


def _add_reference(
    side: SideBuilder,
    pending: PendingStep,
    shadow: ShadowRun,
    callable_modules: Mapping[str, str],
) -> None:
    calls = shadow.trace.calls
    records.add_forward(side, calls)
    records.add_never_called(side, {call.module for call in calls}, callable_modules)
    # Both sides were given these; inside the model an output may be used further.
    _add_root(side, pending, Direction.BACKWARD, pending.arrived_gradients())
    records.add_gradients(side, shadow)
    records.add_parameter_grads(side, shadow.parameter_grads, {})
    records.add_named(side, Direction.BUFFER, shadow.buffers_after, keep_values=True)


def _add_candidate(
    side: SideBuilder,
    pending: PendingStep,
    shadow: ShadowRun | None,
    callable_modules: Mapping[str, str],
) -> None:
    # Without the eager side nobody knows which modules were called, unless an earlier step told.
    calls = _calls(pending)
    if pending.fallback:
        not_run = Match(SiteStatus.NOT_CAPTURED, reason=NOT_RUN_BY_ORT)
        records.add_matched(
            side, Direction.FORWARD, calls, dict.fromkeys(_keys(calls), not_run), {}
        )
        return
    inner = [call for call in calls if call.module]
    outline = None if shadow else pending.outline
    matches = outline.matches if outline else match_calls(inner, pending)
    _add_root(side, pending, Direction.FORWARD, pending.outputs)
    unread = pending.plan.unread if pending.plan is not None else {}
    records.add_matched(side, Direction.FORWARD, inner, matches, pending.values, unread=unread)
    if calls:
        records.add_never_called(side, {call.module for call in calls}, callable_modules)
    _add_root(side, pending, Direction.BACKWARD, pending.arrived_gradients())
    gradients = {
        name: gradient_name(name) for name in (m.value_name for m in matches.values()) if name
    }
    records.add_matched(side, Direction.BACKWARD, inner, matches, pending.values, gradients, unread)
    records.add_parameter_grads(side, pending.parameter_grads, pending.gradient_names)


def _add_root(
    side: SideBuilder,
    pending: PendingStep,
    direction: Direction,
    tensors: list[torch.Tensor] | list[torch.Tensor | None],
) -> None:
    """The model's own outputs and what arrived at them: seen without any tap."""
    for slot, tensor in enumerate(tensors):
        site = Site(direction, "", f"out{slot}")
        if tensor is not None:
            side.captured(site, tensor.clone())
        else:
            side.missing(site, SiteStatus.NO_GRADIENT, records.NO_BACKWARD)
    if direction is Direction.BACKWARD and not tensors:
        for slot in range(len(pending.outputs)):
            site = Site(direction, "", f"out{slot}")
            side.missing(site, SiteStatus.NO_GRADIENT, records.NO_BACKWARD)


def _calls(pending: PendingStep) -> Sequence[ModuleCall]:
    if pending.shadow is not None:
        return pending.shadow.trace.calls
    return pending.outline.calls if pending.outline is not None else ()


def match_calls(calls: Sequence[ModuleCall], pending: PendingStep) -> Mapping[OutputKey, Match]:
    """Find module outputs in ORT's run.

    Args:
        calls: From the eager run, the root's left out.
        pending: The step.
    """
    plan = pending.plan
    if plan is None:
        reason = "ORT's inner tensors were not read in this step."
        return {key: Match(SiteStatus.NOT_CAPTURED, reason=reason) for key in _keys(calls)}
    by_module: dict[str, list[ModuleCall]] = {}
    for call in calls:
        by_module.setdefault(call.module, []).append(call)
    found: dict[OutputKey, Match] = {}
    for module, own in by_module.items():
        own.sort(key=lambda call: call.call)
        found.update(match_outputs(own, plan.leaving.of(module), pending.values))
    return found


def _keys(calls: Sequence[ModuleCall]) -> list[OutputKey]:
    return [(call.module, call.call, slot) for call in calls for slot in range(len(call.outputs))]


def _copies(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _autocast(pending: PendingStep) -> str:
    """The dtype on the device the model ran on."""
    device = pending.outputs[0].device.type if pending.outputs else "cpu"
    return pending.autocast.on(device) if pending.autocast else ""


def _undrawn(shadow: ShadowRun | None) -> int:
    """How many module outputs were there before anything was drawn differently."""
    if shadow is None or shadow.first_draw is None:
        return 0
    return sum(len(call.outputs) for call in shadow.trace.calls[: shadow.first_draw])


def _randomness(shadow: ShadowRun | None) -> list[str]:
    if shadow is None:
        return []
    notes = []
    if shadow.unmatched_dropout_count:
        notes.append(
            f"{shadow.unmatched_dropout_count} dropout draws of the eager side could not use "
            "ORT's masks: what follows them is not comparable."
        )
    if shadow.other_random_ops:
        notes.append(
            "Random operations draw differently on each side, so what follows them is not "
            f"comparable: {', '.join(sorted(shadow.other_random_ops))}."
        )
    return notes
