"""Saved stages in memory, to be asked like a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ortviz.errors import UnknownNameError
from ortviz.record import GraphRecord, Mode, RunInfo, Stage
from ortviz.record.store import StoredGraph


class SavedStages:
    """The newest export of each mode and stage; a ``GraphSource``."""

    def __init__(self, graphs: Iterable[GraphRecord]) -> None:
        self._graphs: dict[tuple[Mode, Stage], GraphRecord] = {}
        for graph in sorted(graphs, key=lambda each: each.export_index):
            self._graphs[graph.mode, graph.stage] = graph

    def info(self) -> RunInfo:
        """Nothing of the run is known."""
        raise NotImplementedError

    def graphs(self) -> tuple[StoredGraph, ...]:
        """All of them, without their bytes."""
        return tuple(
            StoredGraph(replace(graph, model_bytes=b""), len(graph.model_bytes))
            for graph in self._graphs.values()
        )

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """One of them."""
        try:
            return self._graphs[Mode(mode), Stage(stage)]
        except KeyError:
            raise UnknownNameError(f"There is no graph {mode}/{stage}.", "") from None

    def graph_key(self, mode: Mode | str, stage: Stage | str) -> int:
        """Its export."""
        return self.graph(mode, stage).export_index

    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """Its file."""
        return self.graph(mode, stage).model_bytes
