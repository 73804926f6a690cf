"""Watches one wrapped module: counts its steps, samples some, hands everything to the sink."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import register_multi_grad_hook

from ortviz.capture import records
from ortviz.capture.assemble import assemble, match_calls
from ortviz.capture.autocast import AutocastState
from ortviz.capture.deep import DeepSteps
from ortviz.capture.model_info import callable_modules
from ortviz.capture.node_times import NodeTimer
from ortviz.capture.observation import observe_loss
from ortviz.capture.outline import Outline, outline_of
from ortviz.capture.pending import PendingStep
from ortviz.capture.records import SideBuilder
from ortviz.capture.rerun_inputs import note_step, start_values
from ortviz.capture.shadow import Shadow
from ortviz.capture.snapshots import copy_what_shares
from ortviz.capture.taps import Taps
from ortviz.capture.threads import half_the_threads
from ortviz.capture.trees import detached_copy, map_tensors, tensors_in
from ortviz.errors import CaptureError, OrtvizError
from ortviz.record import Direction, Keeping, NodeTimes, Problem, Sink, StepCapture

_OPEN_LIMIT = 8
_OVERWRITTEN = (
    "The eager side of this step is missing: the model changed the output of a module in place, "
    "as it had not done before. From the next sampled step on outputs are copied."
)


class StepObserver:
    """Follows training steps of one module, whichever engine runs them.

    Args:
        original: The user's own module.
        sink: Gets everything.
        taps: Reads ORT's run; None when the engine is eager PyTorch.
        keeping: Says which tensors are kept whole; None when none is.

    Attributes:
        deep: Looks into some sampled steps; None where that cannot be.
        timer: Times the nodes of ORT's graph in some sampled steps; None where there is none.
        compares: Whether eager PyTorch runs beside at every sampled step; otherwise only at the
            first of each export, to tell what the modules return.
    """

    def __init__(
        self, original: nn.Module, sink: Sink, taps: Taps | None, keeping: Keeping | None = None
    ) -> None:
        self.original = original
        self.sink = sink
        self.taps = taps
        self._keeping = keeping
        self.deep: DeepSteps | None = None
        self.timer: NodeTimer | None = None
        self.fallback = taps is None
        self._shadow: Shadow | None = None
        self._shadow_refused = False
        self.compares = True
        self._outline: Outline | None = None
        self._open: deque[PendingStep] = deque()
        self._problem_keys: set[str] = set()
        self.next_step = 0

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> PendingStep:
        """A training forward begins."""
        if self._open and (self.fallback or len(self._open) >= _OPEN_LIMIT):
            self.finish_oldest()
        for older in self._open:
            older.watch.close()
        step = self.next_step
        self.next_step += 1
        self.sink.stepped(step)
        pending = PendingStep(step, bool(self.sink.wants(step)), self._keeping)
        if pending.sampled:
            pending.verify_asked = self.sink.verifies(step)
            pending.times_asked = self.sink.times(step)
            with half_the_threads():
                self.guarded(pending, lambda: self._note_start(pending, args, kwargs))
        self._open.append(pending)
        return pending

    def returned(
        self, pending: PendingStep, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        """The forward of ``pending`` gave ``result`` to the user."""
        self.guarded(pending, lambda: self._after_forward(pending, args, kwargs, result))

    def abandoned(self, pending: PendingStep) -> None:
        """The forward raised; the step is no step."""
        pending.watch.close()
        if pending in self._open:
            self._open.remove(pending)
        if self.taps is not None:
            self.taps.forget(pending)

    def backward_done(self, pending: PendingStep) -> None:
        """ORT's backward of ``pending`` is over."""
        if pending in self._open:
            self._open.remove(pending)
        self._finish(pending)

    def finish(self) -> None:
        """Hand over every step still waiting for a backward."""
        while self._open:
            self.finish_oldest()

    def finish_oldest(self) -> None:
        """Hand over the oldest open step as it is."""
        pending = self._open.popleft()
        if self.taps is not None:
            self.taps.forget(pending)
        self._finish(pending)

    def guarded(self, pending: PendingStep, action: Callable[[], None]) -> None:
        """Run our own work so that its failure costs the user nothing but that work."""
        try:
            action()
        except OrtvizError as error:
            self._tell_once(Problem(error.what, error.remedy, step=pending.step))
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            self._tell_once(
                Problem(
                    f"A part of the step could not be recorded: {type(error).__name__}: {error}",
                    "Training goes on. Please report this with the detail.",
                    step=pending.step,
                    detail=traceback.format_exc(),
                )
            )

    def _tell_once(self, problem: Problem) -> None:
        if problem.what not in self._problem_keys:
            self._problem_keys.add(problem.what)
            self.sink.problem(problem)

    def _note_start(
        self, pending: PendingStep, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        pending.autocast = AutocastState.now()
        pending.buffers_before = {
            name: buffer.detach().clone() for name, buffer in self.original.named_buffers()
        }
        start = SideBuilder()
        inputs = list(tensors_in((args, dict(kwargs))))
        records.add_inputs(start, inputs)
        weights = {name: p.detach() for name, p in self.original.named_parameters()}
        records.add_named(start, Direction.PARAMETER, weights, keep_values=False)
        pending.start = start
        if self._keeping is not None:
            start.values.update(start_values(self.original, inputs, self._keeping))
            pending.rerun = note_step(self.original, args, kwargs, self._keeping)

    def _after_forward(
        self,
        pending: PendingStep,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        result: Any,
    ) -> None:
        outputs = list(tensors_in(result))
        pending.fallback = self.fallback
        if pending.sampled:
            with half_the_threads():
                pending.outputs = [output.detach().clone() for output in outputs]
                # The user may change the outputs in place.
                copy_what_shares(pending.values, [output.detach() for output in outputs])
                self._run_shadow(pending, args, kwargs)
        if self.fallback:
            self._hook_gradients(pending, outputs)
        pending.watch.open(outputs)

    def _run_shadow(
        self, pending: PendingStep, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        if self._shadow_refused:
            return
        outline = self._outline
        if not self.compares and outline is not None and outline.plan is pending.plan:
            pending.outline = outline
            pending.notes.append("Eager PyTorch did not run in this step, as asked: compare=False.")
            return
        if self._shadow is None:
            try:
                self._shadow = Shadow(self.original)
            except OrtvizError:
                self._shadow_refused = True
                raise
        if self.deep is not None:
            self._note_arguments(pending, args, kwargs)
        masks: list[torch.Tensor] | None = None
        if pending.plan is not None and pending.plan.draws_random:
            masks = [pending.values[name] for name in pending.plan.mask_names]
        elif pending.plan is None and not self.fallback:
            # What ORT drew is not known; that eager draws at all is seen and said.
            masks = []
        autocast = pending.autocast or AutocastState.now()
        if pending.rerun is not None:
            pending.rerun.eager_begins()
        try:
            with autocast.restored():
                pending.shadow = self._shadow.forward(args, kwargs, pending.buffers_before, masks)
        except Exception as error:
            raise CaptureError(
                "The eager side is missing: eager PyTorch cannot run the model as it is called "
                f"here ({type(error).__name__}: {error}).",
                "ORT's own side is recorded meanwhile. Without ortviz, model(x) shows the error.",
            ) from error
        pending.shadow_outputs = tuple(o.detach() for o in pending.shadow.outputs)

    def _note_arguments(
        self, pending: PendingStep, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        own = map_tensors((list(args), dict(kwargs)), detached_copy)
        assert isinstance(own, tuple)
        pending.arguments = own
        pending.weight_versions = self._weight_versions()

    def _hook_gradients(self, pending: PendingStep, outputs: list[torch.Tensor]) -> None:
        """Without ORT's backward the step ends where its gradients have all arrived."""
        pending.output_gradients = [None] * len(outputs)
        places = [index for index, output in enumerate(outputs) if output.requires_grad]
        if not places:
            return

        def arrived(gradients: Sequence[torch.Tensor | None]) -> None:
            for place, gradient in zip(places, gradients, strict=True):
                if gradient is not None:
                    pending.output_gradients[place] = gradient.detach().clone()
            # Now, not later: the optimiser is about to change the weights in place.
            if pending in self._open:
                self.backward_done(pending)

        register_multi_grad_hook([outputs[place] for place in places], arrived)

    def _finish(self, pending: PendingStep) -> None:
        pending.watch.close()
        gradient = next(iter(pending.output_gradients), None)
        self.guarded(pending, lambda: self._hand_over_loss(pending, gradient))
        if pending.sampled:
            with half_the_threads():
                self.guarded(pending, lambda: self._hand_over_capture(pending))

    def _hand_over_loss(self, pending: PendingStep, gradient: torch.Tensor | None) -> None:
        losses = pending.watch.trained()
        self.sink.observed(observe_loss(pending.step, losses, pending.shadow_outputs, gradient))

    def _hand_over_capture(self, pending: PendingStep) -> None:
        shadow = pending.shadow
        if shadow is not None and self._shadow is not None and shadow.outputs:
            gradients = pending.arrived_gradients() or [None] * len(shadow.outputs)
            # Off, as PyTorch asks for: a backward computes in the dtypes of its forward.
            with AutocastState(()).restored():
                if not self._shadow.backward(shadow, gradients):
                    pending.shadow = None
                    pending.notes.append(_OVERWRITTEN)
        buffers = dict(self.original.named_buffers())
        # ORT computes gradients of frozen parameters too; autograd then drops them.
        frozen = {n for n, p in self.original.named_parameters() if not p.requires_grad}
        pending.parameter_grads = {
            name: None if name in frozen else grad for name, grad in pending.parameter_grads.items()
        }
        if pending.plan is not None and shadow is not None and not self.compares:
            inner = [call for call in shadow.trace.calls if call.module]
            self._outline = outline_of(
                pending.plan, shadow.trace.calls, match_calls(inner, pending)
            )
        capture = assemble(pending, buffers, callable_modules(self.original))
        self.sink.captured(self._timed(pending, self._looked_into(pending, capture)))

    def _looked_into(self, pending: PendingStep, capture: StepCapture) -> StepCapture:
        deep, shadow = self.deep, self._shadow
        if deep is None or shadow is None:
            return capture
        versions = self._weight_versions()
        seen = [capture]
        self.guarded(pending, lambda: seen.append(deep.look(pending, shadow, capture, versions)))
        return seen[-1]

    def _timed(self, pending: PendingStep, capture: StepCapture) -> StepCapture:
        timer = self.timer
        repeat_count = 0 if timer is None else timer.repeats(pending)
        if timer is None or not repeat_count:
            return capture
        measured: list[NodeTimes] = []
        self.guarded(pending, lambda: measured.append(timer.measure(pending, repeat_count)))
        return replace(capture, node_times=measured[0]) if measured else capture

    def _weight_versions(self) -> tuple[int, ...]:
        """They tell whether a parameter was written to in place."""
        return tuple(parameter._version for parameter in self.original.parameters())
