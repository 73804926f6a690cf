"""What a run file holds, which version of that it is, and which versions can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ortviz.errors import StoreError

APPLICATION_ID = 0x4F525456
"""SQLite's ``application_id`` of a run file: the letters ``ORTV``."""
SCHEMA_VERSION = 3
"""SQLite's ``user_version`` of the files written now. It is raised when an older ortviz could not
read them: a table or column changed, the size or order of a packed row, a new value of an enum.
A new field that has a default needs no new version: older files lack it, older readers skip it."""
OLDEST_SCHEMA_VERSION = 1
"""The oldest version that is read; raised only when keeping an old one readable costs too much."""

SCHEMA = """
CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 1), info BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE step (step INTEGER PRIMARY KEY);
CREATE TABLE step_body (
    step INTEGER PRIMARY KEY REFERENCES step, record BLOB NOT NULL, comparison BLOB
);
CREATE TABLE loss (
    step INTEGER PRIMARY KEY, candidate BLOB, reference BLOB, rest BLOB NOT NULL
);
CREATE TABLE loss_bin (
    level INTEGER, bin INTEGER, body BLOB NOT NULL, PRIMARY KEY (level, bin)
) WITHOUT ROWID;
CREATE TABLE mark (
    level INTEGER, family TEXT, bin INTEGER, side INTEGER, what TEXT,
    step INTEGER NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (level, family, bin, side, what)
) WITHOUT ROWID;
CREATE TABLE loss_note (note TEXT PRIMARY KEY, step INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE finding (key TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE event (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE problem (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE graph (
    id INTEGER PRIMARY KEY, mode TEXT NOT NULL, stage TEXT NOT NULL,
    export_index INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (mode, stage, export_index)
);
CREATE TABLE model (graph_id INTEGER PRIMARY KEY REFERENCES graph, content BLOB NOT NULL);
CREATE TABLE tensor (
    id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, dtype TEXT NOT NULL,
    stored TEXT NOT NULL, shape TEXT NOT NULL, size_bytes INTEGER NOT NULL
);
CREATE TABLE tensor_part (
    id INTEGER PRIMARY KEY, tensor INTEGER NOT NULL REFERENCES tensor, part INTEGER NOT NULL,
    body BLOB NOT NULL, UNIQUE (tensor, part)
);
CREATE TABLE kept (
    step INTEGER, side INTEGER, site TEXT, place INTEGER NOT NULL,
    tensor INTEGER NOT NULL REFERENCES tensor, PRIMARY KEY (step, side, site)
) WITHOUT ROWID;
CREATE INDEX kept_tensor ON kept (tensor);
CREATE TABLE histogram (
    step INTEGER, site TEXT, side INTEGER, body BLOB NOT NULL, PRIMARY KEY (step, site, side)
) WITHOUT ROWID;
CREATE TABLE rerun (step INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE rerun_tensor (
    step INTEGER, name TEXT, tensor INTEGER NOT NULL REFERENCES tensor, PRIMARY KEY (step, name)
) WITHOUT ROWID;
CREATE INDEX rerun_of_tensor ON rerun_tensor (tensor);
CREATE TABLE node_time (step INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""

Ask = Callable[[str], "tuple[Any, ...] | None"]
"""First row of a query."""


def check_schema(ask: Ask, path: Path) -> None:
    """Make sure that a database is a run of ortviz, of a version that can be read.

    Args:
        ask: Runs a query on it.
        path: The file, for messages.

    Raises:
        StoreError: It is empty, is another program's, or of a version that is not read.
    """
    application, version = _number(ask, "application_id"), _number(ask, "user_version")
    if application == 0 and ask("SELECT 1 FROM sqlite_master LIMIT 1") is None:
        raise StoreError(
            f"The run file {path} is empty.",
            "Its training was stopped before anything was recorded, or it was copied in part: "
            "record the run again.",
        )
    if application != APPLICATION_ID:
        raise StoreError(
            f"{path} is an SQLite file but not a run of ortviz.",
            "Give the path of a file written by run.save(...) or by a wrapped model.",
        )
    if not OLDEST_SCHEMA_VERSION <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"The run file {path} has format {version}; this ortviz reads {_readable()}.",
            "Upgrade ortviz."
            if version > SCHEMA_VERSION
            else "Open it with the older ortviz that recorded it, or record the run again.",
        )


def _number(ask: Ask, pragma: str) -> int:
    row = ask(f"PRAGMA {pragma}")
    return int(row[0]) if row else 0


def _readable() -> str:
    if OLDEST_SCHEMA_VERSION == SCHEMA_VERSION:
        return f"format {SCHEMA_VERSION} only"
    return f"formats {OLDEST_SCHEMA_VERSION} to {SCHEMA_VERSION}"
