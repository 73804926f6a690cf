"""Reads which steps were recorded, and what is kept of one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ortviz.errors import UnknownNameError
from ortviz.record.store.database import Database
from ortviz.record.store.packing import DamagedContentError

_AT_OR_BEFORE = (
    "SELECT (SELECT step FROM step WHERE step <= target.value ORDER BY step DESC LIMIT 1) "
    "FROM json_each(?) AS target ORDER BY target.id"
)


def step_count(database: Database) -> int:
    """How many steps are recorded."""
    row = database.row("SELECT count(*) FROM step")
    return int(row[0]) if row else 0


def latest_step(database: Database) -> int | None:
    """The newest recorded step; None before the first."""
    row = database.row("SELECT max(step) FROM step")
    return None if row is None or row[0] is None else int(row[0])


def all_steps(database: Database) -> NDArray[np.int64]:
    """Every recorded step, int64 (step), ascending."""
    rows = database.rows("SELECT step FROM step ORDER BY step")
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


def thinned_steps(database: Database, most: int) -> NDArray[np.int64]:
    """Recorded steps spread over the run's length, first and last among them.

    The cost grows with ``most``, not with the run. Where recorded steps lie in clumps, the room
    that the gaps leave goes to the clumps.

    Args:
        database: The run file.
        most: At most so many, at least 2.

    Returns:
        int64 (step), ascending; all of them when they are no more than ``most``.
    """
    if step_count(database) <= most:
        return all_steps(database)
    ends = database.row("SELECT (SELECT min(step) FROM step), (SELECT max(step) FROM step)")
    first, last = _whole_numbers(ends or ())
    targets = np.linspace(first, last, most).astype(np.int64)
    before = np.r_[targets[0] - 1, targets[:-1]]
    found: NDArray[np.int64] = np.zeros(0, np.int64)
    while True:
        nearest = _nearest(database, targets)
        new = (nearest > before) & (nearest <= targets)
        found = np.union1d(found, nearest[new])
        # Further steps can only lie between a step that was found and the target before it.
        lows, highs = before[new], nearest[new]
        narrow = highs - lows > 1
        lows, highs = lows[narrow], highs[narrow]
        share = (most - len(found)) // max(len(lows), 1)
        if share == 0 or len(lows) == 0:
            return found
        parts = np.linspace(lows, highs - 1, share + 1, axis=1).astype(np.int64)
        before, targets = parts[:, :-1].ravel(), parts[:, 1:].ravel()


def step_column(database: Database, column: str, step: int) -> object:
    """``record`` or ``comparison`` of a step, packed; None where there is none.

    Raises:
        UnknownNameError: The step was not recorded; names the nearest ones that were.
    """
    row = database.row(f"SELECT {column} FROM step_body WHERE step = ?", (step,))  # noqa: S608
    if row is not None:
        return row[0]
    near = database.rows(
        "SELECT * FROM (SELECT step FROM step WHERE step < ?1 ORDER BY step DESC LIMIT 2) "
        "UNION SELECT * FROM (SELECT step FROM step WHERE step > ?1 ORDER BY step LIMIT 2)",
        (step,),
    )
    known = ", ".join(str(found[0]) for found in near)
    raise UnknownNameError(
        f"Step {step} was not recorded.",
        f"The nearest recorded steps are {known}." if known else "No step is recorded yet.",
    )


def _nearest(database: Database, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last recorded step at or before each target; none of them is before the first step."""
    rows = database.rows(_AT_OR_BEFORE, (json.dumps(targets.tolist()),))
    return np.array(_whole_numbers([row[0] for row in rows]), np.int64)


def _whole_numbers(found: Sequence[object]) -> list[int]:
    numbers = [number for number in found if isinstance(number, int)]
    if len(numbers) != len(found):
        raise DamagedContentError("the list of its steps has holes")
    return numbers
