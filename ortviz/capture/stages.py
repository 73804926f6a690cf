"""Picks up the graphs that DebugOptions makes ORTModule save."""

from __future__ import annotations

import traceback
from collections import Counter
from pathlib import Path

from ortviz._compat.ort_private import saved_stage_file_name
from ortviz.graphs import ModuleScopes, read_graph
from ortviz.graphs.lineage import with_lineage
from ortviz.record import ORTMODULE_STAGES, GraphRecord, Mode, Problem, Sink, Stage

NEVER_SAVED = (Mode.INFERENCE, Stage.OPTIMIZED_PRE_GRAD)
"""Without a gradient graph there is no stage before it."""


class StageCollector:
    """Reads the five files of a mode right after ORTModule built its session.

    ORTModule overwrites them when it exports again, so they are read at once.

    Args:
        folder: Where DebugOptions saves.
        prefix: DebugOptions' ``onnx_prefix``.
        scopes: The names of the model's modules.
        sink: Gets the graphs.
    """

    def __init__(self, folder: Path, prefix: str, scopes: ModuleScopes, sink: Sink) -> None:
        self._folder = folder
        self._prefix = prefix
        self._scopes = scopes
        self._sink = sink
        self._export_counts: Counter[Mode] = Counter()

    def file_of(self, mode: Mode, stage: Stage) -> Path:
        """Where ORTModule saves this stage."""
        name = saved_stage_file_name(self._prefix, stage.value, training=mode is Mode.TRAINING)
        return self._folder / name

    def collect(self, mode: Mode) -> None:
        """Hand the stages of ``mode`` to the sink: five in training, four in inference.

        A missing one becomes a Problem.
        """
        index = self._export_counts[mode]
        self._export_counts[mode] += 1
        previous: GraphRecord | None = None
        for stage in ORTMODULE_STAGES:
            if (mode, stage) == NEVER_SAVED:
                continue
            file = self.file_of(mode, stage)
            try:
                model_bytes = file.read_bytes()
            except OSError as error:
                self._sink.problem(
                    Problem(
                        f"The graph of stage {stage.value} ({mode.value}) is missing: ORTModule "
                        f"did not save {file.name}.",
                        "The other stages are shown. Is the folder writable and not full?",
                        detail=str(error),
                    )
                )
                continue
            graph = read_graph(model_bytes, mode, stage, self._scopes, index)
            previous = self._told(graph, previous)
            self._sink.graph(previous)

    def _told(self, graph: GraphRecord, previous: GraphRecord | None) -> GraphRecord:
        """With the modules that the stage before tells; as it is where that fails."""
        try:
            return with_lineage(graph, previous)
        except Exception as error:  # noqa: BLE001 - the graph is worth more than what it lacks
            what = f"{graph.mode.value}/{graph.stage.value}"
            self._sink.problem(
                Problem(
                    f"Where nodes of {what} came from could not be told: "
                    f"{type(error).__name__}: {error}",
                    "The graph is there; a few of its nodes have no module. Please report this.",
                    detail=traceback.format_exc(),
                )
            )
            return graph
