"""The SQLite connection to a run file: how it is created and opened, and its transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from ortviz.errors import StoreError
from ortviz.record.store.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, check_schema
from ortviz.record.store.trouble import plain_words

_BUSY_SECS = 10.0
_WAL_SUFFIX = "-wal"

Row = tuple[Any, ...]


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
        self._failed = False
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
            return self._writable().execute(sql, tuple(values))

    def execute_many(self, sql: str, values: Iterable[Sequence[object]]) -> None:
        """Run one writing statement for each tuple of values."""
        with self.lock, plain_words(self.path, "written"):
            self._writable().executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Inside another one it is a part of that; if it fails, so do both."""
        with self.lock:
            outer = self._depth == 0
            if outer:
                self._failed = False
                self.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
                if outer:
                    self.execute("COMMIT")
            except BaseException:
                # Of a part there is no going back alone: half of it must not be kept.
                self._failed = True
                # A full disk makes SQLite go back by itself.
                if outer and not self._closed and self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.rollback()
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Queries inside see the file as it is at the first of them, whatever is written."""
        with self.lock:
            if self._open().in_transaction:
                yield
                return
            with plain_words(self.path, "read"):
                self._open().execute("BEGIN")
            try:
                yield
            finally:
                if not self._closed and self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.rollback()

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

    def _writable(self) -> sqlite3.Connection:
        connection = self._open()
        if self._depth and (self._failed or not connection.in_transaction):
            # Written now, it might be kept without what went before it.
            raise StoreError(
                f"The run file {self.path} cannot be written: what went before in the same "
                "transaction failed.",
                "See the first problem of the run.",
            )
        return connection

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def create_database(path: Path, info: bytes, state: bytes) -> Database:
    """Make a new run file; folders above it are made too. After an error nothing is left of it.

    Args:
        path: Where.
        info: The packed ``RunInfo``.
        state: The packed ``RunState``.

    Raises:
        StoreError: It exists already, or cannot be made there.
    """
    with plain_words(path, "created"):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        except FileExistsError:
            raise _in_the_way(path) from None
    database: Database | None = None
    try:
        with plain_words(path, "created"):
            connection = _connect(path, "mode=rw")
            database = Database(connection, path)
            _fill(connection, info, state)
    except BaseException:
        if database is not None:
            database.close()
        for part in (path, *_beside(path)):
            with suppress(OSError):
                part.unlink()
        raise
    return database


def open_database(path: Path) -> Database:
    """Open an existing run file for reading, while it is being written or afterwards.

    Raises:
        StoreError: It is not there, is no run of ortviz, or of a version that is not read.
    """
    with plain_words(path, "opened"):
        if not path.is_file():
            raise StoreError(
                f"{path} is a folder, not a run file."
                if path.is_dir()
                else f"There is no run file {path}.",
                "Check the path; a run is saved with run.save(...) or while a wrapped model "
                "trains.",
            )
        database = Database(_connect_reading(path), path)
    try:
        check_schema(database.row, path)
    except BaseException:
        database.close()
        raise
    return database


def _fill(connection: sqlite3.Connection, info: bytes, state: bytes) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # A power cut may lose the newest steps but never damages the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    # What a failed part of a transaction needs for going back stays off a disk that may be full.
    connection.execute("PRAGMA temp_store = MEMORY")
    # One transaction, so that a process killed here leaves an empty file or a whole one.
    connection.executescript(
        f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; "
        f"PRAGMA user_version = {SCHEMA_VERSION}; {SCHEMA}"
    )
    connection.execute("INSERT INTO run (id, info, state) VALUES (1, ?, ?)", (info, state))
    connection.execute("COMMIT")


def _in_the_way(path: Path) -> StoreError:
    if path.parent.is_dir():
        return StoreError(
            f"The run file {path} exists already.",
            "Choose another path, or delete it if it is no longer needed.",
        )
    return StoreError(
        f"The run file {path} cannot be created: {path.parent} is a file, not a folder.",
        "Pass path= with another place.",
    )


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=_BUSY_SECS,
    )


def _connect_reading(path: Path) -> sqlite3.Connection:
    try:
        return _tried(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if not any(word in str(error) for word in ("unable", "readonly")):
            raise
        # A run in WAL mode in a read-only folder: SQLite may not create its index beside it.
        wal = path.with_name(path.name + _WAL_SUFFIX)
        if wal.exists() and wal.stat().st_size:
            raise StoreError(
                f"The run file {path} cannot be opened where it lies: {error}. Its newest steps "
                f"are in {wal.name} beside it, and reading those takes a folder that can be "
                "written to.",
                f"Copy {path.name} and {wal.name} together to a folder of your own.",
            ) from error
        return _tried(path, "mode=ro&immutable=1")


def _tried(path: Path, mode: str) -> sqlite3.Connection:
    connection = _connect(path, mode)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _beside(path: Path) -> list[Path]:
    """Files that SQLite may have put beside a database."""
    return [path.with_name(path.name + suffix) for suffix in (_WAL_SUFFIX, "-shm", "-journal")]
