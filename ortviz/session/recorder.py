"""Takes what capture saw on the training thread and keeps it from a thread of its own."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ortviz.record import (
    GraphRecord,
    KeepRules,
    LossObservation,
    Problem,
    RunEvent,
    RunInfo,
    StepCapture,
    ToleranceRule,
)
from ortviz.record.store import RunState, RunWriter
from ortviz.session import words
from ortviz.session.engine import Engine
from ortviz.session.inbox import DEFAULT_MAX_BYTES, DEFAULT_MAX_ITEMS, Inbox
from ortviz.session.keeper import Keeper
from ortviz.session.pace import Pace, Sampling
from ortviz.session.storage import create_storage
from ortviz.session.timing import NodeTiming, Timings
from ortviz.session.worker import Item, Worker

_SKIPS_TOLD_EVERY_SECS = 10.0
_EXIT_SECS = 10.0
_CLOSE_SECS = 60.0

_open_recorders: weakref.WeakSet[Recorder] = weakref.WeakSet()


class Recorder:
    """Keeps one run; an :class:`ortviz.record.Sink`.

    Its methods as a sink are called on the training thread: they only hand things over and never
    raise. A thread of its own compares, computes losses, looks for findings and writes the run's
    file, one transaction a step. When that thread cannot keep up, samples are skipped and loss
    observations dropped rather than training delayed; both are counted and said.

    Args:
        path: The run's file; another free name beside it is taken when it exists, the temporary
            folder when it cannot be written there.
        total_steps: How many steps there will be, if known.
        max_items: Most items waiting.
        max_bytes: Most bytes of tensors waiting.
        engine: Looks for findings; None for ortviz's own detectors.
        tolerances: What counts as rounding at some sites, in place of the table.
    """

    def __init__(
        self,
        path: Path,
        *,
        total_steps: int | None = None,
        max_items: int = DEFAULT_MAX_ITEMS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        engine: Engine | None = None,
        tolerances: tuple[ToleranceRule, ...] = (),
    ) -> None:
        self._wanted_path = path
        self._tolerances = tolerances
        self._engine = engine
        self._inbox: Inbox[Item] = Inbox(max_items, max_bytes)
        self._pace = Pace(total_steps)
        self._sampling = Sampling(1)
        self._pid = os.getpid()
        self._info: RunInfo | None = None
        self._path: Path | None = None
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        self._ended = False
        self._unstored: list[Problem] = []
        self._before_end: Callable[[], None] | None = None
        self._capture_bytes = 0
        self._keeper = Keeper(KeepRules(), self.problem)
        self._timings = Timings()
        self._skipped = 0
        self._skips_told_secs = -_SKIPS_TOLD_EVERY_SECS
        self._dropped = 0
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()

    # --- what is known ---------------------------------------------------------------------

    @property
    def info(self) -> RunInfo | None:
        """What capture said when the run began; None before."""
        return self._info

    @property
    def path(self) -> Path | None:
        """The run's file; None when nothing is recorded."""
        return self._path

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._ended

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems that could not be written to the run's file."""
        return (*self._unstored, *(self._worker.problems if self._worker else ()))

    @property
    def graph_count(self) -> int:
        """Stages of graphs kept so far."""
        return self._worker.graph_count if self._worker else 0

    def state(self) -> RunState:
        """Where the run stands now."""
        pace = self._pace
        status = self._sampling.status(stepped=pace.step_count > 0, ended=self._ended)
        return RunState(
            status, pace.latest_step, pace.step_count, pace.total_steps, pace.steps_per_sec
        )

    # --- the sink, on the training thread ----------------------------------------------------

    def started(self, info: RunInfo) -> None:
        """The model is wrapped: create the file and start the thread."""
        if self._info is not None or not self._ours():
            return
        info = replace(info, tolerances=self._tolerances)
        self._info = info
        self._sampling.every = info.every
        self._keeper = Keeper(info.keep, self.problem)
        storage = create_storage(self._wanted_path, info)
        if storage.writer is not None:
            self._start(storage.writer, info)
        if storage.problem is not None:
            self.problem(storage.problem)

    def wants(self, step: int) -> bool:
        """Whether this step is to be sampled: due, and room for it."""
        if self._thread is None or self._ended or not self._ours():
            return False
        if not self._sampling.is_due(step):
            return False
        if not self._inbox.has_room(self._capture_bytes):
            self._skip(step)
            return False
        self._sampling.took()
        return True

    def keeps(self, site_id: str) -> bool:
        """Whether the values of this site are wanted, as a tensor or as a histogram."""
        return self._keeper.keeps(site_id)

    def keeps_rerun(self, size_bytes: int) -> bool:
        """Whether what re-running the step takes is wanted, so large as it is."""
        return self._keeper.keeps_rerun(size_bytes)

    def verifies(self, step: int) -> bool:
        """Whether this step was asked to be looked into deeply."""
        return self._sampling.takes_verify()

    def times(self, step: int) -> int:
        """How often this step was asked to be run again to time its nodes."""
        repeats = self._sampling.takes_times()
        if repeats:
            self._timings.began(step)
        return repeats

    def stepped(self, step: int) -> None:
        """A training forward pass of this number begins."""
        self._pace.stepped(step)

    def captured(self, capture: StepCapture) -> None:
        """A sampled step is complete."""
        self._timings.over(capture.record.step, capture.node_times)
        self._capture_bytes = size_bytes(_arrays(capture))
        # Its cost is paid already, so it is kept even if the queue filled up meanwhile.
        if not self._give(capture, self._capture_bytes, force=True):
            self._skip(capture.record.step)
        elif self._worker is not None:
            # A process that is killed should lose no more than the step in flight.
            self._worker.wake()

    def observed(self, observation: LossObservation) -> None:
        """A loss call was seen, or its step ended without one."""
        arrays = (
            observation.input,
            observation.target,
            observation.reference_input,
            observation.gradient,
        )
        if not self._give(observation, size_bytes(a for a in arrays if a is not None)):
            self._drop(observation.step)

    def graph(self, graph: GraphRecord) -> None:
        """A stage was saved by ORTModule."""
        if not self._give(graph, len(graph.model_bytes), force=True):
            self._refuse(graph)

    def event(self, event: RunEvent) -> None:
        """Something happened to the run."""
        self._give(event, 0, force=True)

    def problem(self, problem: Problem) -> None:
        """Something of ortviz's own went wrong; training goes on."""
        if self._thread is None:
            self._unstored.append(problem)
        else:
            self._give(problem, 0, force=True)

    # --- controls, from any thread -------------------------------------------------------------

    def pause(self) -> None:
        """Go on training without sampling."""
        self._sampling.pause()
        self._give(None, 0, force=True)

    def resume(self) -> None:
        """Sample again as before."""
        self._sampling.resume()
        self._give(None, 0, force=True)

    def sample_next(self) -> None:
        """Sample the next step, whatever its number."""
        self._sampling.sample_next()

    def verify_next(self) -> None:
        """Sample the next step, whatever its number, and look into it deeply."""
        self._sampling.verify_next()

    def time_next(self, repeats: int, timing: NodeTiming) -> None:
        """Sample the next step, whatever its number, and time its nodes.

        Args:
            repeats: Runs to time.
            timing: Told what becomes of it.
        """
        self._timings.ask(timing)
        self._sampling.time_next(repeats)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be called on the recorder's thread after something new can be read.

        Returns:
            How to stop.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(kept for kept in self._listeners if kept is not listener)

        return stop

    # --- the end ---------------------------------------------------------------------------------

    def before_end(self, finish: Callable[[], None]) -> None:
        """Have ``finish`` called first when the run ends, to hand over a step still in flight."""
        self._before_end = finish

    def flush(self, timeout_secs: float = _CLOSE_SECS) -> bool:
        """Wait until everything given so far can be read; False when time ran out."""
        if not self._ours() or self._thread is threading.current_thread():
            return False
        if self._worker is None:
            return True
        with self._worker.hurrying():
            return self._inbox.wait_empty(timeout_secs)

    def end(self) -> None:
        """Take nothing more, without waiting until everything is written."""
        if self._ended or not self._ours():
            return
        finish, self._before_end = self._before_end, None
        if finish is not None:
            finish()
        self._tell_leftovers()
        self._ended = True
        self._inbox.close()
        _open_recorders.discard(self)

    def close(self, timeout_secs: float = _CLOSE_SECS) -> bool:
        """End the run and wait until its file is complete.

        Returns:
            False when the disk was slower than ``timeout_secs``; writing goes on then.
        """
        self.end()
        thread = self._thread
        if thread is None or not self._ours() or thread is threading.current_thread():
            return True
        if self._worker is not None:
            with self._worker.hurrying():
                thread.join(timeout_secs)
        return not thread.is_alive()

    # --- inside ----------------------------------------------------------------------------------

    def _start(self, writer: RunWriter, info: RunInfo) -> None:
        self._path = writer.path
        engine = self._engine or _engine(info)
        self._worker = Worker(
            self._inbox,
            writer,
            engine,
            self._keeper,
            self.state,
            self._tell,
            tolerances=self._tolerances,
        )
        self._thread = threading.Thread(
            target=self._worker.run, name=f"ortviz-recorder-{info.name}", daemon=True
        )
        self._thread.start()
        _open_recorders.add(self)

    def _ours(self) -> bool:
        """Whether this is the process that began the run; a fork has no thread and no file."""
        return os.getpid() == self._pid

    def _give(self, item: Item, bytes_held: int, *, force: bool = False) -> bool:
        if self._thread is None or not self._ours():
            return False
        return self._inbox.offer(item, bytes_held, force=force)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _refuse(self, graph: GraphRecord) -> None:
        if self._thread is None or self._ended or not self._ours():
            return
        self.problem(words.refused_graph(graph))

    def _skip(self, step: int) -> None:
        if self._thread is None or self._ended or not self._ours():
            return
        self._skipped += 1
        now = time.monotonic()
        if now - self._skips_told_secs >= _SKIPS_TOLD_EVERY_SECS:
            self._skips_told_secs = now
            self._tell_skips(step)

    def _tell_skips(self, step: int) -> None:
        count, self._skipped = self._skipped, 0
        self.event(words.skipped(count, step))

    def _drop(self, step: int) -> None:
        if self._thread is None or self._ended or not self._ours():
            return
        self._dropped += 1
        if self._dropped == 1:
            self.problem(words.first_loss_dropped(step))

    def _tell_leftovers(self) -> None:
        step = self._pace.latest_step or 0
        if self._skipped:
            self._tell_skips(step)
        if self._dropped:
            self.problem(words.losses_dropped(self._dropped, self._pace.step_count, step))


def size_bytes(arrays: Iterable[np.ndarray]) -> int:
    """Memory held by arrays; one that is given twice counts once."""
    return sum({id(array): array.nbytes for array in arrays}.values())


def _arrays(capture: StepCapture) -> Iterator[np.ndarray]:
    """Every array that a capture holds on to."""
    for values in (
        capture.reference_values,
        capture.candidate_values,
        capture.repeat_values,
        capture.wide_values,
        capture.local_values,
        capture.start_values,
    ):
        yield from values.values()
    if capture.rerun is not None:
        yield from (tensor.values for tensor in capture.rerun.tensors.values())


def _engine(info: RunInfo) -> Engine:
    from ortviz.findings import FindingsEngine

    return FindingsEngine(info)


@atexit.register
def _close_all() -> None:
    """Write what is still waiting before the interpreter takes the threads away."""
    deadline = time.monotonic() + _EXIT_SECS
    for recorder in tuple(_open_recorders):
        recorder.close(max(deadline - time.monotonic(), 0.1))
