"""The tapped agent of the current export, and which agent serves which run."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import (
    Agent,
    OrtValues,
    TappedAgent,
    as_tensors,
    new_state,
)
from ortviz._compat.ort_private import ExecutionManager
from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.capture.second_run import copy_feeds
from ortviz.capture.stats import tensor_stats
from ortviz.capture.tap_check import check_taps
from ortviz.capture.tapped_build import TappedBuilder
from ortviz.capture.threads import half_the_threads
from ortviz.record import Level, Problem, Sink

Finished = Callable[[PendingStep], None]
Guarded = Callable[[PendingStep, Callable[[], None]], None]


@dataclass(slots=True)
class _Route:
    """Which agent began a run and must end it.

    Attributes:
        agent: It.
        state: What carries the run; None where that is ORTModule's own state.
        pending: The step to record; None when its recording was given up.
    """

    agent: Agent
    state: object = None
    pending: PendingStep | None = None


class Taps:
    """Serves ORTModule's runs: plain agent for most steps, tapped agent for sampled ones.

    Args:
        manager: ORTModule's training manager.
        builder: Makes the tapped agent.
        level: Which values to read.
        sink: Gets Problems.
        on_backward_done: Called when a step's backward is over.
        guarded: Runs work of ours so that its failure costs the user nothing else.
    """

    def __init__(
        self,
        manager: ExecutionManager,
        builder: TappedBuilder,
        level: Level,
        sink: Sink,
        on_backward_done: Finished,
        guarded: Guarded,
    ) -> None:
        self._manager = manager
        self._builder = builder
        self._wanted_level = self._level = level
        self._sink = sink
        self._on_backward_done = on_backward_done
        self._guarded = guarded
        # ORTModule drops its state when a backward is done or can never come.
        self._routes: weakref.WeakKeyDictionary[object, _Route] = weakref.WeakKeyDictionary()
        self._running: PendingStep | None = None
        self._tapped: TappedAgent | None = None
        self._plan: TapPlan | None = None
        self._broken = ""
        self._not_inner = ""
        self._unreduced: list[tuple[str, torch.Tensor]] = []
        self._checked = False
        self._unchecked_outputs: tuple[PendingStep, tuple[torch.Tensor, ...]] | None = None
        self.current: PendingStep | None = None

    def reset(self) -> None:
        """ORTModule exported again: the tapped agent belongs to the old graph."""
        self._tapped = None
        self._plan = None
        self._broken = self._not_inner = ""
        self._level = self._wanted_level
        self._checked = False
        self._unchecked_outputs = None

    def forget(self, pending: PendingStep) -> None:
        """Record nothing more of a step; its backward will still find its agent."""
        for route in self._routes.values():
            if route.pending is pending:
                route.pending = None

    @property
    def outstanding(self) -> bool:
        """Whether a backward may still come that only the tapped agent can run."""
        return any(route.state is not None for route in self._routes.values())

    def run_forward(
        self, plain: Agent, feeds: OrtValues, fetches: OrtValues, state: object, cache: object
    ) -> None:
        """Run the current step's forward; see :class:`AgentWatcher`."""
        pending = self.current
        if pending is None:
            plain.run_forward(feeds, fetches, state, cache)
            return
        tapped = self._agent_for(pending)
        self._routes[state] = route = _Route(plain, pending=pending)
        self._running = pending
        begun = perf_counter()
        try:
            if tapped is None:
                plain.run_forward(feeds, fetches, state, cache)
            else:
                self._run_tapped(tapped, route, pending, (feeds, fetches, state, cache))
        finally:
            pending.ort_secs += perf_counter() - begun
            self._running = None
        self._guarded(pending, lambda: self._reduce(pending))

    def run_backward(
        self, plain: Agent, feeds: OrtValues, fetches: OrtValues, state: object
    ) -> None:
        """Run the backward of a step; see :class:`AgentWatcher`."""
        route = self._routes.pop(state, None) or _Route(plain)
        pending = route.pending
        self._running = pending
        begun = perf_counter()
        try:
            route.agent.run_backward(feeds, fetches, route.state or state)
        finally:
            self._running = None
        if pending is None:
            return
        pending.ort_secs += perf_counter() - begun
        self._guarded(pending, lambda: self._reduce(pending))
        self._guarded(pending, lambda: self._read_gradients(pending, feeds, fetches))
        self._guarded(pending, lambda: self._check(plain, pending))
        self._on_backward_done(pending)

    def _run_tapped(
        self,
        tapped: TappedAgent,
        route: _Route,
        pending: PendingStep,
        run: tuple[OrtValues, OrtValues, object, object],
    ) -> None:
        """Run the tapped agent; if it fails, the plain one decides whose fault it is."""
        feeds, fetches, state, cache = run
        own_state = new_state()
        failure: Exception | None = None
        self._guarded(pending, lambda: self._copy_feeds(pending, feeds))
        try:
            tapped.run_forward(feeds, fetches, own_state, cache)
        except Exception as error:  # noqa: BLE001 - the plain agent's error is the user's
            failure = error
        if failure is None:
            route.agent, route.state, pending.plan = tapped, own_state, self._plan
            if not self._checked:
                # Copied: the user may change them in place before the backward.
                outputs = tuple(output.clone() for output in as_tensors(fetches))
                self._unchecked_outputs = (pending, outputs)
            return
        pending.values.clear()
        self._unreduced.clear()
        route.agent.run_forward(feeds, fetches, state, cache)
        self._give_up(failure, pending.step)

    def _copy_feeds(self, pending: PendingStep, feeds: OrtValues) -> None:
        # Now: the user may change the inputs in place once the forward is over.
        pending.feeds = copy_feeds(self._manager, as_tensors(feeds))

    def _agent_for(self, pending: PendingStep) -> TappedAgent | None:
        if not pending.sampled:
            return None
        while self._tapped is None and not self._broken:
            self._build(pending.step)
        pending.notes += [note for note in (self._broken, self._not_inner) if note]
        return self._tapped

    def _build(self, step: int) -> None:
        try:
            self._tapped, self._plan = self._builder.build(
                self._level, self._on_forward, self._on_backward
            )
        except Exception as error:  # noqa: BLE001 - the plain agent serves
            self._give_up(error, step)

    def _give_up(self, error: Exception, step: int) -> None:
        self._tapped = None
        detail = "".join(traceback.format_exception(error))
        if self._level is Level.TENSOR:
            # What leaves modules may still be had; the next sampled step tries.
            self._level = Level.MODULE
            self._checked = False
            self._not_inner = (
                "Tensors inside modules are not read: ONNX Runtime's run with all of them failed."
            )
            what, remedy = "Tensors inside modules", "What leaves a module is still recorded."
        else:
            self._broken = (
                "ORT's inner tensors are not read: the graph with further outputs was refused. "
                "Outputs and parameter gradients are."
            )
            what = "ORT's inner tensors"
            remedy = "Model outputs and parameter gradients are still recorded."
        self._sink.problem(
            Problem(
                f"{what} cannot be read: {type(error).__name__}: {error}",
                f"{remedy} Please report this.",
                step=step,
                detail=detail,
            )
        )

    def _on_forward(self, tensors: tuple[torch.Tensor, ...]) -> None:
        assert self._running is not None
        assert self._plan is not None
        names = self._plan.all_forward
        kept = len(names) - len(self._plan.inner.forward_names)
        overwritten = self._plan.overwritten
        self._running.values.update(
            (name, tensor.clone() if name in overwritten else tensor)
            for name, tensor in zip(names[:kept], tensors[:kept], strict=True)
        )
        self._unreduced += zip(names[kept:], tensors[kept:], strict=True)

    def _on_backward(self, tensors: tuple[torch.Tensor, ...]) -> None:
        if self._running is None or self._running.plan is None:
            return
        names = self._running.plan.all_backward
        kept = len(self._running.plan.backward_names)
        # Copied: an Identity may share its buffer with a gradient the optimiser changes.
        self._running.values.update(
            zip(names[:kept], (t.clone() for t in tensors[:kept]), strict=True)
        )
        self._unreduced += zip(names[kept:], tensors[kept:], strict=True)

    def _reduce(self, pending: PendingStep) -> None:
        """Statistics of what is read only for them, before ORT or the user goes on."""
        unreduced, self._unreduced = self._unreduced, []
        with half_the_threads():
            pending.inner.update(
                (name, tensor_stats(tensor) if tensor.is_floating_point() else None)
                for name, tensor in unreduced
            )
        sites = pending.plan.inner.sites if pending.plan is not None else {}
        for name, tensor in unreduced:
            site = sites.get(name)
            if site is not None and pending.keeps(site):
                pending.values[name] = tensor.clone()

    def _check(self, plain: Agent, pending: PendingStep) -> None:
        """Once for each export, and again for a level that was given up: is it still ORT's run?"""
        waiting = self._unchecked_outputs
        if self._checked or waiting is None or waiting[0] is not pending:
            return
        self._unchecked_outputs = None
        # Whatever comes of it, an extra run is not tried at every step.
        self._checked = True
        pending.tap_check = check_taps(self._manager, plain, pending, waiting[1])
        self._checked = pending.tap_check is not None

    def _read_gradients(self, pending: PendingStep, feeds: OrtValues, fetches: OrtValues) -> None:
        arrived = as_tensors(feeds)
        places = ort_private.differentiable_outputs(self._manager)
        count = len(ort_private.user_output_names(self._manager))
        pending.output_gradients = [None] * count
        for place, gradient in zip(places, arrived, strict=True):
            pending.output_gradients[place] = gradient
        if not pending.sampled:
            return
        if pending.feeds is not None:
            pending.feeds.gradients = tuple(arrived)
        results = as_tensors(fetches)
        grads: dict[str, torch.Tensor | None] = {}
        for each in ort_private.graph_inputs(self._manager):
            if each.kind is ort_private.InputKind.PARAMETER and each.qualified_name is not None:
                index = each.gradient_index
                # Copied: autograd makes this very tensor the parameter's .grad.
                grads[each.qualified_name] = None if index is None else results[index].clone()
        pending.parameter_grads = grads
        pending.gradient_names = ort_private.parameter_gradient_names(self._manager)
