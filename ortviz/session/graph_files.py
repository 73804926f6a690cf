"""ONNX files that nothing was recorded of, answered for like a run without a step."""

from __future__ import annotations

import math
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.graphs import ModuleScopes, read_graph
from ortviz.graphs.module_names import is_ortmodule_graph, module_names, parameters_of
from ortviz.graphs.onnx_files import (
    FileVersion,
    OnnxFile,
    file_version,
    read_bytes,
    read_onnx_file,
)
from ortviz.graphs.read import YIELD_OP
from ortviz.protocol.codec import Buffers
from ortviz.protocol.messages import CommandName
from ortviz.protocol.validate import check_name, check_params
from ortviz.record import (
    ORTMODULE_STAGES,
    GraphRecord,
    Mode,
    ModuleRecord,
    ParameterRecord,
    RunInfo,
    RunStatus,
    Stage,
)
from ortviz.record.store import LOSS_NAMES, MASK_KINDS, MASKED_LOSSES, SIDES, LossBins, RunState
from ortviz.record.store.results import StoredGraph
from ortviz.session.graph_commands import GRAPH_ANSWERS
from ortviz.session.turns import Turns, uncollected
from ortviz.views.findings import findings_view
from ortviz.views.graphs import graphs_view
from ortviz.views.run_view import run_view
from ortviz.views.summary import summary_view

SUFFIX = ".onnx"
MAX_MODELS = 6
"""Models whose graphs are remembered, so that each command need not read them again."""

_ORTMODULE_NAME = re.compile(
    rf"(?P<prefix>.*)_(?P<stage>{'|'.join(ORTMODULE_STAGES)})_(?P<mode>{'|'.join(Mode)})\.onnx",
    re.DOTALL,
)
_Key = tuple[Mode, Stage]

_TURNS = Turns()
_URGENT: Mapping[str, int] = {"graph_structure": 2, "run": 1, "summary": 1}
"""What the first picture needs; the list of stages reads all files beside the opened one."""


class _Saved:
    """One stage: its file, and what is in it without large values, traced when it is asked for.

    A file is opened to see one stage first; the others need not hold it up.
    """

    def __init__(self, file: OnnxFile, key: _Key, scopes: ModuleScopes) -> None:
        self.version = file.version
        self._light = file.light
        self._key = key
        self._scopes = scopes
        self._lock = threading.Lock()
        self._graph: GraphRecord | None = None

    @property
    def graph(self) -> GraphRecord:
        """Its nodes with their modules."""
        with self._lock:
            if self._graph is None:
                self._graph = read_graph(self._light, *self._key, self._scopes)
            return self._graph


@dataclass(frozen=True, slots=True)
class _Model:
    """Files of one model as they were read.

    Attributes:
        versions: Of all files that were looked at, also of those that could not be read.
        saved: In the order to show them in.
        first: The one that was opened.
        info: What is known of the model.
        notes: Sentences for a person.
    """

    versions: tuple[FileVersion, ...]
    saved: Mapping[_Key, _Saved]
    first: _Key
    info: RunInfo
    notes: tuple[str, ...]


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
        self._model()

    def info(self) -> RunInfo:
        """Name, exporter and modules; the identifier is another one once a file has changed."""
        info = self._model().info
        return info if self._name is None else replace(info, name=self._name)

    @property
    def first(self) -> tuple[Mode, Stage]:
        """Mode and stage of the file that was opened."""
        return self._model().first

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for a person: what is missing."""
        return self._model().notes

    def graphs(self) -> tuple[StoredGraph, ...]:
        """The stages that are there, in order, without the files' bytes."""
        return tuple(
            StoredGraph(replace(saved.graph, model_bytes=b""), saved.version.size_bytes)
            for saved in self._model().saved.values()
        )

    def graph(self, mode: Mode | str, stage: Stage | str) -> GraphRecord:
        """One stage; in its bytes large tensors have no values.

        Raises:
            UnknownNameError: It is not there.
        """
        return self._find(mode, stage).graph

    def graph_key(self, mode: Mode | str, stage: Stage | str) -> int:
        """Tells a stage from the others; another content has another ``run_id``.

        Raises:
            UnknownNameError: It is not there.
        """
        saved = self._find(mode, stage)
        return list(self._model().saved.values()).index(saved)

    def model_bytes(self, mode: Mode | str, stage: Stage | str) -> bytes:
        """The file of a stage as it is on disk.

        Raises:
            UnknownNameError: It is not there.
            StoreError: It cannot be read any more.
        """
        return read_bytes(self._find(mode, stage).version)

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

    def _find(self, mode: Mode | str, stage: Stage | str) -> _Saved:
        model = self._model()
        found = model.saved
        for key, saved in found.items():
            if key == (mode, stage):
                return saved
        # A page asks for what the file's name says before it was told what there is.
        named = _ORTMODULE_NAME.fullmatch(self.path.name)
        if named is not None and (named["mode"], named["stage"]) == (mode, stage):
            return found[model.first]
        known = ", ".join(f"{each.value}/{which.value}" for each, which in found)
        raise UnknownNameError(
            f"There is no graph of stage {str(stage)!r} in mode {str(mode)!r}.",
            f"Beside {self.path.name} there are {known}.",
        )

    def _model(self) -> _Model:
        return _models.get(self.path)


