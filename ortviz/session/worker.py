"""The recorder's own thread: compares, computes losses, looks for findings, writes."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Union

from ortviz.errors import OrtvizError, StoreError
from ortviz.record import (
    Finding,
    GraphRecord,
    LossObservation,
    NodeTimes,
    Problem,
    RunEvent,
    StepCapture,
    StepComparison,
    StepRecord,
    ToleranceRule,
)
from ortviz.record.store import RunState, RunWriter
from ortviz.session.engine import Engine
from ortviz.session.inbox import Inbox
from ortviz.session.keeper import Keeper, Keepsake
from ortviz.session.step_losses import step_losses
from ortviz.session.unwritten import Unwritten

if TYPE_CHECKING:
    from ortviz.compare import Comparer

Item = Union[StepCapture, LossObservation, GraphRecord, RunEvent, Problem, None]
"""What the training thread hands over; None only says that the state has changed."""

_BATCH_ITEMS = 128
_LINGER_SECS = 0.05
_REFUSED_AT_MOST = 3
_STATE_SECS = 0.2
_DISK_REMEDY = "Training goes on, and what was recorded before stays readable."
_OWN_REMEDY = "Training goes on. If it happens again, report it with the details below."


@dataclass(frozen=True, slots=True)
class _Write:
    """One thing that is ready to be written, and what to say if that fails."""

    trouble: str
    step: int | None
    act: Callable[[], None]
    lighter: Callable[[], None] | None = None
    """Without its tensors, where it has some."""


class Worker:
    """Empties the inbox until it is closed. Whatever goes wrong becomes a Problem.

    Args:
        inbox: Where items come from.
        writer: The run's file.
        engine: Looks for findings.
        keeper: Keeps whole tensors.
        state: Where the run stands now.
        changed: Called after something new can be read.
        tolerances: What counts as rounding at some sites, in place of the table.
    """

    def __init__(
        self,
        inbox: Inbox[Item],
        writer: RunWriter,
        engine: Engine,
        keeper: Keeper,
        state: Callable[[], RunState],
        changed: Callable[[], None],
        *,
        tolerances: tuple[ToleranceRule, ...] = (),
    ) -> None:
        self._inbox = inbox
        self._writer = writer
        self._engine = engine
        self._keeper = keeper
        self._state = state
        self._changed = changed
        self._tolerances = tolerances
        self._comparer: Comparer | None = None
        self._unwritten = Unwritten()
        self._awake = threading.Event()
        self._waiting_count = 0
        self._lock = threading.Lock()
        self.graph_count = 0
        """Stages given so far."""
        self._stored_state: RunState | None = None
        self._state_secs = 0.0
        self._told: set[tuple[str, str]] = set()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems that could not be written to the file."""
        return self._unwritten.problems

    def wake(self) -> None:
        """Collect no longer: something was given that should not wait."""
        self._awake.set()

    @contextmanager
    def hurrying(self) -> Iterator[None]:
        """Collect nothing meanwhile, because someone waits."""
        with self._lock:
            self._waiting_count += 1
        self._awake.set()
        try:
            yield
        finally:
            with self._lock:
                self._waiting_count -= 1

    def run(self) -> None:
        """The thread's whole life."""
        try:
            self._guarded("The start of the run could not be recorded", self._begin, None)
            while self._turn():
                pass
        finally:
            # Were it left open, a queue that nobody empties would fill up.
            self._inbox.close()
            self._finish()

    def _begin(self) -> None:
        self._unwritten.add_findings(self._engine.on_started())
        self._write_findings()

    def _turn(self) -> bool:
        """Wait for items and deal with them. A method, so that their arrays are let go of."""
        stale = self._state() != self._stored_state
        if not self._waiting_count:
            self._awake.clear()
        batch = self._inbox.take(_BATCH_ITEMS, _STATE_SECS if stale else None)
        if batch is None:
            return False
        if batch and all(isinstance(item, LossObservation) for item in batch):
            # Fast steps are collected for a moment. Waking up for each of them would take more
            # time from training than the work itself.
            self._awake.wait(_LINGER_SECS)
            batch += self._inbox.take(_BATCH_ITEMS, 0.0) or []
        for heavy, items in groupby(batch, lambda item: isinstance(item, StepCapture)):
            # Losses that wait share a transaction, which is far quicker; a sampled step has its
            # own, so that it can be read as soon as it is compared.
            for together in [[item] for item in items] if heavy else [list(items)]:
                self._keep_all(together)
        self._store_state(at_once=not batch)
        self._write_problems()
        self._inbox.done(batch)
        self._guarded("A view could not be told", self._changed, None)
        return True

    def _keep_all(self, items: Sequence[Item]) -> None:
        # All is looked at before anything is written, so that nothing goes unnoticed while the
        # disk refuses, and the file is not held while steps are compared.
        writes: list[_Write] = []
        for item in items:
            step, trouble = _step_of(item), f"{type(item).__name__} could not be recorded"
            act = partial(self._prepare, item, trouble, writes)
            if not self._guarded(trouble, act, step):
                self._unwritten.lose(step)
        if not writes and not self._unwritten.findings:
            return
        try:
            self._write(writes)
        except Exception as error:  # noqa: BLE001  (training must not stop for our trouble)
            if not writes:
                self._trouble("Findings could not be written", error, None)
            self._write_singly(writes)

    def _write(self, writes: Sequence[_Write]) -> None:
        """Write all of it as one transaction."""
        self._keeper.undone()
        with self._writer.batch():
            for write in writes:
                write.act()
            self._write_findings()
        self._keeper.written()
        self._unwritten.findings.clear()

    def _write_one(self, write: _Write) -> None:
        """Write it by itself, and if the disk does not take its tensors then without them."""
        try:
            self._write([write])
        except StoreError as error:
            if write.lighter is None:
                raise
            self._write([replace(write, act=write.lighter, lighter=None)])
            self._keeper.stop(write.step or 0, error)

    def _write_singly(self, writes: Sequence[_Write]) -> None:
        """Each in a transaction of its own, so that one that cannot be written costs no other."""
        refused = 0
        for write in writes:
            # A disk that refuses again and again is not asked for each of a hundred: where another
            # program holds the file, each time takes seconds.
            gave_up = refused == _REFUSED_AT_MOST
            if gave_up or not self._guarded(
                write.trouble, partial(self._write_one, write), write.step
            ):
                self._unwritten.lose(write.step)
                refused += not gave_up
            else:
                refused = 0

    def _write_findings(self) -> None:
        if self._unwritten.findings:
            self._writer.put_findings(tuple(self._unwritten.findings.values()))

    def _write_problems(self, *, last: bool = False) -> None:
        for problem in self._keeper.news():
            self._unwritten.add_problem(problem)
        # They can be asked for where they are; another attempt is made at the next turn.
        with suppress(StoreError):
            self._unwritten.write_problems(self._writer, last=last)

    def _prepare(self, item: Item, trouble: str, writes: list[_Write]) -> None:
        """Do everything but the writing; what is to be written is added to ``writes``."""
        act: Callable[[], None]
        lighter: Callable[[], None] | None = None
        step = _step_of(item)
        if isinstance(item, StepCapture):
            comparison, keepsake = self._compared(item), self._keepsake(item)
            times = item.node_times
            act = partial(self._put_step, item.record, comparison, keepsake, times)
            if not keepsake.is_empty:
                nothing = Keepsake(keepsake.step)
                lighter = partial(self._put_step, item.record, comparison, nothing, times)
        elif isinstance(item, LossObservation):
            losses = step_losses(item)
            self._look(lambda: self._engine.on_losses(losses), step)
            act = partial(self._writer.put_losses, losses)
        elif isinstance(item, GraphRecord):
            self._look(lambda: self._engine.on_graph(item), step)
            self.graph_count += 1
            act = partial(self._writer.put_graph, item)
        elif isinstance(item, RunEvent):
            self._look(lambda: self._engine.on_event(item), step)
            act = partial(self._writer.put_event, item)
        else:
            if item is not None:
                self._unwritten.add_problem(item)
            return
        writes.append(_Write(trouble, step, act, lighter))

    def _keepsake(self, capture: StepCapture) -> Keepsake:
        try:
            return self._keeper.keepsake(capture)
        except Exception as error:  # noqa: BLE001  (the statistics are still worth keeping)
            self._trouble("Tensors could not be kept", error, capture.record.step)
            return Keepsake(capture.record.step)

    def _compared(self, capture: StepCapture) -> StepComparison | None:
        from ortviz.compare import Comparer

        if self._comparer is None:
            self._comparer = Comparer(self._tolerances)
        record = capture.record
        comparison: StepComparison | None = None
        try:
            comparison = self._comparer.compare(capture)
        except Exception as error:  # noqa: BLE001  (the statistics are still worth keeping)
            self._trouble("Eager and ORT could not be compared", error, record.step)
        self._look(lambda: self._engine.on_step(record, comparison), record.step)
        return comparison

    def _put_step(
        self,
        record: StepRecord,
        comparison: StepComparison | None,
        keepsake: Keepsake,
        times: NodeTimes | None,
    ) -> None:
        with self._writer.batch():
            self._writer.put_step(record, comparison)
            if times is not None:
                self._writer.put_node_times(times)
            self._keeper.put(self._writer, keepsake)
            # So that a reader never sees a recorded step newer than the run's latest one.
            self._store_state(at_once=True)

    def _guarded(self, trouble: str, act: Callable[[], object], step: int | None) -> bool:
        """Whether ``act`` did not raise; if it did, the trouble is told."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  (training must not stop for our trouble)
            self._trouble(trouble, error, step)
            return False
        return True

    def _look(self, detect: Callable[[], Sequence[Finding]], step: int | None) -> None:
        """Note what is found; it is written in the same transaction as what it was found in."""
        # The records are worth keeping even if this fails.
        self._guarded(
            "A detector of findings failed", lambda: self._unwritten.add_findings(detect()), step
        )

    def _trouble(self, what: str, error: Exception, step: int | None) -> None:
        """Tell a trouble once, however often it happens."""
        key = (what, type(error).__name__)
        if key in self._told:
            return
        self._told.add(key)
        at = "" if step is None else f" at step {step}"
        why = error.what if isinstance(error, OrtvizError) else str(error)
        remedy = _OWN_REMEDY
        if isinstance(error, StoreError):
            remedy = f"{error.remedy} {_DISK_REMEDY}".strip()
        problem = Problem(
            what=f"{what}{at}: {why.rstrip('.')}. The same at later steps is not repeated here.",
            remedy=remedy,
            step=step,
            detail="".join(traceback.format_exception(error))[-4000:],
        )
        self._unwritten.add_problem(problem)

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
        if self._comparer is not None:
            for problem in self._comparer.problems():
                self._unwritten.add_problem(problem)
        self._store_state(at_once=True)
        self._write_problems(last=True)
        self._writer.close()
        self._guarded("A view could not be told", self._changed, None)


def _step_of(item: Item) -> int | None:
    if isinstance(item, StepCapture):
        return item.record.step
    step: int | None = getattr(item, "step", None)
    return step
