"""Runs of older formats open, or the file says why not; so does what is no run at all."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ortviz.errors import StoreError, UnknownNameError
from ortviz.record import (
    Direction,
    ErrorOrigin,
    EventKind,
    Histogram,
    NodeTime,
    NodeTimes,
    RunStatus,
    Side,
    SiteStatus,
    ToleranceRule,
    Verdict,
)
from ortviz.record.store import (
    OLDEST_SCHEMA_VERSION,
    SCHEMA_VERSION,
    RunReader,
    RunWriter,
    schema,
)
from ortviz.session.commands import handle
from tests.unit.record import crash_runs
from tests.unit.record.golden import golden_run

VERSIONS = range(OLDEST_SCHEMA_VERSION, SCHEMA_VERSION + 1)


@pytest.fixture(params=VERSIONS)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The golden run in one of the formats that are read."""
    path = tmp_path / f"format_{request.param}.ortviz"
    golden_run.build(request.param, path)
    return path


def test_what_later_formats_know_of_a_comparison_is_unknown_in_the_first(old: Path) -> None:
    with RunReader.open(old) as reader:
        comparison = reader.comparison(16)
        rules = reader.info().tolerances
    (compared,) = comparison.sites
    if old.stem == "format_1":
        assert compared.origin is ErrorOrigin.UNKNOWN
        assert compared.max_ulp_error is None
        assert compared.noise_floor is None
        assert compared.tolerance_reason == ""
        assert (comparison.first_own_divergence, rules) == ({}, ())
        return
    assert compared.origin is ErrorOrigin.HERE
    assert (compared.max_ulp_error, compared.cosine, compared.mismatched_fraction) == (
        4096.0,
        -0.5,
        0.25,
    )
    assert (compared.noise_floor, compared.local_abs_error) == (math.inf, 0.5)
    assert compared.local_rel_error is not None
    assert math.isnan(compared.local_rel_error)
    assert compared.tolerance_reason == "the table"
    assert comparison.first_own_divergence == comparison.first_divergence
    assert rules == (ToleranceRule("forward/*", 1e-3, absolute=1e-9),)


def test_a_run_of_every_format_is_read_whole(old: Path) -> None:
    with RunReader.open(old) as reader:
        assert (reader.info().name, reader.info().every) == ("sunspots", 8)
        assert reader.info().parameters[0].shape == (2, 3)
        state = reader.state()
        assert (state.status, state.step_count, state.steps_per_sec) == (RunStatus.ENDED, 40, 12.5)
        assert reader.sampled_steps().tolist() == [0, 8, 16, 24, 32]
        record = reader.step(16)
        assert record.reference[0].stats is not None
        assert record.reference[0].stats.l2_norm == 16.0
        assert record.candidate[0].status is SiteStatus.FUSED_AWAY
        compared = reader.comparison(16).sites[0]
        assert (compared.verdict, compared.worst_index) == (Verdict.DIVERGENT, (1, 2))
        assert reader.comparison(16).first_divergence[Direction.FORWARD].module == "fc"
        assert reader.losses(6).candidate is not None
        assert reader.losses(6).masked[0].position == (0, 3)
        bins = reader.loss_bins(max_points=5)
        assert bins.steps_per_bin == 8
        assert bins.maximum[1, crash_runs.MAE].tolist() == [3.5, 7.5, 11.5, 15.5, 19.5]
        assert bins.masked[0, 0].tolist() == [8] * 5
        assert {mark.what for mark in reader.loss_marks().marks} == {"mape", "user", "gradient"}
        assert reader.masked_elements("mape").masked_count == 40
        assert reader.loss_notes() == ("A note.",)
        assert reader.model_bytes("training", "optimized") == b"onnx"
        assert reader.findings()[0].first_step == 4
        assert reader.events()[0].kind is EventKind.EXPORT
        assert reader.problems()[0].step == 3
        history = reader.site_history("forward/fc#out0", Side.REFERENCE)
        assert history.l2_norm.tolist() == [0, 8, 16, 24, 32]
        assert math.isnan(reader.losses(4).candidate.mape)  # type: ignore[union-attr, arg-type]


def test_tensors_are_read_where_the_format_has_them(old: Path) -> None:
    with RunReader.open(old) as reader:
        kept = reader.kept
        if old.stem == "format_1":
            assert (kept.at(16), kept.rerun_steps()) == ((), ())
            assert kept.histogram(16, "forward/fc#out0", Side.CANDIDATE) is None
            with pytest.raises(UnknownNameError):
                kept.tensor(16, "forward/fc#out0", Side.CANDIDATE)
            with pytest.raises(UnknownNameError):
                kept.rerun(16)
            return
        assert [(each.site_id, each.side.value, each.shape) for each in kept.at(16)] == [
            ("forward/fc#out0", "reference", (1, 2)),
            ("forward/fc#out0", "candidate", (1, 2)),
        ]
        tensor = kept.tensor(16, "forward/fc#out0", Side.CANDIDATE)
        assert (tensor.values.tolist(), tensor.dtype) == ([[0.5, -2.0]], "bfloat16")
        histogram = kept.histogram(16, "forward/fc#out0", Side.CANDIDATE)
        assert histogram == Histogram(-2.0, 0.5, (1, 0, 1), nan_count=1)
        rerun = kept.rerun(16)
        assert set(rerun.tensors) == {"argument/0", "parameter/fc.weight"}
        assert rerun.record.args.items[0].requires_grad
        assert rerun.record.autocast == (("cpu", "bfloat16"),)