class _Models:
    """The models read last, each once, whoever asks how often at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, _Model] = OrderedDict()

    def get(self, path: Path) -> _Model:
        """The model as it is on disk now."""
        with self._lock:
            versions = _versions(path)
            known = self._known.pop(path, None)
            if known is None or known.versions != versions:
                known = _read(path, versions)
            self._known[path] = known
            while len(self._known) > MAX_MODELS:
                self._known.popitem(last=False)
            return known


_models = _Models()


def _versions(path: Path) -> tuple[FileVersion, ...]:
    """The file, then its siblings that can be looked at."""
    own = file_version(path)
    named = _ORTMODULE_NAME.fullmatch(path.name)
    if named is None:
        return (own,)
    found = [own]
    for mode in Mode:
        for stage in ORTMODULE_STAGES:
            sibling = path.with_name(f"{named['prefix']}_{stage.value}_{mode.value}{SUFFIX}")
            if sibling != path and sibling.exists():
                found.append(file_version(sibling))
    return tuple(found)


def _read(path: Path, versions: tuple[FileVersion, ...]) -> _Model:
    """Read a file and its siblings; what is wrong with a sibling is a note."""
    files = [read_onnx_file(versions[0])]
    notes = list(files[0].notes)
    for version in versions[1:]:
        try:
            files.append(read_onnx_file(version))
        except OrtvizError as error:
            notes.append(f"{version.path.name} beside it is left out: {error.what}")
    models = [each.model for each in files]
    of_ortmodule = is_ortmodule_graph(models[0])
    names = module_names(models) if of_ortmodule else ()
    scopes = ModuleScopes(names)
    saved: dict[_Key, _Saved] = {}
    for each, model in zip(files, models, strict=True):
        key = _key(each, model, siblings=len(versions) > 1 or of_ortmodule)
        saved[key] = _Saved(each, key, scopes)
    first = next(iter(saved))
    modes, stages = list(Mode), list(Stage)
    ordered = sorted(saved.items(), key=lambda e: (modes.index(e[0][0]), stages.index(e[0][1])))
    info = _info(path, versions, models[0], _module_records(names, models[0]))
    return _Model(versions, dict(ordered), first, info, tuple(notes))


def _key(file: OnnxFile, model: onnx.ModelProto, *, siblings: bool) -> _Key:
    named = _ORTMODULE_NAME.fullmatch(file.version.path.name) if siblings else None
    if named is not None:
        return Mode(named["mode"]), Stage(named["stage"])
    trains = any(node.op_type == YIELD_OP for node in model.graph.node)
    return (Mode.TRAINING if trains else Mode.INFERENCE), Stage.MODEL


def _info(
    path: Path,
    versions: tuple[FileVersion, ...],
    model: onnx.ModelProto,
    modules: tuple[ModuleRecord, ...],
) -> RunInfo:
    seen = sha256(repr(versions).encode("utf-8", "surrogatepass")).hexdigest()
    opsets = [(each.domain or "ONNX opset", str(each.version)) for each in model.opset_import]
    made_by = [(model.producer_name, model.producer_version)] if model.producer_name else []
    return RunInfo(
        run_id=seen[:32],
        name=path.name,
        created_unix_secs=versions[0].mtime_ns / 1e9,
        every=1,
        engine="file",
        engine_reason="",
        versions=(*made_by, ("ONNX IR", str(model.ir_version)), *opsets),
        modules=modules,
        parameters=tuple(
            ParameterRecord(name, shape, dtype, requires_grad=False)
            for name, (shape, dtype) in parameters_of(model).items()
        ),
    )


def _module_records(names: tuple[str, ...], model: onnx.ModelProto) -> tuple[ModuleRecord, ...]:
    counts = dict.fromkeys(names, 0)
    for parameter, (shape, _) in parameters_of(model).items():
        counts[parameter.rpartition(".")[0]] += math.prod(shape)
    return tuple(ModuleRecord(name, "", counts[name], training=False) for name in names)


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
