"""Lone ONNX files as a person at a prompt asks for them."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from ortviz.record import GraphRecord, Mode, Stage
from ortviz.record.store import RunReader
from ortviz.session.contents import Graphs, Reading, SavedGraph
from ortviz.session.graph_files import GraphFiles


class FileStages(Graphs):
    """Stages of lone files: by stage, where it is there in one mode only, or by both.

    Args:
        files: The files.
    """

    def __init__(self, files: GraphFiles) -> None:
        whole = cast(RunReader, _Whole(files))
        super().__init__(Reading(lambda question: question(whole)))

    def __getitem__(self, key: str | tuple[str, str]) -> SavedGraph:
        if isinstance(key, str):
            # Training stands first where both are there.
            keys = (each for each in self if isinstance(each, tuple))
            key = next((each for each in keys if each[1] == key), (Mode.TRAINING.value, key))
        return super().__getitem__(key)


class _Whole:
    """Answers with all bytes of a file, of which the files themselves remember few."""

    def __init__(self, files: GraphFiles) -> None:
        self._files = files
        self.info, self.graphs = files.info, files.graphs
        self.graph_key, self.model_bytes = files.graph_key, files.model_bytes

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        content = self._files.model_bytes(mode, stage)
        return replace(self._files.graph(mode, stage), model_bytes=content)
