"""A sampled step looked into deeply: ORT once more, eager in float64, each module on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_private import ExecutionManager
from ortviz._compat.ort_repeat import NotRepeatableError
from ortviz.capture.alarms import DeepPolicy
from ortviz.capture.autocast import AutocastState
from ortviz.capture.local import LocalRuns, LocalValues, OrtStep
from ortviz.capture.ort_inputs import OrtInputs, output_values
from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.capture.second_run import SecondRun
from ortviz.capture.shadow import Shadow, ShadowRun
from ortviz.capture.stats import host_values
from ortviz.capture.trees import tensors_in
from ortviz.capture.wide import NotWideError, wide_values
from ortviz.record import Direction, Site, SiteRecord, SiteStatus, StepCapture, Verify

if TYPE_CHECKING:
    import numpy as np

Values = dict[str, "np.ndarray"]
_SHOWN = 3
_CHANGED = "The step was not looked into: weights changed between its forward and its backward."


@dataclass(slots=True)
class _Found:
    """Values by site id, and what is to be said about those that are missing."""

    values: Values
    notes: list[str]


class DeepSteps:
    """Runs some sampled steps again in three ways, after the backward, before the weights change.

    Nothing of the user's is touched: modules are copies, random states are put back, and ORT's
    second run draws no random numbers.

    Args:
        manager: ORTModule's training manager.
        verify: How often.
        guarded: Runs work of ours so that its failure costs nothing but that work.
    """

    def __init__(
        self,
        manager: ExecutionManager,
        verify: Verify,
        guarded: Callable[[PendingStep, Callable[[], None]], None],
    ) -> None:
        self._manager = manager
        self._guarded = guarded
        self._policy = DeepPolicy(verify)
        self._second: tuple[TapPlan, SecondRun | str] | None = None

    def look(
        self,
        pending: PendingStep,
        shadow: Shadow,
        capture: StepCapture,
        weight_versions: tuple[int, ...],
    ) -> StepCapture:
        """The step with its repeat, wide and local values, if it is time and they can be had.

        Args:
            pending: The step, both sides run.
            shadow: Whose run it was.
            capture: What was seen of it.
            weight_versions: Of the parameters now.
        """
        run, feeds = pending.shadow, pending.feeds
        if run is None or pending.plan is None or pending.arguments is None:
            return capture
        # Without a backward the step is handed over late, when the weights may be others.
        if feeds is None or feeds.gradients is None:
            return capture
        if not self._policy.wants(pending):
            return capture
        if weight_versions != pending.weight_versions:
            return _with_notes(capture, [_CHANGED])
        with torch.enable_grad():
            return self._look(pending, run, shadow, capture)

    def _look(
        self, pending: PendingStep, run: ShadowRun, shadow: Shadow, capture: StepCapture
    ) -> StepCapture:
        repeat, wide, local = (_Found({}, []) for _ in range(3))
        self._guarded(pending, lambda: self._repeat(pending, capture, repeat))
        if run.unmatched_dropout_count or run.other_random_ops:
            note = "Noise floor and own errors are not known: eager PyTorch drew random numbers."
            local.notes.append(note)
        else:
            self._guarded(pending, lambda: _wide(pending, run, shadow, wide))
            self._guarded(pending, lambda: self._local(pending, run, shadow, capture, local))
        return replace(
            _with_notes(capture, [*repeat.notes, *wide.notes, *local.notes]),
            repeat_values=repeat.values,
            wide_values=wide.values,
            local_values=local.values,
        )

    def _repeat(self, pending: PendingStep, capture: StepCapture, found: _Found) -> None:
        plan = pending.plan
        if plan is None or pending.feeds is None:
            return
        second = self._second_run(plan)
        if isinstance(second, str):
            found.notes.append(second)
            return
        result = second.run(pending.feeds, pending.values)
        for record in _captured(capture.record.candidate):
            site = record.site
            tensor = result.values.get(record.value_name)
            if site.direction is Direction.FORWARD and not site.module and tensor is None:
                slot = site.slot.removeprefix("out")
                tensor = result.outputs[int(slot)] if slot.isdigit() else None
            if site.direction is Direction.PARAMETER_GRAD:
                tensor = result.parameter_grads.get(_qualified(site))
            if tensor is not None and site.id in capture.candidate_values:
                found.values[site.id] = host_values(tensor)

    def _second_run(self, plan: TapPlan) -> SecondRun | str:
        """Built once an export; a sentence when it cannot be."""
        if self._second is None or self._second[0] is not plan:
            made: SecondRun | str
            try:
                made = SecondRun(self._manager, plan.all_forward, plan.all_backward)
            except NotRepeatableError as error:
                made = str(error)
            self._second = (plan, made)
        return self._second[1]

    def _local(
        self,
        pending: PendingStep,
        run: ShadowRun,
        shadow: Shadow,
        capture: StepCapture,
        found: _Found,
    ) -> None:
        assert pending.plan is not None
        assert pending.arguments is not None
        twin = shadow.twin(pending.buffers_before)
        names = ort_private.user_output_names(self._manager)
        values = {**dict(zip(names, pending.outputs, strict=False)), **pending.values}
        if pending.feeds is not None:
            inputs = ort_private.graph_inputs(self._manager)
            values |= {
                each.name: tensor for each, tensor in zip(inputs, pending.feeds.inputs, strict=True)
            }
        given = [*tensors_in(pending.arguments), *twin.parameters(), *twin.buffers()]
        calls = run.trace.calls
        outputs = output_values(capture.record.candidate)
        step = OrtStep(
            calls=calls,
            outputs=outputs,
            values=values,
            root_gradients=pending.arrived_gradients(),
            uses=pending.plan.uses,
            gradient_sites=_gradient_sites(capture.record.candidate),
            masks=run.masks,
            buffers=pending.buffers_before,
            autocast=pending.autocast or AutocastState.now(),
        )
        local = LocalRuns(twin, step, OrtInputs(calls, outputs, values, step.uses, given)).run()
        found.values.update(local.values)
        found.notes.extend(_missing(local))


def _with_notes(capture: StepCapture, notes: Sequence[str]) -> StepCapture:
    return replace(capture, record=replace(capture.record, notes=(*capture.record.notes, *notes)))


def _wide(pending: PendingStep, run: ShadowRun, shadow: Shadow, found: _Found) -> None:
    assert pending.arguments is not None
    args, kwargs = pending.arguments
    twin = shadow.twin(pending.buffers_before)
    gradients = pending.arrived_gradients()
    try:
        with AutocastState(()).restored():
            found.values.update(wide_values(twin, args, kwargs, run.masks, gradients))
    except NotWideError as error:
        found.notes.append(str(error))


def _captured(records: Sequence[SiteRecord]) -> list[SiteRecord]:
    return [record for record in records if record.status is SiteStatus.CAPTURED]


def _gradient_sites(candidate: Sequence[SiteRecord]) -> Mapping[str, Sequence[Site]]:
    found: dict[str, list[Site]] = {}
    for record in _captured(candidate):
        if record.site.direction is Direction.BACKWARD and record.value_name:
            found.setdefault(record.value_name, []).append(record.site)
    return found


def _qualified(site: Site) -> str:
    return f"{site.module}.{site.slot}" if site.module else site.slot


def _missing(local: LocalValues) -> list[str]:
    """Why modules have no values of their own, in at most two sentences."""
    notes = []
    for names, why in (
        (local.without_input, "ORT's input to them was not read"),
        (local.failed, "they did not run alone"),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            shown = ", ".join(names[:_SHOWN])
            notes.append(f"Own errors of {shown}{more} are not known: {why}.")
    return notes
