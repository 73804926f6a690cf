"""What :class:`ortviz.GraphInspector` takes, as something that answers about graphs."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast

from ortviz.api import Presenter, capture_room
from ortviz.errors import OrtvizError, SourceError
from ortviz.findings.known_failures import advice, essence
from ortviz.record import ORTMODULE_STAGES, EventKind, Mode, RunEvent, RunStatus
from ortviz.record.store import RunWriter
from ortviz.session.graph_files import GraphFiles
from ortviz.session.run import Run
from ortviz.session.storage import SUFFIX, file_stem

if TYPE_CHECKING:
    import onnx
    from torch import nn

Opened = Union[Run, GraphFiles]
Source: TypeAlias = (
    "Run | GraphFiles | str | os.PathLike[str] | bytes | onnx.ModelProto | nn.Module"
)

_ACCEPTED = (
    "It takes a run, a model wrapped by ortviz, the path of an .onnx or .ortviz file, an "
    "onnx.ModelProto or its bytes, or a torch.nn.Module with example inputs: "
    "ortviz.GraphInspector(model, x)."
)


def open_source(
    source: object,
    inputs: Sequence[object] = (),
    keywords: Mapping[str, object] | None = None,
    name: str | None = None,
) -> Opened:
    """Make something that answers about graphs of whatever has some.

    Args:
        source: See :class:`ortviz.GraphInspector`.
        inputs: Positional arguments of a forward, for an ``nn.Module``.
        keywords: Its keyword arguments.
        name: For a person.

    Raises:
        SourceError: It has no graph; says what has.
        OrtvizError: It should have one, but cannot be read or exported.
    """
    keywords = keywords or {}
    if _is_module(source):
        found = _of_ort_module(source)
        if found is None:
            return _exported(source, inputs, keywords, name)
    else:
        found = _without_module(source, name)
    if inputs or keywords:
        raise SourceError(
            f"Example inputs were given with {_what(source)}, which has its graph already.",
            "Leave them out; they are for a torch.nn.Module that is not wrapped.",
        )
    return found


def _without_module(source: object, name: str | None) -> Opened:
    if isinstance(source, (Run, GraphFiles)):
        return source
    if isinstance(source, (str, os.PathLike)):
        path = Path(source).expanduser()
        if path.suffix == SUFFIX:
            return Run(path, presenter=Presenter())
        return GraphFiles(path, name)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _in_a_file(bytes(source), name or "model")
    onnx = sys.modules.get("onnx")
    if onnx is not None and isinstance(source, onnx.ModelProto):
        return _in_a_file(_serialized(source), name or source.graph.name or "model")
    raise SourceError(f"There is no graph in {_what(source)}.", _ACCEPTED)


def _is_module(source: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, torch.nn.Module)


def _of_ort_module(module: Any) -> Opened | None:
    """The graphs that an ORTModule has; None for other modules."""
    from ortviz._compat import ort_private

    run = vars(module).get("ortviz")
    if isinstance(run, Run):
        return run
    if not ort_private.is_ort_module(module):
        return None
    what = "This ORTModule was not wrapped by ortviz"
    saved = ort_private.saved_stages(module)
    if saved is None:
        raise SourceError(
            f"{what}, and it saves no graphs.",
            "Use ortviz.wrap(model.module), or make it with ORTModule(model, "
            'DebugOptions(save_onnx=True, onnx_prefix="model")).',
        )
    for mode in Mode:
        for stage in reversed(ORTMODULE_STAGES):
            training = mode is Mode.TRAINING
            file_name = ort_private.saved_stage_file_name(saved.prefix, stage, training=training)
            path = Path(saved.folder) / file_name
            if path.is_file():
                return GraphFiles(path)
    raise SourceError(
        f"{what}, and there is no graph of it in {saved.folder} yet.",
        "It saves them in its first step: call it once.",
    )


def _serialized(model: onnx.ModelProto) -> bytes:
    from google.protobuf.message import EncodeError

    try:
        return cast(bytes, model.SerializeToString())
    except (ValueError, EncodeError) as error:
        raise SourceError(
            f"The model cannot be written: {error}.",
            "Of more than 2 GB, save it with onnx.save(…, save_as_external_data=True) and pass the "
            "path.",
        ) from error


def _in_a_file(content: bytes, name: str) -> GraphFiles:
    """Into a temporary file, so that the server can read it while the kernel is busy."""
    stem = re.sub(r"[^\w.-]+", "_", name).strip("._")[:60] or "model"
    folder = tempfile.mkdtemp(prefix="ortviz-graph-")
    path = Path(folder) / f"{stem}.onnx"
    try:
        path.write_bytes(content)
        files = GraphFiles(path, name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(files, shutil.rmtree, folder, ignore_errors=True)
    return files


def _exported(
    module: Any, inputs: Sequence[object], keywords: Mapping[str, object], name: str | None
) -> Run:
    """A run without a step, of what ORTModule makes of a copy of a module."""
    type_name = type(module).__name__
    if not inputs and not keywords:
        raise SourceError(
            f"{type_name} is not wrapped by ortviz, and without inputs it cannot be exported.",
            "Pass example inputs, ortviz.GraphInspector(model, x), or wrap it: ortviz.wrap(model).",
        )
    folder = Path(tempfile.mkdtemp(prefix="ortviz-graph-"))
    try:
        export = capture_room().export_stages(module, inputs, keywords, folder, name or type_name)
        if not export.graphs:
            raise SourceError(f"{type_name} has no graph: {_reason(export.failure)}")
        path = folder / f"{file_stem(export.info.name)}{SUFFIX}"
        with RunWriter.create(path, export.info) as writer:
            for graph in export.graphs:
                writer.put_graph(graph)
            if export.failure is not None:
                stopped = f"ORTModule built no more graphs of this model. {_reason(export.failure)}"
                writer.put_event(RunEvent(EventKind.FALLBACK, 0, stopped))
            writer.set_state(RunStatus.ENDED, None, 0, None, None)
        run = Run(path, presenter=Presenter())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(run, shutil.rmtree, folder, ignore_errors=True)
    return run


def _reason(failure: BaseException | None) -> str:
    if failure is None or isinstance(failure, OrtvizError):
        return str(failure or "It is empty.")
    return advice(failure) or f"{essence(f'{type(failure).__name__}: {failure}').rstrip('.')}."


def _what(source: object) -> str:
    if isinstance(source, type):
        return f"the class {source.__name__}"
    if isinstance(source, (str, os.PathLike)):
        return f"{os.fspath(source)!r}"
    return f"an object of type {type(source).__name__}"
