"""The run file itself: what is in it, how it is opened, and its errors in plain words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from ortviz.errors import StoreError

APPLICATION_ID = 0x4F525456
"""SQLite's ``application_id`` of a run file: the letters ``ORTV``."""
SCHEMA_VERSION = 1
"""SQLite's ``user_version``; raised when an older ortviz could not read the file."""

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
"""

_BUSY_SECS = 10.0

Row = tuple[Any, ...]


@contextmanager
def plain_words(path: Path, doing: str) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a :class:`StoreError`.

    Args:
        path: The run file.
        doing: What was tried, as in "cannot be <doing>".
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"The run file {path} cannot be {doing}: {error}.", _remedy(error)) from (
            error
        )


def _remedy(error: Exception) -> str:
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "The disk is full: free some space, or pass path= with a place on another disk."
    if "locked" in text or "busy" in text:
        return "Another program holds it: close that program, or use another path."
    if "malformed" in text or "not a database" in text or "disk image" in text:
        return "It is damaged or not a run of ortviz: record the run again under another path."
    if "readonly" in text or "read-only" in text or "permission" in text or "unable" in text:
        return "Check that the folder exists and may be written to, or pass path= elsewhere."
    return "Check the path and the disk, or pass path= with another place."


class Database:
    """One SQLite connection that several threads may use, one after the other.

    Args:
        connection: In autocommit mode, opened with ``check_same_thread=False``.
        path: The file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._connection = connection
        self._depth = 0
        self._closed = False

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """All rows of a query."""
        with self.lock, plain_words(self.path, "read"):
            return self._open().execute(sql, tuple(values)).fetchall()

    def row(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row of a query, None when there is none."""
        with self.lock, plain_words(self.path, "read"):
            found: Row | None = self._open().execute(sql, tuple(values)).fetchone()
            return found

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one writing statement."""
        with self.lock, plain_words(self.path, "written"):
            return self._open().execute(sql, tuple(values))

    def execute_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run one writing statement for each tuple of values."""
        with self.lock, plain_words(self.path, "written"):
            self._open().executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it joins that one."""
        with self.lock:
            if self._depth == 0:
                self.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.rollback()
                raise
            finally:
                self._depth -= 1

    def backup_to(self, target: sqlite3.Connection) -> None:
        """Copy everything committed so far."""
        with self.lock:
            self._open().backup(target)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self.lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _open(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError(f"The run file {self.path} has been closed.", "Load it again.")
        return self._connection

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def create_database(path: Path) -> Database:
    """Make a new, empty run file; folders above it are made too.

    Raises:
        StoreError: It exists already, or cannot be made there.
    """
    with plain_words(path, "created"):
        if path.exists():
            raise StoreError(
                f"The run file {path} exists already.",
                "Choose another path, or delete it if it is no longer needed.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(f"file:{quote(str(path.absolute()))}?mode=rwc")
    database = Database(connection, path)
    try:
        with plain_words(path, "created"):
            connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose the newest steps but never damages the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 16777216")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.executescript(f"BEGIN;{SCHEMA}COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def open_database(path: Path) -> Database:
    """Open an existing run file for reading, while it is being written or afterwards.

    Raises:
        StoreError: It is not there, is no run of ortviz, or comes from a newer version.
    """
    if not path.is_file():
        raise StoreError(
            f"There is no run file {path}.",
            "Check the path; a run is saved with run.save(...) or while a wrapped model trains.",
        )
    with plain_words(path, "opened"):
        database = Database(_connect_reading(path), path)
    try:
        _check_identity(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECS
    )


def _connect_reading(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = _connect(uri)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        # A run in WAL mode in a read-only folder: SQLite may not create its index beside it.
        if path.with_name(path.name + "-wal").exists():
            raise
        connection = _connect(f"{uri}&immutable=1")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _check_identity(database: Database, path: Path) -> None:
    application = database.row("PRAGMA application_id")
    version = database.row("PRAGMA user_version")
    if application is None or application[0] != APPLICATION_ID:
        raise StoreError(
            f"{path} is an SQLite file but not a run of ortviz.",
            "Give the path of a file written by run.save(...) or by a wrapped model.",
        )
    if version is None or version[0] > SCHEMA_VERSION:
        raise StoreError(
            f"The run file {path} has format {version[0] if version else '?'}; this ortviz reads "
            f"formats up to {SCHEMA_VERSION}.",
            "Upgrade ortviz.",
        )
