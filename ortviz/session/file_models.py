"""ONNX files of one model as they were read from a disk, and the few that are remembered."""

from __future__ import annotations

import math
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import onnx

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.graphs import ModuleScopes, read_graph
from ortviz.graphs.module_names import is_ortmodule_graph, module_names, parameters_of
from ortviz.graphs.onnx_files import FileVersion, OnnxFile, file_version, read_onnx_file
from ortviz.graphs.read import YIELD_OP
from ortviz.record import (
    ORTMODULE_STAGES,
    GraphRecord,
    Mode,
    ModuleRecord,
    ParameterRecord,
    RunInfo,
    Stage,
)

SUFFIX = ".onnx"
MAX_MODELS = 6
"""Models whose graphs are remembered, so that each command need not read them again."""

_ORTMODULE_NAME = re.compile(
    rf"(?P<prefix>.*)_(?P<stage>{'|'.join(ORTMODULE_STAGES)})_(?P<mode>{'|'.join(Mode)})\.onnx",
    re.DOTALL,
)
_Key = tuple[Mode, Stage]


class SavedStage:
    """One stage: its file, and what is in it without large values, read when it is asked for.

    A file is opened to see one stage first; the others need not hold it up.
    """

    def __init__(self, version: FileVersion, key: _Key, file: OnnxFile | None = None) -> None:
        self.version = version
        self.key = key
        self._lock = threading.Lock()
        self._file = file
        self._graph: GraphRecord | None = None

    def read(self) -> OnnxFile:
        """The file.

        Raises:
            StoreError: It cannot be read.
            OrtvizError: It is no ONNX model.
        """
        with self._lock:
            if self._file is None:
                self._file = read_onnx_file(self.version)
            return self._file

    def graph(self, scopes: ModuleScopes) -> GraphRecord:
        """Its nodes with their modules.

        Raises:
            OrtvizError: As :meth:`read`.
        """
        file = self.read()
        with self._lock:
            if self._graph is None:
                self._graph = read_graph(file.light, *self.key, scopes)
            return self._graph


class FileModel:
    """Files of one model.

    Attributes:
        versions: Of all files that were looked at, also of those that cannot be read.
        stages: In the order to show them in, also those that cannot be read.
        first: The one that was opened.
        info: What is known of the model.
    """

    def __init__(
        self,
        versions: tuple[FileVersion, ...],
        stages: tuple[SavedStage, ...],
        first: SavedStage,
        scopes: ModuleScopes,
        info: RunInfo,
        notes: tuple[str, ...],
    ) -> None:
        self.versions = versions
        self.stages = stages
        self.first = first
        self.info = info
        self._scopes = scopes
        self._notes = notes

    def graph(self, stage: SavedStage) -> GraphRecord:
        """The nodes of a stage with their modules.

        Raises:
            OrtvizError: Its file cannot be read.
        """
        return stage.graph(self._scopes)

    def readable(self) -> tuple[SavedStage, ...]:
        """The stages whose files are ONNX models; reads all of them."""
        return tuple(stage for stage in self.stages if _trouble(stage) is None)

    def notes(self) -> tuple[str, ...]:
        """Sentences for a person on what is missing; reads all files."""
        missing = tuple(filter(None, map(_trouble, self.stages)))
        return (*self.first.read().notes, *self._notes, *missing)


def _trouble(stage: SavedStage) -> str | None:
    """What keeps a sibling from being shown."""
    try:
        stage.read()
    except OrtvizError as error:
        return _left_out(stage.version.path, error)
    return None


