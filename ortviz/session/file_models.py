"""ONNX files of one model as they were read from a disk, and the few that are remembered."""

from __future__ import annotations

import math
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
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
class FileModel:
    """Files of one model as they were read.

    Attributes:
        versions: Of all files that were looked at, also of those that could not be read.
        saved: In the order to show them in.
        first: The one that was opened.
        info: What is known of the model.
        notes: Sentences for a person.
    """

    versions: tuple[FileVersion, ...]
    saved: Mapping[_Key, SavedStage]
    first: _Key
    info: RunInfo
    notes: tuple[str, ...]


def find_stage(
    path: Path, model: FileModel, mode: Mode | str, stage: Stage | str
) -> tuple[int, SavedStage]:
    """One stage of a model, and which of its stages it is."""
    keys = list(model.saved)
    wanted = next((key for key in keys if key == (mode, stage)), None)
    # A page asks for what the file's name says before it was told what there is.
    named = _ORTMODULE_NAME.fullmatch(path.name)
    if wanted is None and named is not None and (named["mode"], named["stage"]) == (mode, stage):
        wanted = model.first
    if wanted is None:
        known = ", ".join(f"{each.value}/{which.value}" for each, which in keys)
        raise UnknownNameError(
            f"There is no graph of stage {str(stage)!r} in mode {str(mode)!r}.",
            f"Beside {path.name} there are {known}.",
        )
    return keys.index(wanted), model.saved[wanted]


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
    """Read a file and its siblings; what is wrong with a sibling is a note."""
    files = [read_onnx_file(versions[0])]
    notes = [*files[0].notes, *left_out]
    for version in versions[1:]:
        try:
            files.append(read_onnx_file(version))
        except OrtvizError as error:
            notes.append(_left_out(version.path, error))
    models = [each.model for each in files]
    of_ortmodule = is_ortmodule_graph(models[0])
    names = module_names(models) if of_ortmodule else ()
    scopes = ModuleScopes(names)
    saved: dict[_Key, SavedStage] = {}
    for each, model in zip(files, models, strict=True):
        key = _key(each, model, siblings=len(versions) > 1 or of_ortmodule)
        saved[key] = SavedStage(each, key, scopes)
    first = next(iter(saved))
    modes, stages = list(Mode), list(Stage)
    ordered = sorted(saved.items(), key=lambda e: (modes.index(e[0][0]), stages.index(e[0][1])))
    info = _info(path, versions, models[0], _module_records(names, models[0]))
    return FileModel(versions, dict(ordered), first, info, tuple(notes))


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
