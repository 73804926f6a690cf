"""Hierarchies and details are read once, and again when there is another export."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

import ortviz
from ortviz.errors import ProtocolError, UnknownNameError
from ortviz.graphs import parse_model
from ortviz.protocol.codec import column_array
from ortviz.record import GraphStructure, Mode, Stage
from ortviz.record.store import RunReader, RunWriter
from ortviz.session import structures
from ortviz.session.commands import handle
from ortviz.session.structures import (
    details_of,
    model_names,
    model_of,
    open_stage,
    structure_of,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "contract" / "golden"))

_EXECUTION = ("training", "execution_model")
_PARAMS = {"mode": "training", "stage": "execution_model"}


@pytest.fixture(autouse=True)
def _nothing_is_known_yet(monkeypatch):
    for name in ("_STAGES", "_DETAILS"):
        kept = getattr(structures, name)
        monkeypatch.setattr(structures, name, type(kept)(kept._make, kept._fits))


@pytest.fixture
def reader(tmp_path):
    from golden_run import open_run

    with open_run(tmp_path) as reader:
        yield reader


def _saved(path, graphs):
    from golden_run import INFO

    with RunWriter.create(path, replace(INFO, run_id=path.stem)) as writer:
        for graph in graphs:
            writer.put_graph(graph)
    return path


def test_a_stage_is_read_once(reader, monkeypatch):
    first = structure_of(reader, *_EXECUTION)
    monkeypatch.setattr(type(reader), "graph", lambda *_: pytest.fail("read again"))
    assert structure_of(reader, *_EXECUTION) is first
    assert structure_of(reader, Mode.TRAINING, Stage.EXECUTION_MODEL) is first
    assert details_of(reader, *_EXECUTION) is details_of(reader, *_EXECUTION)
    assert handle(reader, "graph_structure", _PARAMS)[0]["file_node_count"] == 7


def test_two_that_ask_at_once_wait_for_one_reading(tmp_path, monkeypatch):
    from golden_graphs import GRAPHS

    path = _saved(tmp_path / "asked.ortviz", GRAPHS)
    count = []
    made = structures.read_structure
    monkeypatch.setattr(
        structures,
        "read_structure",
        lambda *given: (count.append(1), time.sleep(0.1), made(*given))[2],
    )

    def ask(_):
        with RunReader.open(path) as reader:
            return structure_of(reader, *_EXECUTION)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert len(count) == 1
    assert all(each is found[0] for each in found)


def test_another_export_is_another_hierarchy(tmp_path):
    from golden_graphs import GRAPHS

    path = tmp_path / "growing.ortviz"
    trained = [graph for graph in GRAPHS if graph.mode is Mode.TRAINING]
    first, second = [graph for graph in trained if graph.stage is Stage.EXECUTION_MODEL]
    with RunWriter.create(path, replace(_info(), run_id="growing")) as writer:
        writer.put_graph(first)
        with RunReader.open(path) as reader:
            assert structure_of(reader, *_EXECUTION).file_node_count == len(first.nodes)
            writer.put_graph(second)
            assert structure_of(reader, *_EXECUTION).file_node_count == len(second.nodes)


def _info():
    from golden_run import INFO

    return INFO


def test_the_least_asked_for_is_let_go(tmp_path, monkeypatch):
    from golden_graphs import GRAPHS

    monkeypatch.setattr(structures, "MAX_STAGES", 2)
    kept = []
    for number in range(4):
        with RunReader.open(_saved(tmp_path / f"{number}.ortviz", GRAPHS)) as reader:
            kept.append(structure_of(reader, *_EXECUTION))
    with RunReader.open(tmp_path / "3.ortviz") as reader:
        assert structure_of(reader, *_EXECUTION) is kept[3]
    with RunReader.open(tmp_path / "0.ortviz") as reader:
        assert structure_of(reader, *_EXECUTION) is not kept[0]


def test_many_nodes_leave_no_room_for_others(tmp_path, monkeypatch):
    from golden_graphs import GRAPHS

    monkeypatch.setattr(structures, "MAX_NODES", 1)
    readers = [RunReader.open(_saved(tmp_path / f"{n}.ortviz", GRAPHS)) for n in range(2)]
    first = structure_of(readers[0], *_EXECUTION)
    assert structure_of(readers[0], *_EXECUTION) is first
    structure_of(readers[1], *_EXECUTION)
    assert structure_of(readers[0], *_EXECUTION) is not first
    for reader in readers:
        reader.close()


def test_of_a_large_file_large_values_are_not_kept(tmp_path, monkeypatch):
    from golden_graphs import GRAPHS

    graph = next(each for each in GRAPHS if each.stage is Stage.EXECUTION_MODEL)
    model = parse_model(graph.model_bytes, "golden")
    model.graph.initializer.extend(
        numpy_helper.from_array(np.ones(count, dtype=np.float32), f"c{count}")
        for count in (4, 100_000)
    )
    graph = replace(graph, mode=Mode.TRAINING, model_bytes=model.SerializeToString())
    monkeypatch.setattr(structures, "KEPT_MODEL_BYTES", 100_000)
    with RunReader.open(_saved(tmp_path / "large.ortviz", [graph])) as reader:
        kept = open_stage(reader, *_EXECUTION).model
        small, large = kept.graph.initializer[-2:]
        assert (len(small.raw_data), len(large.raw_data), large.dims) == (16, 0, [100_000])
        assert model_of(reader, *_EXECUTION) is kept
        assert handle(reader, "graph_details", {**_PARAMS, "chunk": 0})[0]["nodes"]
        params = {**_PARAMS, "name": "c100000"}
        assert handle(reader, "graph_constant", params)[0]["shape"] == [100_000]


def test_a_stage_that_is_not_there(reader):
    with pytest.raises(UnknownNameError, match="There is no graph of stage 'optimized'"):
        structure_of(reader, "training", "optimized")


def test_columns_are_those_of_the_structure(reader):
    view, buffers = handle(reader, "graph_structure", _PARAMS)
    structure = structure_of(reader, *_EXECUTION)
    for name in ("node_op", "node_kind", "node_group", "value_node", "edge_value", "edge_to"):
        column = column_array(view[name], buffers)
        expected = getattr(structure, name)
        assert column.dtype == expected.dtype
        assert column.tolist() == expected.tolist()
    text = column_array(view["node_names"]["text"], buffers).tobytes()
    ends = column_array(view["node_names"]["ends"], buffers)
    starts = [0, *ends[:-1]]
    names = [text[a:b].decode() for a, b in zip(starts, ends, strict=True)]
    assert tuple(names) == structure.node_names
    assert view["groups"][0]["kind"] == "half"


def test_details_beyond_the_last_node_are_none(reader):
    assert handle(reader, "graph_details", {**_PARAMS, "chunk": 7})[0]["nodes"] == []
    with pytest.raises(ProtocolError, match="'chunk'"):
        handle(reader, "graph_details", {**_PARAMS, "chunk": -1})


def test_buffers_are_parameters_of_a_graph_too(reader):
    names = model_names(reader.info())
    assert names.modules[:2] == ("", "norm")
    assert names.is_parameter("norm.running_mean")
    assert names.is_parameter("_original_module.anything")
    assert not names.is_parameter("input")


def test_at_a_prompt(reader):
    structure = ortviz.load(reader.path).graphs.structure()
    assert isinstance(structure, GraphStructure)
    assert repr(structure).startswith("<GraphStructure: 7 nodes, ")