def find_stage(
    path: Path, model: FileModel, mode: Mode | str, stage: Stage | str
) -> tuple[int, SavedStage]:
    """One stage of a model, and which of its stages it is.

    Raises:
        UnknownNameError: There is no such stage.
    """
    wanted = next((each for each in model.stages if each.key == (mode, stage)), None)
    # A page asks for what the file's name says before it was told what there is.
    named = _ORTMODULE_NAME.fullmatch(path.name)
    if wanted is None and named is not None and (named["mode"], named["stage"]) == (mode, stage):
        wanted = model.first
    if wanted is None:
        known = ", ".join("/".join(each.key) for each in model.stages)
        raise UnknownNameError(
            f"There is no graph of stage {str(stage)!r} in mode {str(mode)!r}.",
            f"Beside {path.name} there are {known}.",
        )
    return model.stages.index(wanted), wanted


class FileModels:
    """The models read last, each once, whoever asks how often at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[Path, FileModel] = OrderedDict()

    def get(self, path: Path) -> FileModel:
        """The model as it is on disk now."""
        with self._lock:
            versions, left_out = _versions(path)
            known = self._known.pop(path, None)
            if known is None or known.versions != versions:
                known = _read(path, versions, left_out)
            self._known[path] = known
            while len(self._known) > MAX_MODELS:
                self._known.popitem(last=False)
            return known


FILE_MODELS = FileModels()
"""Those of this process."""


def _versions(path: Path) -> tuple[tuple[FileVersion, ...], tuple[str, ...]]:
    """The file, then its siblings that can be looked at; sentences about those that cannot."""
    found, left_out = [file_version(path)], []
    named = _ORTMODULE_NAME.fullmatch(path.name)
    keys = [(mode, stage) for mode in Mode for stage in ORTMODULE_STAGES] if named else []
    for mode, stage in keys:
        prefix = "" if named is None else named["prefix"]
        sibling = path.with_name(f"{prefix}_{stage.value}_{mode.value}{SUFFIX}")
        # Not exists(): of a name that is too long for the disk it raises.
        if sibling != path and os.path.lexists(sibling):
            try:
                found.append(file_version(sibling))
            except OrtvizError as error:
                left_out.append(_left_out(sibling, error))
    return tuple(found), tuple(left_out)


def _left_out(sibling: Path, error: OrtvizError) -> str:
    return f"{sibling.name} beside it is left out: {error.what}"


def _read(path: Path, versions: tuple[FileVersion, ...], left_out: tuple[str, ...]) -> FileModel:
    """Read a file; of its siblings only those that tell what modules there are."""
    file = read_onnx_file(versions[0])
    of_ortmodule = is_ortmodule_graph(file.model)
    key = _key(file, siblings=len(versions) > 1 or of_ortmodule)
    first = SavedStage(versions[0], key, file)
    siblings = [SavedStage(version, _key_by_name(version)) for version in versions[1:]]
    models = [each.model for each in (file, *_origins(siblings))] if of_ortmodule else []
    names = module_names(models) if of_ortmodule else ()
    modes, stages = list(Mode), list(Stage)
    ordered = sorted(
        (first, *siblings), key=lambda each: (modes.index(each.key[0]), stages.index(each.key[1]))
    )
    info = _info(path, versions, file.model, _module_records(names, file.model))
    return FileModel(versions, tuple(ordered), first, ModuleScopes(names), info, left_out)


def _origins(siblings: Iterable[SavedStage]) -> Iterator[OnnxFile]:
    """The earliest stage of each mode: all later ones take the names of modules from it."""
    found: set[Mode] = set()
    for each in siblings:
        if each.key[0] not in found and _trouble(each) is None:
            found.add(each.key[0])
            yield each.read()


def _key(file: OnnxFile, *, siblings: bool) -> _Key:
    if siblings and _ORTMODULE_NAME.fullmatch(file.version.path.name):
        return _key_by_name(file.version)
    trains = any(node.op_type == YIELD_OP for node in file.model.graph.node)
    return (Mode.TRAINING if trains else Mode.INFERENCE), Stage.MODEL


def _key_by_name(version: FileVersion) -> _Key:
    named = _ORTMODULE_NAME.fullmatch(version.path.name)
    assert named is not None, f"{version.path.name} was found by what ORTModule calls its files"
    return Mode(named["mode"]), Stage(named["stage"])


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
