"""The graphs that ORTModule saved, handed on even where something about them cannot be told."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import helper

from ortviz.capture import stages
from ortviz.graphs import ModuleScopes
from ortviz.record import ORTMODULE_STAGES, GraphRecord, Mode, Problem


class Heard:
    """A sink that keeps graphs and problems."""

    def __init__(self) -> None:
        self.graphs: list[GraphRecord] = []
        self.problems: list[Problem] = []

    def graph(self, graph: GraphRecord) -> None:
        self.graphs.append(graph)

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)


def test_a_graph_whose_lineage_fails_is_there_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(graph: GraphRecord, previous: GraphRecord | None) -> GraphRecord:
        raise RecursionError("too deep")

    monkeypatch.setattr(stages, "with_lineage", fail)
    heard = Heard()
    collector = stages.StageCollector(tmp_path, "m", ModuleScopes([""]), heard)  # type: ignore[arg-type]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    for stage in ORTMODULE_STAGES:
        content = helper.make_model(graph).SerializeToString()
        collector.file_of(Mode.TRAINING, stage).write_bytes(content)
    collector.collect(Mode.TRAINING)
    assert [each.stage for each in heard.graphs] == list(ORTMODULE_STAGES)
    assert "RecursionError: too deep" in heard.problems[0].what
    assert "training/torch_exported" in heard.problems[0].what
