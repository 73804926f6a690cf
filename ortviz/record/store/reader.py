"""Reads a run file, while it is being written or years later."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.errors import StoreError, UnknownNameError
from ortviz.record.comparisons import StepComparison
from ortviz.record.findings import Finding, Problem, Severity
from ortviz.record.graphs import GraphRecord, Stage
from ortviz.record.runs import RunEvent, RunInfo
from ortviz.record.steps import MaskedElement, Mode, Side, StepLosses, StepRecord
from ortviz.record.store import losses as loss_queries
from ortviz.record.store.database import Database, open_database, plain_words
from ortviz.record.store.history import read_site_history
from ortviz.record.store.packing import unpack
from ortviz.record.store.results import (
    LossBins,
    LossMarks,
    MaskedElements,
    RunState,
    SiteHistory,
    StoredGraph,
)


class RunReader:
    """Reads one run. Made by :meth:`open`; sees what the writer has written so far.

    Safe to use from several threads. Every method raises :class:`~ortviz.errors.StoreError`
    when the file cannot be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def info(self) -> RunInfo:
        """What was known when the run began."""
        return unpack(RunInfo, self._run_column("info"))

    def state(self) -> RunState:
        """Where the run stands."""
        return unpack(RunState, self._run_column("state"))

    def sampled_steps(self) -> NDArray[np.int64]:
        """All recorded steps, int64 (step), ascending."""
        rows = self._database.rows("SELECT step FROM step ORDER BY step")
        return np.fromiter((row[0] for row in rows), np.int64, len(rows))

    def sampled_step_count(self) -> int:
        """How many steps are recorded."""
        row = self._database.row("SELECT count(*) FROM step")
        return int(row[0]) if row else 0

    def latest_sampled_step(self) -> int | None:
        """The newest recorded step; None before the first."""
        row = self._database.row("SELECT max(step) FROM step")
        return None if row is None or row[0] is None else int(row[0])

    def step(self, step: int) -> StepRecord:
        """A recorded step.

        Raises:
            UnknownNameError: It was not recorded; names the nearest ones that were.
        """
        return unpack(StepRecord, self._step_column("record", step))

    def comparison(self, step: int) -> StepComparison:
        """Eager against ORT at a recorded step.

        Raises:
            UnknownNameError: The step was not recorded, or there was nothing to compare it with.
        """
        content = self._step_column("comparison", step)
        if content is None:
            raise UnknownNameError(
                f"Step {step} has no comparison.", "Only one side ran at that step; see its notes."
            )
        return unpack(StepComparison, content)

    def losses(self, step: int) -> StepLosses:
        """The losses of a step.

        Raises:
            UnknownNameError: None were recorded at that step.
        """
        return loss_queries.read_losses(self._database, step)

    def latest_losses(self) -> StepLosses | None:
        """The newest losses; None before the first."""
        return loss_queries.latest_losses(self._database)

    def loss_step_range(self) -> tuple[int, int] | None:
        """First and last step with losses; None when there is none."""
        return loss_queries.step_range(self._database)

    def loss_notes(self) -> tuple[str, ...]:
        """Different notes of the losses, at most 20, by the step they first came at."""
        rows = self._database.rows("SELECT note FROM loss_note ORDER BY step, note")
        return tuple(row[0] for row in rows)

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

    def loss_marks(self, first: int = 0, last: int = 2**62, limit: int = 500) -> LossMarks:
        """Steps at which a loss or the arriving gradient was not finite, at most ``limit``."""
        return loss_queries.read_loss_marks(self._database, first, last, limit)

    def masked_elements(
        self, loss: str, first: int = 0, last: int = 2**62, limit: int = 20_000
    ) -> MaskedElements:
        """Masked elements of ``mape`` or ``smape`` over a range of steps.

        Raises:
            UnknownNameError: Another loss.
        """
        return loss_queries.read_masked(self._database, loss, first, last, limit)

    def masked_elements_at(self, loss: str, step: int) -> tuple[MaskedElement, ...]:
        """Masked elements of ``mape`` or ``smape`` at one step; empty when there is none.

        Raises:
            UnknownNameError: Another loss.
        """
        return loss_queries.masked_at(self._database, loss, step)

    def findings(self) -> tuple[Finding, ...]:
        """All findings: most severe first, then by first step."""
        order = list(Severity)
        found = (unpack(Finding, row[0]) for row in self._database.rows("SELECT body FROM finding"))
        return tuple(
            sorted(found, key=lambda f: (order.index(f.severity), f.first_step or 0, f.key))
        )

    def problems(self) -> tuple[Problem, ...]:
        """Troubles of ortviz's own, oldest first."""
        rows = self._database.rows("SELECT body FROM problem ORDER BY id")
        return tuple(unpack(Problem, row[0]) for row in rows)

    def events(self) -> tuple[RunEvent, ...]:
        """Events, oldest first."""
        rows = self._database.rows("SELECT body FROM event ORDER BY id")
        return tuple(unpack(RunEvent, row[0]) for row in rows)

    def graphs(self) -> tuple[StoredGraph, ...]:
        """The newest export of each mode and stage, training first, in the stages' order."""
        rows = self._database.rows(
            "SELECT graph.body, length(model.content), max(graph.export_index) "
            "FROM graph JOIN model ON model.graph_id = graph.id GROUP BY mode, stage"
        )
        found = [StoredGraph(unpack(GraphRecord, row[0]), int(row[1])) for row in rows]
        modes, stages = list(Mode), list(Stage)
        return tuple(
            sorted(found, key=lambda g: (modes.index(g.graph.mode), stages.index(g.graph.stage)))
        )

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """The newest export of one stage, its bytes included.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        content = self._newest_graph(mode, stage, "graph.body, model.content")
        bare = unpack(GraphRecord, content[0])
        return GraphRecord(
            bare.mode, bare.stage, bare.nodes, bare.op_counts, content[1], bare.export_index
        )

    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """The ONNX file of the newest export of one stage.

        Raises:
            UnknownNameError: It was not saved; names the ones that were.
        """
        return bytes(self._newest_graph(mode, stage, "model.content")[0])

    def site_history(self, site_id: str, side: Side, max_points: int = 500) -> SiteHistory:
        """Statistics of one site over the recorded steps, thinned evenly to ``max_points``.

        Raises:
            UnknownNameError: ``site_id`` is not an address.
        """
        return read_site_history(
            self._database, site_id, side, self.sampled_steps(), max(max_points, 2)
        )

    def save_copy(self, path: str | Path) -> Path:
        """Write everything recorded so far to one file that can be moved about.

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

    def _run_column(self, column: str) -> bytes:
        row = self._database.row(f"SELECT {column} FROM run WHERE id = 1")  # noqa: S608
        if row is None:
            raise StoreError(f"The run file {self.path} is empty.", "Record the run again.")
        return bytes(row[0])

    def _step_column(self, column: str, step: int) -> Any:
        row = self._database.row(f"SELECT {column} FROM step_body WHERE step = ?", (step,))  # noqa: S608
        if row is not None:
            return row[0]
        near = self._database.rows(
            "SELECT * FROM (SELECT step FROM step WHERE step < ?1 ORDER BY step DESC LIMIT 2) "
            "UNION SELECT * FROM (SELECT step FROM step WHERE step > ?1 ORDER BY step LIMIT 2)",
            (step,),
        )
        known = ", ".join(str(found[0]) for found in near)
        raise UnknownNameError(
            f"Step {step} was not recorded.",
            f"The nearest recorded steps are {known}." if known else "No step is recorded yet.",
        )

    def _newest_graph(self, mode: Mode | str, stage: Stage | str, columns: str) -> tuple[Any, ...]:
        row = self._database.row(
            f"SELECT {columns} FROM graph JOIN model ON model.graph_id = graph.id "  # noqa: S608
            "WHERE mode = ? AND stage = ? ORDER BY export_index DESC LIMIT 1",
            (str(mode), str(stage)),
        )
        if row is not None:
            return row
        rows = self._database.rows("SELECT DISTINCT mode, stage FROM graph ORDER BY mode, stage")
        known = ", ".join(f"{found[0]}/{found[1]}" for found in rows)
        raise UnknownNameError(
            f"There is no graph of stage {str(stage)!r} in mode {str(mode)!r}.",
            f"Saved are {known}." if known else "ORTModule has not exported the model yet.",
        )
