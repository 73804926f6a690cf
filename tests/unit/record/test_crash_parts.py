"""A write that fails half-way leaves nothing of itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ortviz.errors import StoreError
from ortviz.record.store import RunReader, RunWriter
from ortviz.record.store import writer as writer_module
from tests.unit.record import crash_runs


def fails_at(step: int) -> Callable[..., None]:
    """``add_marks``, the last thing written of a step, but not at this one."""
    real = writer_module.add_marks

    def add_marks(database: object, losses: object) -> None:
        if getattr(losses, "step", None) == step:
            raise sqlite3.OperationalError("disk I/O error")
        real(database, losses)  # type: ignore[arg-type]

    return add_marks


@pytest.fixture
def writer(path: Path) -> RunWriter:
    return RunWriter.create(path, crash_runs.info())


def put_all(writer: RunWriter, steps: range, broken: int) -> None:
    with writer.batch():
        for step in steps:
            if step == broken:
                with pytest.raises(sqlite3.OperationalError):
                    writer.put_losses(crash_runs.losses_of(step))
            else:
                writer.put_losses(crash_runs.losses_of(step))


@pytest.mark.parametrize("broken", [6, 11])
def test_a_part_that_fails_takes_all_with_it_even_where_nobody_looks(
    writer: RunWriter, path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    for step in range(4):
        writer.put_losses(crash_runs.losses_of(step))
    monkeypatch.setattr(writer_module, "add_marks", fails_at(broken))
    with pytest.raises(StoreError, match="what went before in the same transaction failed"):
        put_all(writer, range(4, 12), broken)
    for step in range(4, 6):
        writer.put_losses(crash_runs.losses_of(step))
    writer.close()
    with RunReader.open(path) as reader:
        assert list(crash_runs.check_fits(reader)) == list(range(6))


def test_a_transaction_that_sqlite_gave_up_takes_nothing_more(
    writer: RunWriter, path: Path
) -> None:
    crash_runs.put(writer, 0)

    def go_on_after_a_rollback() -> None:
        with writer.batch():
            crash_runs.put(writer, 1)
            # As SQLite does by itself when the disk is full.
            writer._database._connection.rollback()
            with pytest.raises(StoreError, match="what went before in the same transaction failed"):
                crash_runs.put(writer, 2)

    with pytest.raises(StoreError, match="what went before in the same transaction failed"):
        go_on_after_a_rollback()
    crash_runs.put(writer, 1)
    writer.close()
    with RunReader.open(path) as reader:
        assert crash_runs.check_whole(reader) == 2


def test_nothing_is_left_of_a_file_that_could_not_be_created(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ortviz.record.store import database

    monkeypatch.setattr(database, "SCHEMA", "CREATE TABLE run (this is no SQL at all (;")
    with pytest.raises(StoreError, match="cannot be created"):
        RunWriter.create(path, crash_runs.info())
    assert list(path.parent.iterdir()) == []
