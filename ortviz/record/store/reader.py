"""Reads a run file, while it is being written or years later."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ortviz.errors import StoreError, UnknownNameError
from ortviz.record.comparisons import StepComparison
from ortviz.record.findings import Finding, Problem
from ortviz.record.graphs import GraphRecord, Stage
from ortviz.record.node_times import NodeTimes
from ortviz.record.runs import RunEvent, RunInfo, RunStatus
from ortviz.record.steps import MaskedElement, Mode, Side, StepLosses, StepRecord
from ortviz.record.store import losses as loss_queries
from ortviz.record.store import saved_graphs as graph_queries
from ortviz.record.store import steps as step_queries
from ortviz.record.store.database import Database, open_database
from ortviz.record.store.history import read_site_history
from ortviz.record.store.kept import KeptTensors
from ortviz.record.store.owner import OwnedState
from ortviz.record.store.packing import DamagedContentError, pack, unpack
from ortviz.record.store.results import (
    LossBins,
    LossMarks,
    MaskedElements,
    RunState,
    SiteHistory,
    StoredGraph,
)
from ortviz.record.store.trouble import damaged, plain_words

_CUT_OFF = Problem(
    what="The process that recorded this run ended without closing it, so the step in flight is "
    "missing, and what else had not been written in its last moment.",
    remedy="All steps shown here are whole. Train again if the last one matters.",
)

P = ParamSpec("P")
R = TypeVar("R")


def _reading(
    method: Callable[Concatenate[RunReader, P], R],
) -> Callable[Concatenate[RunReader, P], R]:
    """Say which file it is whose content is damaged."""

    @functools.wraps(method)
    def read(self: RunReader, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except DamagedContentError as error:
            raise damaged(self.path, str(error)) from error

    return read


class RunReader:
    """Reads one run. Made by :meth:`open`; sees what the writer has written so far.

    Safe to use from several threads. Every method raises :class:`~ortviz.errors.StoreError`
    when the file cannot be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._info: RunInfo | None = None

    @classmethod
    def open(cls, path: str | Path) -> RunReader:
        """Open a run file for reading.

        Raises:
            StoreError: It is not there, is no run of ortviz, or comes from a newer version.
        """
        return cls(open_database(Path(path)))

    @property
    def path(self) -> Path:
        """The run file."""
        return self._database.path

    @property
    def kept(self) -> KeptTensors:
        """Raw tensors, histograms and re-runnable steps."""
        return KeptTensors(self._database)

    @_reading
    def info(self) -> RunInfo:
        """What was known when the run began; it is written once, and so read once."""
        if self._info is None:
            self._info = unpack(RunInfo, self._run_column("info"))
        return self._info

    @_reading
    def state(self) -> RunState:
        """Where the run stands; ended also when the process that recorded it is gone."""
        content = self._run_column("state")
        state = unpack(RunState, content)
        cut_off = unpack(OwnedState, content).cut_off
        return replace(state, status=RunStatus.ENDED) if cut_off else state

    @_reading
    def sampled_steps(self, max_points: int | None = None) -> NDArray[np.int64]:
        """Recorded steps, int64 (step), ascending.

        Args:
            max_points: At most so many, spread over the run, first and last kept; the time this
                takes does not grow with the run. None: all of them.
        """
        if max_points is None:
            return step_queries.all_steps(self._database)
        return step_queries.thinned_steps(self._database, max(max_points, 2))

    def sampled_step_count(self) -> int:
        """How many steps are recorded."""
        return step_queries.step_count(self._database)

    def latest_sampled_step(self) -> int | None:
        """The newest recorded step; None before the first."""
        return step_queries.latest_step(self._database)

    @_reading
    def step(self, step: int) -> StepRecord:
        """A recorded step.

        Raises:
            UnknownNameError: It was not recorded; names the nearest ones that were.
        """
        return unpack(StepRecord, step_queries.step_column(self._database, "record", step))

    @_reading
    def comparison(self, step: int) -> StepComparison:
        """Eager against ORT at a recorded step.

        Raises:
            UnknownNameError: The step was not recorded, or there was nothing to compare it with.
        """
        content = step_queries.step_column(self._database, "comparison", step)
        if content is None:
            raise UnknownNameError(
                f"Step {step} has no comparison.", "Only one side ran at that step; see its notes."
            )
        return unpack(StepComparison, content)

    @_reading
    def losses(self, step: int) -> StepLosses:
        """The losses of a step.

        Raises:
            UnknownNameError: None were recorded at that step.
        """
        return loss_queries.read_losses(self._database, step)

    @_reading
    def latest_losses(self) -> StepLosses | None:
        """The newest losses; None before the first."""
        return loss_queries.latest_losses(self._database)

    def loss_step_range(self) -> tuple[int, int] | None:
        """First and last step with losses; None when there is none."""
        return loss_queries.step_range(self._database)

    @_reading
    def loss_notes(self) -> tuple[str, ...]:
        """Different notes of the losses, at most 20, by the step they first came at."""
        rows = self._database.rows("SELECT note FROM loss_note ORDER BY step, note")
        if not all(isinstance(row[0], str) for row in rows):
            raise DamagedContentError("one of its notes is no text")
        return tuple(row[0] for row in rows)

    @_reading
    def loss_bins(
        self, first: int | None = None, last: int | None = None, max_points: int = 2000
    ) -> LossBins:
        """Losses from step ``first`` to ``last`` (inclusive; None: as far as there are any).

        Args:
            first: First step.
            last: Last step.
            max_points: At most so many bins; at least 2 are allowed for.
        """
        return loss_queries.read_bins(self._database, first, last, max_points)

    @_reading
    def loss_marks(self, first: int = 0, last: int = 2**62, limit: int = 500) -> LossMarks:
        """Steps at which a loss or the arriving gradient was not finite, at most ``limit``."""
        return loss_queries.read_loss_marks(self._database, first, last, limit)

    @_reading
    def masked_elements(
        self, loss: str, first: int = 0, last: int = 2**62, limit: int = 20_000
    ) -> MaskedElements:
        """Masked elements of ``mape`` or ``smape`` over a range of steps.

        Raises:
            UnknownNameError: Another loss.
        """
        return loss_queries.read_masked(self._database, loss, first, last, limit)

    @_reading
    def masked_elements_at(self, loss: str, step: int) -> tuple[MaskedElement, ...]:
        """Masked elements of ``mape`` or ``smape`` at one step; empty when there is none.

        Raises:
            UnknownNameError: Another loss.
        """
        return loss_queries.masked_at(self._database, loss, step)

    @_reading
    def findings(self) -> tuple[Finding, ...]:
        """All findings: most severe first, then by first step, then where it begins."""
        rows = self._database.rows("SELECT body FROM finding ORDER BY rowid")
        found = (unpack(Finding, row[0]) for row in rows)
        return tuple(sorted(found, key=lambda finding: finding.rank))

    @_reading
    def problems(self) -> tuple[Problem, ...]:
        """Troubles of ortviz's own, oldest first; the last says so when the run was cut off."""
        rows = self._database.rows("SELECT body FROM problem ORDER BY id")
        problems = tuple(unpack(Problem, row[0]) for row in rows)
        cut_off = unpack(OwnedState, self._run_column("state")).cut_off
        return (*problems, _CUT_OFF) if cut_off else problems

    @_reading
    def events(self) -> tuple[RunEvent, ...]:
        """Events, oldest first."""
        rows = self._database.rows("SELECT body FROM event ORDER BY id")
        return tuple(unpack(RunEvent, row[0]) for row in rows)

    @_reading
    def graphs(self) -> tuple[StoredGraph, ...]:
        """The newest export of each mode and stage, training first, in the stages' order."""
        return graph_queries.newest_graphs(self._database)

    @_reading
    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """The newest export of one stage, its bytes included.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return graph_queries.read_graph(self._database, mode, stage)

    @_reading
    def graph_key(self, mode: Mode | str, stage: Stage | str) -> int:
        """Tells the newest export of one stage from all other graphs of the run.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return graph_queries.newest_key(self._database, mode, stage)

    def data_folder(self) -> Path | None:
        """None: a run's file holds all there is of its graphs."""
        return None

    @_reading
    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """The ONNX file of the newest export of one stage.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return graph_queries.read_model(self._database, mode, stage)

    @_reading
    def node_times(self, step: int | None = None) -> NodeTimes | None:
        """How long nodes took, as was last measured up to a step; None where nothing was.

        Args:
            step: The step; where nothing was measured up to it, what was measured first after it
                is given. None: the newest there is.
        """
        known = self._database.row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'node_time'"
        )
        if not known:
            return None
        row = self._database.row(
            "SELECT body FROM node_time ORDER BY step > ?1, abs(step - ?1) LIMIT 1",
            (2**62 if step is None else step,),
        )
        return unpack(NodeTimes, row[0]) if row else None

    @_reading
    def site_history(self, site_id: str, side: Side, max_points: int = 500) -> SiteHistory:
        """Statistics of one site over the recorded steps, at most ``max_points`` of them.

        Raises:
            UnknownNameError: ``site_id`` is not an address.
        """
        return read_site_history(self._database, site_id, side, max(max_points, 2))

    def save_copy(self, path: str | Path) -> Path:
        """Write everything recorded so far to one file that can be moved about.

        Nobody goes on writing to the copy, so its status is ended, also where the run goes on.

        Returns:
            ``path``; a file that was there before is replaced once the copy is complete.

        Raises:
            StoreError: It cannot be written there.
        """
        target = Path(path)
        if target.exists() and target.samefile(self.path):
            raise StoreError(
                f"{target} is the run file itself.", "Choose another path for the copy."
            )
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        with plain_words(target, "written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with contextlib.closing(sqlite3.connect(partial)) as connection:
                    self._database.backup_to(connection)
                    _mark_ended(connection)
                    connection.execute("PRAGMA journal_mode = DELETE")
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        return target

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._database.close()

    def __enter__(self) -> RunReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run_column(self, column: str) -> object:
        row = self._database.row(f"SELECT {column} FROM run WHERE id = 1")  # noqa: S608
        if row is None:
            raise DamagedContentError("it does not say what was recorded")
        return row[0]


def _mark_ended(copy: sqlite3.Connection) -> None:
    with contextlib.suppress(DamagedContentError, TypeError):
        # A copy of a file without a readable state is as good as that file.
        (content,) = copy.execute("SELECT state FROM run WHERE id = 1").fetchone()
        state = replace(unpack(RunState, content), status=RunStatus.ENDED)
        copy.execute("UPDATE run SET state = ? WHERE id = 1", (pack(state),))
        copy.commit()
