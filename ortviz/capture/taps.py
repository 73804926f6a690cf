"""Which agent serves which of ORTModule's runs, and what is read from it."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import Agent, OrtValues, ReadingError, as_tensors, new_state
from ortviz._compat.ort_private import ExecutionManager
from ortviz._compat.ort_repeat import OwnGeneratorError
from ortviz.capture.arrivals import read_gradients
from ortviz.capture.pending import PendingStep
from ortviz.capture.readings import Readings
from ortviz.capture.second_run import copy_feeds
from ortviz.capture.tapped_build import TappedBuilder
from ortviz.capture.unread import Unread
from ortviz.capture.watched_graph import BesideRun, WatchedGraph
from ortviz.record import Level, Problem, Sink

_GROSS = 1e-3
"""A relative difference that no other rounding explains: leaving values out would hide it."""

Finished = Callable[[PendingStep], None]
Guarded = Callable[[PendingStep, Callable[[], None]], None]


@dataclass(slots=True)
class _Route:
    """Which agent began a run and must end it.

    Attributes:
        agent: It.
        state: What carries the run; None where that is ORTModule's own state.
        pending: The step to record; None when its recording was given up.
        beside: The watched graph's own run of the step; None where it serves the step itself.
    """

    agent: Agent
    state: object = None
    pending: PendingStep | None = None
    beside: BesideRun | None = None


class Taps:
    """Serves ORTModule's runs: plain agent for most steps, tapped agent for sampled ones.

    Args:
        manager: ORTModule's training manager.
        builder: Makes the agents that read.
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
        self._readings = Readings()
        self._watched: WatchedGraph | None = None
        self._unread = Unread()
        self._broken = ""
        self._not_inner = ""
        self.current: PendingStep | None = None

    def reset(self) -> None:
        """ORTModule exported again: what reads tensors belongs to the old graph."""
        self._watched = None
        self._broken = self._not_inner = ""
        self._level = self._wanted_level
        self._unread = Unread()

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
        watched = self._watched_for(pending)
        self._routes[state] = route = _Route(plain, pending=pending)
        run = (feeds, fetches, state, cache)
        if watched is None:
            self._run_plain(pending, plain, run)
            return
        self._guarded(pending, lambda: self._copy_feeds(pending, feeds))
        if self._serve(watched, route, pending, run):
            pending.plan = watched.plan
            if not watched.same and watched.beside is not None:
                route.beside = BesideRun(watched, watched.beside)
                self._beside(route, pending, lambda run: run.forward(pending, fetches))
        self._guarded(pending, lambda: self._readings.reduce(pending))

    def run_backward(
        self, plain: Agent, feeds: OrtValues, fetches: OrtValues, state: object
    ) -> None:
        """Run the backward of a step; see :class:`AgentWatcher`."""
        route = self._routes.pop(state, None) or _Route(plain)
        pending = route.pending
        self._readings.pending = pending
        begun, unread = perf_counter(), None
        try:
            route.agent.run_backward(feeds, fetches, route.state or state)
        except ReadingError as error:
            unread = error
            self._readings.drop()
        finally:
            self._readings.pending = None
        if pending is None:
            return
        pending.ort_secs += perf_counter() - begun
        if unread is not None:
            pending.plan = None
            self._give_up(unread, pending.step)
        if pending.sampled:
            self._read_backward(route, pending, feeds, fetches)
        self._guarded(pending, lambda: read_gradients(self._manager, pending, feeds, fetches))
        self._on_backward_done(pending)

    def _read_backward(
        self, route: _Route, pending: PendingStep, feeds: OrtValues, fetches: OrtValues
    ) -> None:
        users = (*as_tensors(feeds), *as_tensors(fetches))
        self._guarded(pending, lambda: self._readings.separate(pending, users))
        if route.beside is not None:
            self._beside(route, pending, lambda run: self._check(run, pending, feeds, fetches))
        self._guarded(pending, lambda: self._readings.reduce(pending))

    def _run_plain(
        self,
        pending: PendingStep,
        plain: Agent,
        run: tuple[OrtValues, OrtValues, object, object],
    ) -> None:
        begun = perf_counter()
        plain.run_forward(*run)
        pending.ort_secs += perf_counter() - begun

    def _serve(
        self,
        watched: WatchedGraph,
        route: _Route,
        pending: PendingStep,
        run: tuple[OrtValues, OrtValues, object, object],
    ) -> bool:
        """Run the user's forward; if another than the plain agent fails, that one runs it.

        Returns:
            Whether what the watched graph needs is there.
        """
        feeds, fetches, state, cache = run
        plain = route.agent
        self._readings.pending = pending
        begun = None
        try:
            agent = watched.serving()
            begun = perf_counter()
            if agent is None:
                plain.run_forward(feeds, fetches, state, cache)
            else:
                route.agent, route.state = agent, new_state()
                agent.run_forward(feeds, fetches, route.state, cache)
            return True
        except Exception as error:
            if watched.served_by_plain:
                raise
            failure = error
            self._readings.drop()
        finally:
            pending.ort_secs += 0.0 if begun is None else perf_counter() - begun
            self._readings.pending = None
        if not isinstance(failure, ReadingError):
            route.agent, route.state = plain, None
            self._run_plain(pending, plain, run)
        self._give_up(failure, pending.step)
        return False

    def _beside(
        self, route: _Route, pending: PendingStep, action: Callable[[BesideRun], None]
    ) -> None:
        """Run the watched graph beside; if it fails, only what it would have shown is lost."""
        assert route.beside is not None
        self._readings.pending = pending
        try:
            action(route.beside)
        except Exception as error:  # noqa: BLE001 - the user's step was served by another agent
            self._readings.drop()
            route.beside = pending.plan = None
            self._give_up(error, pending.step)
        finally:
            self._readings.pending = None

    def _check(
        self, run: BesideRun, pending: PendingStep, feeds: OrtValues, fetches: OrtValues
    ) -> None:
        pending.tap_check = run.backward(pending, self._manager, feeds, fetches)
        pending.read_beside = run.watched.same is False
        check = pending.tap_check
        rounding = check is not None and check.max_rel_error < _GROSS
        # Of several steps on trial the first decides.
        if run.different and rounding and run.watched is self._watched:
            self._read_less(run)

    def _read_less(self, run: BesideRun) -> None:
        """Try another graph at the next sampled step: one that serves the user spares a run.

        At the tensor level everything is asked for, whatever it takes.
        """
        optimized = ort_private.optimized_model(self._manager)
        if optimized is None or self._level is Level.TENSOR:
            return
        gradients = ort_private.parameter_gradient_names(self._manager)
        outputs = ort_private.user_output_names(self._manager)
        named = {f"output {index}": name for index, name in enumerate(outputs)} | gradients
        different = {named[name]: name for name in run.different if name in named}
        told = {
            value: f"the gradient of {name}" if name in gradients else name
            for value, name in different.items()
        }
        if self._unread.blame(optimized, run.watched.plan, told):
            self._watched = None

    def _copy_feeds(self, pending: PendingStep, feeds: OrtValues) -> None:
        # Now: the user may change the inputs in place once the forward is over.
        pending.feeds = copy_feeds(self._manager, as_tensors(feeds))

    def _watched_for(self, pending: PendingStep) -> WatchedGraph | None:
        if not pending.sampled:
            return None
        while self._watched is None and not self._broken:
            try:
                self._watched = self._builder.build(self._level, self._readings, self._unread)
                pending.tap_check = self._watched.unchecked
            except OwnGeneratorError as error:
                self._broken = str(error)
            except Exception as error:  # noqa: BLE001 - the plain agent serves
                self._give_up(error, pending.step)
        pending.notes += [note for note in (self._broken, self._not_inner) if note]
        return self._watched

    def _give_up(self, error: Exception, step: int) -> None:
        self._watched = None
        detail = "".join(traceback.format_exception(error))
        if self._level is Level.TENSOR:
            # What leaves modules may still be had; the next sampled step tries.
            self._level = Level.MODULE
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
