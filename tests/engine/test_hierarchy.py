"""The hierarchy of real exports is that of ``named_modules()``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz.capture import finish, wrap_module
from ortviz.graphs import ModelNames, parse_model, read_structure
from ortviz.record import GraphRecord, GraphStructure, GroupKind, Half, Mode, Stage
from tests.engine.families import BY_NAME, Block, prediction
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine

_COUNT = 5


class Stack(nn.Module):
    """Blocks in a container that is never called, and what stands before and after them."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.blocks = nn.ModuleList([Block(16) for _ in range(_COUNT)])
        self.head = nn.Linear(16, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(batch, time) int64 -> (batch, time, 3)."""
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


_MODELS = {
    "stack": Stack,
    **{name: BY_NAME[name].build for name in ("transformer", "cnn_batchnorm", "lstm", "mlp")},
}
_BATCHES = {"stack": BY_NAME["transformer"].batch, **{n: f.batch for n, f in BY_NAME.items()}}


@pytest.fixture(scope="module", params=_MODELS)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, nn.Module, list[GraphRecord]]:
    """Every stage of a model in training."""
    torch.manual_seed(1)
    name = str(request.param)
    model, sink = _MODELS[name](), ListSink()
    folder: Path = tmp_path_factory.mktemp(name)
    wrapped = wrap_module(model, sink, name="m", every=1000, save_dir=folder)
    prediction(wrapped(_BATCHES[name](torch.Generator().manual_seed(2)))).sum().backward()
    finish(wrapped)
    assert not sink.problems
    return name, model, [graph for graph in sink.graphs if graph.mode is Mode.TRAINING]


def _structures(
    model: nn.Module, graphs: list[GraphRecord]
) -> list[tuple[GraphRecord, GraphStructure]]:
    names = ModelNames(tuple(name for name, _ in model.named_modules()))
    return [
        (graph, read_structure(parse_model(graph.model_bytes, graph.stage), graph, names))
        for graph in graphs
    ]


def _expected(graph: GraphRecord, half: Half) -> set[str]:
    """The modules with nodes in them, and those around these; the root has no group."""
    found = set[str]()
    for node in graph.nodes:
        if node.half is half and node.op_type != "YieldOp":
            parts = node.module.split(".") if node.module else []
            found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return found


def test_groups_are_the_modules_in_their_order(
    exported: tuple[str, nn.Module, list[GraphRecord]],
) -> None:
    _, model, graphs = exported
    names = [name for name, _ in model.named_modules()]
    for graph, structure in _structures(model, graphs):
        for half in Half:
            modules = [
                group.module
                for group in structure.groups
                if group.kind is GroupKind.MODULE and group.half is half
            ]
            assert set(modules) == _expected(graph, half), graph.stage
            assert modules == [name for name in names if name in modules], graph.stage


def test_every_node_stands_in_its_module_and_half(
    exported: tuple[str, nn.Module, list[GraphRecord]],
) -> None:
    _, model, graphs = exported
    for graph, structure in _structures(model, graphs):
        assert structure.file_node_count == len(graph.nodes)
        assert not [
            note for note in structure.notes if "gradient" not in note and "name" not in note
        ]
        has_halves = any(node.half is Half.BACKWARD for node in graph.nodes)
        for node, place in zip(graph.nodes, structure.node_group, strict=False):
            if node.op_type == "YieldOp" or (place < 0 and not has_halves and not node.module):
                assert place == -1
                continue
            group = structure.groups[place]
            while group.kind in (GroupKind.PART, GroupKind.REPEAT):
                group = structure.groups[group.parent]
            assert group.half is node.half
            assert group.module == (node.module or None)
            assert (group.kind is GroupKind.HALF) == (not node.module)


def test_training_graphs_have_two_halves_and_the_others_none(
    exported: tuple[str, nn.Module, list[GraphRecord]],
) -> None:
    _, model, graphs = exported
    for graph, structure in _structures(model, graphs):
        halves = [group.half for group in structure.groups if group.kind is GroupKind.HALF]
        trains = graph.stage in (Stage.OPTIMIZED, Stage.EXECUTION_MODEL)
        assert halves == ([Half.FORWARD, Half.BACKWARD] if trains else [])
        for group in structure.groups:
            if group.parent < 0 and trains:
                assert group.kind is GroupKind.HALF


def test_equal_blocks_fold_and_have_the_same_operators(
    exported: tuple[str, nn.Module, list[GraphRecord]],
) -> None:
    name, model, graphs = exported
    for graph, structure in _structures(model, graphs):
        repeats = [
            (place, group)
            for place, group in enumerate(structure.groups)
            if group.kind is GroupKind.REPEAT
        ]
        for place, group in repeats:
            counters = [
                _operators(structure, child)
                for child, each in enumerate(structure.groups)
                if each.parent == place
            ]
            assert len(counters) == group.count
            assert all(each == counters[0] for each in counters)
        if name == "stack" and graph.stage is Stage.EXECUTION_MODEL:
            blocks = {
                group.half: group.count
                for _, group in repeats
                if structure.groups[group.parent].module == "blocks"
            }
            assert blocks[Half.FORWARD] == _COUNT
            assert blocks[Half.BACKWARD] >= _COUNT - 2


def _operators(structure: GraphStructure, group: int) -> Counter[int]:
    inside = {group}
    for place in range(group + 1, len(structure.groups)):
        if structure.groups[place].parent in inside:
            inside.add(place)
    return Counter(
        op
        for op, place in zip(structure.node_op.tolist(), structure.node_group.tolist(), strict=True)
        if place in inside
    )
