"""The recorder's own thread: compares, computes losses, looks for findings, writes."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Protocol, Union

from ortviz.errors import StoreError
from ortviz.record import (
    Finding,
    GraphRecord,
    LossObservation,
    Problem,
    RunEvent,
    StepCapture,
    StepComparison,
    StepLosses,
    StepRecord,
)
from ortviz.record.store import RunState, RunWriter
from ortviz.session.inbox import Inbox
from ortviz.session.step_losses import step_losses

Item = Union[StepCapture, LossObservation, GraphRecord, RunEvent, Problem, None]
"""What the training thread hands over; None only says that the state has changed."""

_BATCH_ITEMS = 128
_LINGER_SECS = 0.05
_STATE_SECS = 0.2
_PROBLEMS_IN_MEMORY = 100
_DISK_REMEDY = "Free some disk space; what was recorded before stays readable."
_OWN_REMEDY = "Training goes on. If it happens again, report it with the details below."


class Engine(Protocol):
    """What is needed of :class:`ortviz.findings.FindingsEngine`; each answers what is new."""

    def on_started(self) -> Sequence[Finding]:
        """The run begins."""

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Sequence[Finding]:
        """A sampled step."""

    def on_losses(self, losses: StepLosses) -> Sequence[Finding]:
        """Losses of a step, sampled or not."""

    def on_graph(self, graph: GraphRecord) -> Sequence[Finding]:
        """A saved stage."""

    def on_event(self, event: RunEvent) -> Sequence[Finding]:
        """Something that happened to the run."""


class Worker:
    """Empties the inbox until it is closed. Whatever goes wrong becomes a Problem.

    Args:
        inbox: Where items come from.
        writer: The run's file.
        engine: Looks for findings.
        state: Where the run stands now.
        changed: Called after something new can be read.
    """

    def __init__(
        self,
        inbox: Inbox[Item],
        writer: RunWriter,
        engine: Engine,
        state: Callable[[], RunState],
        changed: Callable[[], None],
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._engine = engine
        self._state = state
        self._changed = changed
        self._hurry = threading.Event()
        self.graph_count = 0
        """Stages kept so far."""
        self._stored_state: RunState | None = None
        self._state_secs = 0.0
        self._told: set[tuple[str, str]] = set()
        self._problems: list[Problem] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems that could not be written to the file."""
        return tuple(self._problems)

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Collect nothing meanwhile, because someone waits."""
        self._hurry.set()
        try:
            yield
        finally:
            self._hurry.clear()

    def run(self) -> None:
        """The thread's whole life."""
        try:
            self._guarded("The start of the run could not be recorded", self._begin, None)
            while self._turn():
                pass
        finally:
            self._finish()

    def _begin(self) -> None:
        self._writer.put_findings(self._engine.on_started())

    def _turn(self) -> bool:
        """Wait for items and deal with them. A method, so that their arrays are let go of."""
        stale = self._state() != self._stored_state
        batch = self._inbox.take(_BATCH_ITEMS, _STATE_SECS if stale else None)
        if batch is None:
            return False
        if batch and all(isinstance(item, LossObservation) for item in batch):
            # Fast steps are collected for a moment. Waking up for each of them would take more
            # time from training than the work itself.
            self._hurry.wait(_LINGER_SECS)
            batch += self._inbox.take(_BATCH_ITEMS, 0.0) or []
        for heavy, items in groupby(batch, lambda item: isinstance(item, StepCapture)):
            # Losses that wait share a transaction, which is far quicker; a sampled step has its
            # own, so that it can be read as soon as it is compared.
            for together in [[item] for item in items] if heavy else [list(items)]:
                self._guarded("Steps could not be written", partial(self._keep_all, together), None)
        self._store_state(at_once=not batch)
        self._inbox.done(batch)
        self._changed()
        return True

    def _keep_all(self, items: Sequence[Item]) -> None:
        with self._writer.batch():
            for item in items:
                step = item.record.step if isinstance(item, StepCapture) else _step_of(item)
                kind = type(item).__name__
                self._guarded(f"{kind} could not be recorded", partial(self._keep, item), step)

    def _keep(self, item: Item) -> None:
        if isinstance(item, StepCapture):
            self._keep_capture(item)
        elif isinstance(item, LossObservation):
            self._keep_losses(step_losses(item))
        elif isinstance(item, GraphRecord):
            self._keep_graph(item)
        elif isinstance(item, RunEvent):
            self._keep_event(item)
        elif isinstance(item, Problem):
            self._keep_problem(item)

    def _guarded(self, trouble: str, act: Callable[[], None], step: int | None) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001  (training must not stop for our trouble)
            self._trouble(trouble, error, step)

    def _keep_capture(self, capture: StepCapture) -> None:
        from ortviz.compare import compare_step

        record = capture.record
        comparison: StepComparison | None = None
        try:
            comparison = compare_step(capture)
        except Exception as error:  # noqa: BLE001  (the statistics are still worth keeping)
            self._trouble("Eager and ORT could not be compared", error, record.step)
        findings = self._look(lambda: self._engine.on_step(record, comparison), record.step)
        with self._writer.batch():
            self._writer.put_step(record, comparison)
            self._writer.put_findings(findings)
            # So that a reader never sees a recorded step newer than the run's latest one.
            self._store_state(at_once=True)

    def _keep_losses(self, losses: StepLosses) -> None:
        findings = self._look(lambda: self._engine.on_losses(losses), losses.step)
        with self._writer.batch():
            self._writer.put_losses(losses)
            if findings:
                self._writer.put_findings(findings)

    def _keep_graph(self, graph: GraphRecord) -> None:
        findings = self._look(lambda: self._engine.on_graph(graph), None)
        with self._writer.batch():
            self._writer.put_graph(graph)
            self._writer.put_findings(findings)
        self.graph_count += 1

    def _keep_event(self, event: RunEvent) -> None:
        findings = self._look(lambda: self._engine.on_event(event), event.step)
        with self._writer.batch():
            self._writer.put_event(event)
            self._writer.put_findings(findings)

    def _keep_problem(self, problem: Problem) -> None:
        try:
            self._writer.put_problem(problem)
        except StoreError:
            if len(self._problems) < _PROBLEMS_IN_MEMORY:
                self._problems.append(problem)

    def _look(self, detect: Callable[[], Sequence[Finding]], step: int | None) -> Sequence[Finding]:
        try:
            return detect()
        except Exception as error:  # noqa: BLE001  (the records are still worth keeping)
            self._trouble("A detector of findings failed", error, step)
            return ()

    def _trouble(self, what: str, error: Exception, step: int | None) -> None:
        """Tell a trouble once, however often it happens."""
        key = (what, type(error).__name__)
        if key in self._told:
            return
        self._told.add(key)
        at = "" if step is None else f" at step {step}"
        problem = Problem(
            what=f"{what}{at}: {error}. The same at later steps is not repeated here.",
            remedy=_DISK_REMEDY if isinstance(error, StoreError) else _OWN_REMEDY,
            step=step,
            detail="".join(traceback.format_exception(error))[-4000:],
        )
        self._keep_problem(problem)

    def _store_state(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not (at_once or now - self._state_secs >= _STATE_SECS):
            return
        state = self._state()
        try:
            self._writer.set_state(
                state.status,
                state.latest_step,
                state.step_count,
                state.total_steps,
                state.steps_per_sec,
            )
        except StoreError as error:
            self._trouble("The state of the run could not be written", error, state.latest_step)
        self._stored_state = state
        self._state_secs = now

    def _finish(self) -> None:
        self._store_state(at_once=True)
        self._writer.close()
        self._changed()


def _step_of(item: Item) -> int | None:
    step: int | None = getattr(item, "step", None)
    return step