def test_times_of_nodes_are_read_where_the_format_has_them(old: Path) -> None:
    with RunReader.open(old) as reader:
        times = reader.node_times()
    if old.stem in ("format_1", "format_2"):
        assert times is None
        return
    assert times == NodeTimes(
        16, 20, (NodeTime("/fc/Gemm_output_0", "Gemm", 0.125, 2),), 0.25, 0.5, device="cpu"
    )


def test_a_run_of_every_format_is_shown(old: Path) -> None:
    with RunReader.open(old) as reader:
        for command in ("run", "summary", "losses", "findings", "graphs"):
            handle(reader, command, {})
        handle(reader, "traces", {"step": 8})
        handle(reader, "gradients", {"step": 8})


def test_the_writer_writes_what_the_newest_golden_run_holds(tmp_path: Path) -> None:
    golden_run.build(SCHEMA_VERSION, tmp_path / "golden")
    golden_run.record(tmp_path / "now")
    tables = []
    for name in ("golden", "now"):
        connection = sqlite3.connect(tmp_path / name)
        sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
        tables.append([row[0] for row in connection.execute(sql)])
        connection.close()
    # Fails when the tables were changed without raising SCHEMA_VERSION.
    assert tables[0] == tables[1]


def set_version(path: Path, version: int) -> Path:
    golden_run.build(SCHEMA_VERSION, path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return path


def test_a_newer_format_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = set_version(tmp_path / "new.ortviz", SCHEMA_VERSION + 3)
    with pytest.raises(StoreError) as told:
        RunReader.open(path)
    assert str(path) in told.value.what
    assert f"has format {SCHEMA_VERSION + 3}; this ortviz reads format" in told.value.what
    assert told.value.remedy == "Upgrade ortviz."


def test_a_format_no_longer_read_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = set_version(tmp_path / "old.ortviz", OLDEST_SCHEMA_VERSION - 1)
    with pytest.raises(StoreError, match="has format 0") as told:
        RunReader.open(old)
    assert "older ortviz that recorded it" in told.value.remedy
    # And so it will be for the formats of today, once they are given up.
    monkeypatch.setattr(schema, "OLDEST_SCHEMA_VERSION", SCHEMA_VERSION + 1)
    monkeypatch.setattr(schema, "SCHEMA_VERSION", SCHEMA_VERSION + 2)
    present = set_version(tmp_path / "present.ortviz", SCHEMA_VERSION)
    expected = f"has format {SCHEMA_VERSION}; this ortviz reads formats {SCHEMA_VERSION + 1} to"
    with pytest.raises(StoreError, match=expected):
        RunReader.open(present)


def empty(path: Path) -> None:
    path.touch()


def sqlite_without_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def text(path: Path) -> None:
    path.write_text("step,loss\n" + "1,0.5\n" * 2000)


def short_text(path: Path) -> None:
    path.write_text("hello")


def another_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE step (step INTEGER)")
    connection.close()


def folder(path: Path) -> None:
    path.mkdir()


NO_RUNS: list[tuple[Callable[[Path], None], str]] = [
    (empty, "is empty. Its training was stopped before anything was recorded"),
    (sqlite_without_tables, "is empty. Its training was stopped before anything was recorded"),
    (text, "not a run of ortviz: record the run again"),
    (short_text, "not a run of ortviz: record the run again"),
    (another_database, "is an SQLite file but not a run of ortviz. Give the path"),
    (folder, "is a folder, not a run file. Check the path"),
]


@pytest.mark.parametrize(
    ("make", "sentence"), NO_RUNS, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_no_run_is_told_in_a_sentence(
    tmp_path: Path, make: Callable[[Path], None], sentence: str
) -> None:
    path = tmp_path / "some.ortviz"
    make(path)
    with pytest.raises(StoreError) as told:
        RunReader.open(path)
    assert sentence in str(told.value)
    assert str(path) in told.value.what
    assert told.value.remedy


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    first = RunWriter.create(path, crash_runs.info())
    with pytest.raises(StoreError, match="exists already"):
        RunWriter.create(path, crash_runs.info())
    crash_runs.put(first, 0)
    first.close()
    with RunReader.open(path) as reader:
        assert crash_runs.check_whole(reader) == 1
