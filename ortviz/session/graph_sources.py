"""Where graphs are read from."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ortviz.record import GraphRecord, Mode, RunInfo, Stage
from ortviz.record.store import StoredGraph


class GraphSource(Protocol):
    """What graphs are read from: a ``RunReader``, or ``graph_files.GraphFiles``.

    All raise ``UnknownNameError`` for a stage that is not there.
    """

    def info(self) -> RunInfo:
        """Name and modules; of a file, the modules that its names tell of."""

    def graphs(self) -> tuple[StoredGraph, ...]:
        """The newest export of each mode and stage, without the files' bytes, in order."""

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """One of them, with its bytes."""

    def graph_key(self, mode: Mode | str, stage: Stage | str) -> int:
        """Tells the newest export of a stage from all other graphs of the same ``run_id``."""

    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """The ONNX file."""

    def data_folder(self) -> Path | None:
        """Where values lie that a file keeps beside it; None where there is no such place."""
