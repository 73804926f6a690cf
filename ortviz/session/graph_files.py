"""ONNX files that nothing was recorded of, answered for like a run without a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ortviz.errors import OrtvizError
from ortviz.graphs.onnx_files import read_bytes
from ortviz.protocol.codec import Buffers
from ortviz.protocol.messages import CommandName
from ortviz.protocol.validate import check_name, check_params
from ortviz.record import GraphRecord, Mode, RunInfo, RunStatus, Stage
from ortviz.record.store import LOSS_NAMES, MASK_KINDS, MASKED_LOSSES, SIDES, LossBins, RunState
from ortviz.record.store.results import StoredGraph
from ortviz.session.file_models import FILE_MODELS, FileModel, find_stage
from ortviz.session.graph_commands import GRAPH_ANSWERS
from ortviz.session.turns import Turns, uncollected
from ortviz.views.findings import findings_view
from ortviz.views.graphs import graphs_view
from ortviz.views.run_view import run_view
from ortviz.views.summary import summary_view

_TURNS = Turns()
_URGENT: Mapping[str, int] = {"graph_structure": 2, "run": 1, "summary": 1}
"""What the first picture needs; the list of stages reads all files beside the opened one."""


class GraphFiles:
    """A lone ONNX file; with the other stages beside it if ORTModule saved it.

    Whatever is asked, files that changed on disk meanwhile are read again.

    Args:
        path: The file.
        name: For a person; by default the file's.

    Raises:
        StoreError: It cannot be read.
        OrtvizError: It is no ONNX model.
    """

    def __init__(self, path: str | Path, name: str | None = None) -> None:
        self.path = Path(path)
        self._name = name
        with uncollected():
            self._model()

    def info(self) -> RunInfo:
        """Name, exporter and modules; the identifier is another one once a file has changed."""
        info = self._model().info
        return info if self._name is None else replace(info, name=self._name)

    @property
    def first(self) -> tuple[Mode, Stage]:
        """Mode and stage of the file that was opened."""
        return self._model().first.key

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person: what is missing."""
        return self._model().notes()

    def graphs(self) -> tuple[StoredGraph, ...]:
        """The stages that are there, in order, without the files' bytes."""
        model = self._model()
        return tuple(
            StoredGraph(replace(model.graph(stage), model_bytes=b""), stage.version.size_bytes)
            for stage in model.readable()
        )

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """One stage; in its bytes large tensors have no values.

        Raises:
            UnknownNameError: It is not there.
            OrtvizError: Its file cannot be read.
        """
        model = self._model()
        return model.graph(find_stage(self.path, model, mode, stage)[1])

    def graph_key(self, mode: Mode | str, stage: Stage | str) -> int:
        """Tells a stage from the others; another content has another ``run_id``.

        Raises:
            UnknownNameError: It is not there.
        """
        return find_stage(self.path, self._model(), mode, stage)[0]

    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """The file of a stage as it is on disk.

        Raises:
            UnknownNameError: It is not there.
            StoreError: It cannot be read any more.
        """
        return read_bytes(find_stage(self.path, self._model(), mode, stage)[1].version)

    def data_folder(self) -> Path:
        """The file's own folder."""
        return self.path.parent

    def answer(self, command: str, params: Mapping[str, object]) -> tuple[object, list[bytes]]:
        """Answer one command of a browser, as ``session.commands.handle`` does for a run.

        Raises:
            OrtvizError: With a sentence for a person.
        """
        name = check_name(command)
        checked = check_params(name, params)
        checked.pop("rank", None)
        with _TURNS.take(urgency=_URGENT.get(name, 0)), uncollected():
            return self._answer(name, checked)

    def _answer(
        self, name: CommandName, checked: Mapping[str, object]
    ) -> tuple[object, list[bytes]]:
        buffers = Buffers()
        if name in GRAPH_ANSWERS:
            return GRAPH_ANSWERS[name](self, checked, buffers), buffers.parts()
        if name not in _FILE_ANSWERS:
            raise OrtvizError(
                f"{self.path.name} is an ONNX file: there are no steps, so there is no {name!r}.",
                "ortviz.wrap(model) records a training.",
            )
        return _FILE_ANSWERS[name](self, buffers), buffers.parts()

    def subscribe(self, send: object) -> Callable[[], None]:
        """Nothing is ever told unasked."""
        return lambda: None

    def _model(self) -> FileModel:
        return FILE_MODELS.get(self.path)


def _run(files: GraphFiles, buffers: Buffers) -> object:
    return run_view(files.info(), [0])


def _summary(files: GraphFiles, buffers: Buffers) -> object:
    none = np.empty(0, dtype=np.int64)
    losses = np.empty((len(SIDES), len(LOSS_NAMES), 0))
    masked = np.empty((len(MASKED_LOSSES), len(MASK_KINDS), 0), dtype=np.int64)
    bins = LossBins(0, -1, 1, none, losses, losses, losses, masked)
    return summary_view(RunState(RunStatus.ENDED), none, 0, bins, None, (), (), buffers)


def _graphs(files: GraphFiles, buffers: Buffers) -> object:
    mode, stage = files.first
    first = {"mode": mode.value, "stage": stage.value}
    return graphs_view(files.graphs(), files.notes, first)  # type: ignore[arg-type]


def _findings(files: GraphFiles, buffers: Buffers) -> object:
    return findings_view((), ())


_FILE_ANSWERS: dict[CommandName, Callable[[GraphFiles, Buffers], object]] = {
    "run": _run,
    "summary": _summary,
    "graphs": _graphs,
    "findings": _findings,
}
