"""Kept tensors, histograms and re-runnable steps: how they are written and read."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from ortviz.errors import UnknownNameError
from ortviz.record.histograms import Histogram
from ortviz.record.keeping import KeptTensor, RawTensor, StoredHistogram
from ortviz.record.reruns import Rerunnable, RerunRecord
from ortviz.record.steps import Side
from ortviz.record.store.database import Database
from ortviz.record.store.packing import DamagedContentError, pack, unpack
from ortviz.record.store.raw_tensors import drop_unused, put_tensor, read_tensor
from ortviz.record.store.results import SIDES
from ortviz.record.store.trouble import damaged

P = ParamSpec("P")
R = TypeVar("R")

_KEPT, _RERUN = "kept", "rerun"


def put_kept(
    database: Database, step: int, site_id: str, place: int, sides: Mapping[Side, RawTensor]
) -> int:
    """Write the tensors of one site, or replace them; inside a transaction of the caller's.

    Args:
        database: The run file.
        step: The step.
        site_id: The site's address.
        place: For the order in which the sites of a step are listed.
        sides: The tensor of each side that has one.

    Returns:
        Bytes added to the file, about.
    """
    added = 0
    for side, tensor in sides.items():
        stored = put_tensor(database, tensor, _KEPT)
        added += stored.added_bytes
        database.execute(
            "INSERT OR REPLACE INTO kept (step, side, site, place, tensor) VALUES (?, ?, ?, ?, ?)",
            (step, SIDES.index(side), site_id, place, stored.id),
        )
    return added


def put_histogram(
    database: Database, step: int, site_id: str, side: Side, histogram: Histogram
) -> None:
    """Write one histogram, or replace it."""
    database.execute(
        "INSERT OR REPLACE INTO histogram (step, site, side, body) VALUES (?, ?, ?, ?)",
        (step, site_id, SIDES.index(side), pack(histogram)),
    )


def put_rerun(database: Database, rerun: Rerunnable, max_bytes: int, used_bytes: int) -> int:
    """Write what re-running a step takes; the oldest steps give way where there is no room.

    Inside a transaction of the caller's. Tensors that did not change since an earlier step, such
    as frozen parameters, take no further room.

    Args:
        database: The run file.
        rerun: The step.
        max_bytes: Most bytes of all such steps together; this one fits by itself.
        used_bytes: What they take before.

    Returns:
        What they take afterwards.
    """
    step = rerun.record.step
    used_bytes -= _drop_rerun(database, step)
    for name, tensor in rerun.tensors.items():
        stored = put_tensor(database, tensor, _RERUN)
        used_bytes += stored.added_bytes
        database.execute(
            "INSERT INTO rerun_tensor (step, name, tensor) VALUES (?, ?, ?)",
            (step, name, stored.id),
        )
    database.execute("INSERT INTO rerun (step, body) VALUES (?, ?)", (step, pack(rerun.record)))
    while used_bytes > max_bytes:
        oldest = database.row(
            "SELECT step FROM rerun WHERE step <> ? ORDER BY step LIMIT 1", (step,)
        )
        if oldest is None:
            break
        used_bytes -= _drop_rerun(database, int(oldest[0]))
    return used_bytes


def _drop_rerun(database: Database, step: int) -> int:
    rows = database.rows("SELECT DISTINCT tensor FROM rerun_tensor WHERE step = ?", (step,))
    if not rows:
        return 0
    database.execute("DELETE FROM rerun WHERE step = ?", (step,))
    database.execute("DELETE FROM rerun_tensor WHERE step = ?", (step,))
    return drop_unused(database, [int(row[0]) for row in rows])


def _reading(
    method: Callable[Concatenate[KeptTensors, P], R],
) -> Callable[Concatenate[KeptTensors, P], R]:
    """Read one state of the file, and say which file it is whose content is damaged."""

    @functools.wraps(method)
    def read(self: KeptTensors, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            # A live run's oldest step may give way between two queries.
            with self._database.snapshot():
                return method(self, *args, **kwargs)
        except DamagedContentError as error:
            raise damaged(self.path, str(error)) from error

    return read


class KeptTensors:
    """The part of a run file that holds whole tensors; ``RunReader.kept``.

    Files written before there was such a part read as if nothing was kept. Every method raises
    :class:`~ortviz.errors.StoreError` when the file cannot be read.

    Args:
        database: The run file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def path(self) -> Path:
        """The run file."""
        return self._database.path

    @_reading
    def at(self, step: int) -> tuple[KeptTensor, ...]:
        """What is kept of a step, in execution order, eager before ORT; empty for other steps."""
        rows = self._rows(
            "kept",
            "SELECT site, side, dtype, shape, size_bytes FROM kept "
            "JOIN tensor ON tensor.id = kept.tensor WHERE step = ? ORDER BY place, side",
            (step,),
        )
        return tuple(_kept_tensor(row) for row in rows)

    @_reading
    def tensor(self, step: int, site_id: str, side: Side) -> RawTensor:
        """One kept tensor.

        Raises:
            UnknownNameError: It was not kept.
        """
        rows = self._rows(
            "kept",
            "SELECT tensor FROM kept WHERE step = ? AND side = ? AND site = ?",
            (step, SIDES.index(side), site_id),
        )
        if not rows:
            raise UnknownNameError(
                f"The tensor {site_id} of step {step} was not kept on the {side.value} side."
            )
        return read_tensor(self._database, int(rows[0][0]))

    @_reading
    def histogram(self, step: int, site_id: str, side: Side) -> Histogram | None:
        """The histogram that was kept of a site; None where there is none."""
        rows = self._rows(
            "histogram",
            "SELECT body FROM histogram WHERE step = ? AND site = ? AND side = ?",
            (step, site_id, SIDES.index(side)),
        )
        return unpack(Histogram, rows[0][0]) if rows else None

    @_reading
    def histograms(self, step: int) -> tuple[StoredHistogram, ...]:
        """All that were kept of a step, by site, eager before ORT; empty for other steps."""
        rows = self._rows(
            "histogram",
            "SELECT site, side, body FROM histogram WHERE step = ? ORDER BY site, side",
            (step,),
        )
        return tuple(
            StoredHistogram(site, SIDES[side], unpack(Histogram, body)) for site, side, body in rows
        )

    @_reading
    def rerun_steps(self) -> tuple[int, ...]:
        """Steps that can be re-run, ascending."""
        return tuple(
            int(row[0]) for row in self._rows("rerun", "SELECT step FROM rerun ORDER BY step", ())
        )

    @_reading
    def rerun(self, step: int) -> Rerunnable:
        """All that re-running a step takes.

        Raises:
            UnknownNameError: It was not kept for that; names the steps that were.
        """
        rows = self._rows("rerun", "SELECT body FROM rerun WHERE step = ?", (step,))
        if not rows:
            raise UnknownNameError(f"What re-running step {step} takes was not kept.")
        names = self._rows(
            "rerun_tensor", "SELECT name, tensor FROM rerun_tensor WHERE step = ?", (step,)
        )
        tensors = {str(name): read_tensor(self._database, int(key)) for name, key in names}
        return Rerunnable(unpack(RerunRecord, rows[0][0]), tensors)

    def _rows(self, table: str, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Rows of a query; none in a file from before the table."""
        known = self._database.row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        )
        return self._database.rows(sql, values) if known else []


def _kept_tensor(row: tuple[Any, ...]) -> KeptTensor:
    site, side, dtype, shape, size_bytes = row
    try:
        return KeptTensor(site, SIDES[side], dtype, tuple(json.loads(shape)), int(size_bytes))
    except (ValueError, TypeError, IndexError) as error:
        raise DamagedContentError(f"the list of kept tensors cannot be read ({error})") from error
