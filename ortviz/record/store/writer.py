"""Writes one run to one file while the model trains."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.record.comparisons import StepComparison
from ortviz.record.findings import Finding, Problem
from ortviz.record.graphs import GraphRecord
from ortviz.record.histograms import Histogram
from ortviz.record.keeping import RawTensor
from ortviz.record.node_times import NodeTimes
from ortviz.record.reruns import Rerunnable
from ortviz.record.runs import RunEvent, RunInfo, RunStatus
from ortviz.record.steps import Side, StepLosses, StepRecord
from ortviz.record.store import kept as kept_tables
from ortviz.record.store.bins import LEVEL_SIZES, OpenBins, bins_of_bodies, bins_of_steps, fold
from ortviz.record.store.database import Database, create_database
from ortviz.record.store.lossrows import rest_of, row_of
from ortviz.record.store.marks import add_marks, replace_marks
from ortviz.record.store.owner import OwnedState, this_process
from ortviz.record.store.packing import DamagedContentError, pack
from ortviz.record.store.trouble import damaged

_NOTES_AT_MOST = 20
_PUT_BIN = "INSERT OR REPLACE INTO loss_bin (level, bin, body) VALUES (?, ?, ?)"


class RunWriter:
    """Writes one run. Made by :meth:`create`; every ``put_*`` is one transaction.

    May be used from any thread, by one at a time. Every method raises
    :class:`~ortviz.errors.StoreError` when the file cannot be written (disk full, locked by
    another program, closed); what was written before stays readable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open_bins: OpenBins | None = OpenBins()
        self._newest_loss_step = -1
        self._owner = this_process()

    @classmethod
    def create(cls, path: str | Path, info: RunInfo) -> RunWriter:
        """Start a run file; folders above it are made too.

        Raises:
            StoreError: It exists already, or cannot be made there.
        """
        return cls(create_database(Path(path), pack(info), pack(OwnedState(owner=this_process()))))

    @property
    def path(self) -> Path:
        """The run file."""
        return self._database.path

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Write everything inside as one transaction: all of it, or after an error nothing."""
        try:
            with self._database.transaction():
                yield
        except BaseException as error:
            # They may hold what has just been rolled back.
            self._open_bins = None
            if isinstance(error, DamagedContentError):
                raise damaged(self.path, str(error)) from error
            raise

    def put_step(self, record: StepRecord, comparison: StepComparison | None = None) -> None:
        """Add a sampled step, or replace the one of the same number."""
        body = pack(record)
        compared = None if comparison is None else pack(comparison)
        with self.batch():
            self._database.execute("INSERT OR IGNORE INTO step (step) VALUES (?)", (record.step,))
            self._database.execute(
                "INSERT OR REPLACE INTO step_body (step, record, comparison) VALUES (?, ?, ?)",
                (record.step, body, compared),
            )

    def put_node_times(self, times: NodeTimes) -> None:
        """Add what was measured at a step, or replace it."""
        with self.batch():
            self._database.execute(
                "INSERT OR REPLACE INTO node_time (step, body) VALUES (?, ?)",
                (times.step, pack(times)),
            )

    def put_kept(self, step: int, site_id: str, place: int, sides: Mapping[Side, RawTensor]) -> int:
        """Add the tensors of one site, or replace them.

        Args:
            step: The step.
            site_id: The site's address.
            place: For the order in which the sites of a step are listed.
            sides: The tensor of each side that has one.

        Returns:
            Bytes added to the file, about.
        """
        with self.batch():
            return kept_tables.put_kept(self._database, step, site_id, place, sides)

    def put_histogram(self, step: int, site_id: str, side: Side, histogram: Histogram) -> None:
        """Add the histogram of a site on one side, or replace it."""
        with self.batch():
            kept_tables.put_histogram(self._database, step, site_id, side, histogram)

    def put_rerun(self, rerun: Rerunnable, max_bytes: int, used_bytes: int) -> int:
        """Add what re-running a step takes; the oldest such steps give way where room is short.

        Args:
            rerun: The step.
            max_bytes: Most bytes of all such steps together; this one fits by itself.
            used_bytes: What they take before.

        Returns:
            What they take afterwards.
        """
        with self.batch():
            return kept_tables.put_rerun(self._database, rerun, max_bytes, used_bytes)

    def put_losses(self, losses: StepLosses) -> None:
        """Add the losses of a step, or replace those of the same number."""
        candidate, reference = row_of(losses.candidate), row_of(losses.reference)
        with self.batch():
            self._database.execute(
                "INSERT OR REPLACE INTO loss (step, candidate, reference, rest) "
                "VALUES (?, ?, ?, ?)",
                (losses.step, candidate, reference, rest_of(losses)),
            )
            if losses.note:
                self._put_note(losses.note, losses.step)
            if losses.step > self._newest_loss_step and self._open_bins is not None:
                one = bins_of_steps([losses.step], [candidate], [reference])
                self._database.execute_many(_PUT_BIN, self._open_bins.add(one))
                add_marks(self._database, losses)
            else:
                self._rebuild_bins(losses.step)
                replace_marks(self._database, losses)
        self._newest_loss_step = max(self._newest_loss_step, losses.step)

    def put_graph(self, graph: GraphRecord) -> None:
        """Add a stage, or replace the same stage of the same export."""
        bare = GraphRecord(
            graph.mode, graph.stage, graph.nodes, graph.op_counts, b"", graph.export_index
        )
        key = (graph.mode.value, graph.stage.value, graph.export_index)
        with self.batch():
            self._database.execute(
                "DELETE FROM model WHERE graph_id IN "
                "(SELECT id FROM graph WHERE mode = ? AND stage = ? AND export_index = ?)",
                key,
            )
            cursor = self._database.execute(
                "INSERT OR REPLACE INTO graph (mode, stage, export_index, body) "
                "VALUES (?, ?, ?, ?)",
                (*key, pack(bare)),
            )
            self._database.execute(
                "INSERT INTO model (graph_id, content) VALUES (?, ?)",
                (cursor.lastrowid, graph.model_bytes),
            )

    def put_findings(self, findings: Sequence[Finding]) -> None:
        """Add findings; one of a known key replaces it."""
        with self.batch():
            self._database.execute_many(
                "INSERT INTO finding (key, body) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET body = excluded.body",
                [(finding.key, pack(finding)) for finding in findings],
            )

    def put_event(self, event: RunEvent) -> None:
        """Add an event."""
        with self.batch():
            self._database.execute("INSERT INTO event (body) VALUES (?)", (pack(event),))

    def put_problem(self, problem: Problem) -> None:
        """Add a problem of ortviz's own."""
        with self.batch():
            self._database.execute("INSERT INTO problem (body) VALUES (?)", (pack(problem),))

    def set_state(
        self,
        status: RunStatus,
        latest_step: int | None,
        step_count: int,
        total_steps: int | None,
        steps_per_sec: float | None,
    ) -> None:
        """Say where the run stands; the fields are those of ``RunState``."""
        state = OwnedState(status, latest_step, step_count, total_steps, steps_per_sec, self._owner)
        with self.batch():
            self._database.execute("UPDATE run SET state = ? WHERE id = 1", (pack(state),))

    def close(self) -> None:
        """Finish the file: one file without a journal beside it, unless someone reads it now."""
        try:
            self._database.execute("PRAGMA busy_timeout = 0")
            self._database.execute("PRAGMA journal_mode = DELETE")
        except (OSError, sqlite3.Error):
            # A reader holds it, or it was closed before: complete all the same, only in two files.
            pass
        finally:
            self._database.close()

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _put_note(self, note: str, step: int) -> None:
        known = self._database.row("SELECT count(*) FROM loss_note")
        if known is not None and known[0] < _NOTES_AT_MOST:
            self._database.execute(
                "INSERT OR IGNORE INTO loss_note (note, step) VALUES (?, ?)", (note, step)
            )

    def _rebuild_bins(self, step: int) -> None:
        """Make the bins that hold a step anew from the next finer ones, each level in turn."""
        for level in range(1, len(LEVEL_SIZES)):
            size, finer = LEVEL_SIZES[level], LEVEL_SIZES[level - 1]
            key = step // size
            children = self._bins_between(level - 1, key * size // finer, (key + 1) * size // finer)
            self._database.execute(_PUT_BIN, (level, key, fold(children, size).tobytes()))
        newest = self._database.row("SELECT max(step) FROM loss")
        top = int(newest[0]) if newest else step
        keys = np.array([top // size for size in LEVEL_SIZES[1:]], np.int64)
        self._open_bins = OpenBins()
        self._open_bins.load(
            keys,
            np.concatenate(
                [
                    self._bins_between(level, int(key), int(key) + 1)
                    for level, key in enumerate(keys, start=1)
                ]
            ),
        )

    def _bins_between(self, level: int, first: int, end: int) -> NDArray[Any]:
        if level == 0:
            rows = self._database.rows(
                "SELECT step, candidate, reference FROM loss WHERE step >= ? AND step < ? "
                "ORDER BY step",
                (first, end),
            )
            return bins_of_steps(*([row[column] for row in rows] for column in range(3)))
        rows = self._database.rows(
            "SELECT body FROM loss_bin WHERE level = ? AND bin >= ? AND bin < ? ORDER BY bin",
            (level, first, end),
        )
        return bins_of_bodies([row[0] for row in rows])
