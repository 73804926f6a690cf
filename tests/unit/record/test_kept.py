"""Raw tensors, histograms and re-runnable steps in the run file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ortviz.errors import StoreError, UnknownNameError
from ortviz.record import ArgumentTree, KeepRules, RawTensor, Rerunnable, RerunRecord, Side
from ortviz.record.reruns import argument_name, parameter_name
from ortviz.record.store import RunReader, RunWriter, kept, raw_tensors
from ortviz.record.store.database import Database
from tests.unit.record.conftest import Make

SITE = "forward/fc#out0"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.ortviz"


@pytest.fixture
def writer(path: Path) -> Iterator[RunWriter]:
    with RunWriter.create(path, Make().info()) as made:
        yield made


def rerun(step: int, **tensors: np.ndarray) -> Rerunnable:
    record = RerunRecord(step, ArgumentTree("tuple"), ArgumentTree("dict"), (), ())
    return Rerunnable(
        record, {name: RawTensor(values, str(values.dtype)) for name, values in tensors.items()}
    )


def count(path: Path, table: str) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


EVERY_KIND = {
    "float32": np.array([[1.5, -0.0], [np.nan, np.inf]], np.float32),
    "float16": np.array([65504, np.inf, -1e-7], np.float16),
    "float64": np.array([1e300, -np.inf]),
    "bfloat16": np.array([1.5, np.nan, -np.inf, 3.3895314e38], np.float32),
    "float8_e4m3fn": np.array([448.0, 0.5], np.float32),
    "int8": np.array([-128, 127], np.int8),
    "int64": np.array([2**62, -1]),
    "bool": np.array([[True], [False]]),
    "complex64": np.array([1 + 2j], np.complex64),
}


@pytest.mark.parametrize("dtype", EVERY_KIND)
def test_a_tensor_comes_back_bit_for_bit(writer: RunWriter, path: Path, dtype: str) -> None:
    values = EVERY_KIND[dtype]
    writer.put_kept(3, SITE, 0, {Side.CANDIDATE: RawTensor(values, dtype)})
    with RunReader.open(path) as reader:
        found = reader.kept.tensor(3, SITE, Side.CANDIDATE)
        (listed,) = reader.kept.at(3)
    assert found.dtype == listed.dtype == dtype
    assert found.values.dtype == values.dtype
    assert found.values.shape == listed.shape == values.shape
    assert found.values.tobytes() == values.tobytes()
    assert listed.size_bytes == values.nbytes // (2 if dtype == "bfloat16" else 1)
    found.values[...] = 0  # It belongs to the caller.


@pytest.mark.parametrize("values", [np.zeros((0, 3), np.float32), np.array(2.5, np.float32)])
def test_empty_and_0d_tensors_keep_their_shape(
    writer: RunWriter, path: Path, values: np.ndarray
) -> None:
    writer.put_kept(0, SITE, 0, {Side.REFERENCE: RawTensor(values, "float32")})
    with RunReader.open(path) as reader:
        found = reader.kept.tensor(0, SITE, Side.REFERENCE).values
    assert found.shape == values.shape
    assert found.tolist() == values.tolist()


def test_a_large_tensor_is_stored_in_parts_and_zeros_hardly_take_room(
    writer: RunWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_tensors, "_PART_BYTES", 1 << 16)
    noise = np.random.default_rng(0).standard_normal((300, 301)).astype(np.float32)
    zeros = np.zeros((1000, 1000), np.float32)
    # A transposed view: its elements do not lie in order.
    writer.put_kept(0, SITE, 0, {Side.REFERENCE: RawTensor(noise.T, "float32")})
    writer.put_kept(0, SITE, 0, {Side.CANDIDATE: RawTensor(zeros, "float32")})
    with RunReader.open(path) as reader:
        assert np.array_equal(reader.kept.tensor(0, SITE, Side.REFERENCE).values, noise.T)
        assert np.array_equal(reader.kept.tensor(0, SITE, Side.CANDIDATE).values, zeros)
    assert count(path, "tensor_part") == -(-noise.nbytes // (1 << 16)) + -(
        -zeros.nbytes // (1 << 16)
    )
    connection = sqlite3.connect(path)
    (stored,) = connection.execute("SELECT sum(length(body)) FROM tensor_part").fetchone()
    connection.close()
    assert stored < noise.nbytes * 1.01 + zeros.nbytes / 50


def test_the_same_content_is_stored_once(writer: RunWriter, path: Path) -> None:
    tensor = RawTensor(np.ones((64, 64), np.float32), "float32")
    sides = {Side.REFERENCE: tensor, Side.CANDIDATE: tensor}
    assert writer.put_kept(0, SITE, 0, sides) > tensor.size_bytes
    assert writer.put_kept(1, SITE, 0, sides) == 0
    assert count(path, "tensor") == 1
    with RunReader.open(path) as reader:
        assert len(reader.kept.at(0)) == len(reader.kept.at(1)) == 2


def test_an_unkept_tensor_is_told(writer: RunWriter, path: Path) -> None:
    with RunReader.open(path) as reader:
        assert reader.kept.at(7) == ()
        with pytest.raises(UnknownNameError, match="of step 7 was not kept"):
            reader.kept.tensor(7, SITE, Side.CANDIDATE)
        with pytest.raises(UnknownNameError, match="step 7 takes was not kept"):
            reader.kept.rerun(7)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE tensor_part SET body = X'01FFFF'",
        "UPDATE tensor_part SET body = X'07'",
        "UPDATE tensor_part SET body = substr(body, 1, 5)",
        "UPDATE tensor SET shape = '[7]'",
        "UPDATE tensor SET stored = 'no dtype'",
        "DELETE FROM tensor",
    ],
)
def test_a_damaged_tensor_is_an_error_that_names_the_file(path: Path, harm: str) -> None:
    noise = np.random.default_rng(0).standard_normal(40).astype(np.float32)
    with RunWriter.create(path, Make().info()) as writer:
        writer.put_kept(0, SITE, 0, {Side.CANDIDATE: RawTensor(noise, "float32")})
    connection = sqlite3.connect(path)
    connection.execute(harm)
    connection.commit()
    connection.close()
    with RunReader.open(path) as reader, pytest.raises(StoreError, match=r"run\.ortviz is damaged"):
        reader.kept.tensor(0, SITE, Side.CANDIDATE)


def test_the_oldest_rerunnable_steps_give_way(writer: RunWriter, path: Path) -> None:
    frozen = np.ones(1000, np.float32)
    used, budget = 0, 20_000
    for step in range(10):
        weights = np.full(1000, step, np.float32)
        used = writer.put_rerun(rerun(step, frozen=frozen, weight=weights), budget, used)
        assert used <= budget
    with RunReader.open(path) as reader:
        assert reader.kept.rerun_steps() == (7, 8, 9)
        found = reader.kept.rerun(7)
        assert found.tensors["weight"].values.tolist() == [7.0] * 1000
        assert found.tensors["frozen"].values.tolist() == frozen.tolist()
    # The frozen weights are there once, and nothing is left of the steps that gave way.
    assert count(path, "tensor") == count(path, "tensor_part") == 4
    assert used == 4 * (4000 + 128)


def test_a_step_that_gives_way_while_it_is_read_is_read_whole(
    writer: RunWriter, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = np.arange(100, dtype=np.float32)
    used = writer.put_rerun(rerun(0, first=weight, second=weight + 1), 10_000, 0)
    real = kept.read_tensor

    def meanwhile(database: Database, key: int) -> RawTensor:
        if not count(path, "rerun WHERE step = 1"):
            writer.put_rerun(rerun(1, first=weight + 2, second=weight + 3), used, used)
        return real(database, key)

    with RunReader.open(path) as reader:
        monkeypatch.setattr(kept, "read_tensor", meanwhile)
        found = reader.kept.rerun(0)
        assert reader.kept.rerun_steps() == (1,)
    assert found.tensors["second"].values.tolist() == (weight + 1).tolist()


def test_a_rerunnable_step_replaces_the_one_of_its_number(writer: RunWriter, path: Path) -> None:
    used = writer.put_rerun(rerun(4, weight=np.zeros(100, np.float32)), 10_000, 0)
    again = writer.put_rerun(rerun(4, weight=np.ones(100, np.float32)), 10_000, used)
    assert again == used
    with RunReader.open(path) as reader:
        assert reader.kept.rerun(4).tensors["weight"].values[0] == 1.0


def test_dropping_a_rerun_leaves_kept_tensors_alone(writer: RunWriter, path: Path) -> None:
    values = np.arange(1000, dtype=np.float32)
    writer.put_kept(0, SITE, 0, {Side.CANDIDATE: RawTensor(values, "float32")})
    used = writer.put_rerun(rerun(0, weight=values), 5000, 0)
    writer.put_rerun(rerun(1, weight=values + 1), 5000, used)
    with RunReader.open(path) as reader:
        assert reader.kept.rerun_steps() == (1,)
        assert np.array_equal(reader.kept.tensor(0, SITE, Side.CANDIDATE).values, values)


def test_a_copy_of_the_run_holds_its_tensors(writer: RunWriter, path: Path, tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.int64)
    writer.put_kept(0, SITE, 0, {Side.CANDIDATE: RawTensor(values, "int64")})
    with RunReader.open(path) as reader:
        copy = reader.save_copy(tmp_path / "copy.ortviz")
    with RunReader.open(copy) as reader:
        assert np.array_equal(reader.kept.tensor(0, SITE, Side.CANDIDATE).values, values)


def test_patterns_match_whole_site_ids() -> None:
    rules = KeepRules(("forward/blocks.0*", "*/head#*"), ("backward/*",))
    kept = ["forward/blocks.0#out0", "forward/blocks.0.fc@2#out1", "parameter_grad/head#weight"]
    assert [rules.keeps(site) for site in kept] == [True] * 3
    assert not rules.keeps("forward/blocks.1#out0")
    assert not rules.keeps("Forward/blocks.0#out0")
    assert (rules.counts("backward/a#out0"), rules.counts(kept[0])) == (True, False)


def test_names_of_tensors_of_a_rerun_are_told_apart() -> None:
    assert argument_name(0) != parameter_name("0")
