"""ONNX files as they lie on a disk: read whole, or without their large values."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto

from ortviz.errors import OrtvizError, StoreError
from ortviz.graphs.read import parse_model

MAX_FILE_BYTES = 2**31 - 1
"""Protocol buffers hold no more; larger models keep their weights in files of their own."""
KEPT_TENSOR_BYTES = 1024
"""Values of larger tensors are left out of :attr:`OnnxFile.light`."""
SMALL_FILE_BYTES = 6 * 2**20
"""A file of so few bytes is kept as it is."""
MAX_PARTS = 1_000_000
"""Nodes, tensors and types of one file. An empty node takes two bytes of a file, and in memory some
thousand."""
_EXTERNAL = b"location"
"""A model whose tensors lie in files beside it has this key in it."""

_TENSOR = int(onnx.AttributeProto.TENSOR)
_WITH_MORE = frozenset(
    (
        int(onnx.AttributeProto.TENSORS),
        int(onnx.AttributeProto.GRAPH),
        int(onnx.AttributeProto.GRAPHS),
        int(onnx.AttributeProto.UNDEFINED),
    )
)
_VALUE_FIELDS = (
    "raw_data",
    "float_data",
    "int32_data",
    "int64_data",
    "double_data",
    "uint64_data",
    "string_data",
)


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Which file, as it was at one moment; another one once it was written again."""

    path: Path
    mtime_ns: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """One ONNX file that was read.

    Attributes:
        version: Of the file.
        light: Serialised ModelProto, in which tensors of more than :data:`KEPT_TENSOR_BYTES` have
            shape and dtype but no values, unless the file is small.
        model: The same, parsed.
        notes: Sentences for a person: what the file refers to that is not there.
    """

    version: FileVersion
    light: bytes
    model: onnx.ModelProto
    notes: tuple[str, ...]


def file_version(path: Path) -> FileVersion:
    """Look at a file without opening it, so that a pipe or a device is never waited for.

    Raises:
        StoreError: There is no such file, or it is no file, or too large, or out of reach.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise StoreError(f"{path} is {kind}.", "Pass the path of an .onnx file.")
    if found.st_size > MAX_FILE_BYTES:
        raise StoreError(
            f"{path.name} has {found.st_size / 1e9:.1f} GB, and an ONNX file holds at most 2 GB.",
            "Save it with its weights apart: onnx.save(model, path, save_as_external_data=True).",
        )
    return FileVersion(path, found.st_mtime_ns, found.st_size)


def read_bytes(version: FileVersion) -> bytes:
    """All of a file.

    Raises:
        StoreError: It cannot be read, or is being written at this moment.
    """
    path = version.path
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if file_version(path) != version or len(content) != version.size_bytes:
        raise StoreError(f"{path.name} is being written.", "Open it again in a moment.")
    return content


def read_onnx_file(version: FileVersion) -> OnnxFile:
    """Read a model and let its large values go.

    Raises:
        StoreError: It cannot be read.
        OrtvizError: It is no ONNX model, or not all of one, or of more than :data:`MAX_PARTS`.
    """
    content = read_bytes(version)
    model = parse_model(content, version.path.name)
    if len(content) > 2 * MAX_PARTS and _has_too_many_parts(model.graph):
        raise OrtvizError(
            f"{version.path.name} has more than {MAX_PARTS:,} nodes and tensors; such a graph "
            "cannot be shown."
        )
    if len(content) <= SMALL_FILE_BYTES and _EXTERNAL not in content:
        return OnnxFile(version, content, model, ())
    missing: Counter[str] = Counter()
    for tensor in tensors(model.graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            missing.update(_missing_data(tensor, version.path.parent))
        else:
            _drop_large_values(tensor)
    notes = (
        f"The values of {count} tensor{'' if count == 1 else 's'} lie in {where}, which is not "
        "there; all but those values can be shown."
        for where, count in missing.items()
    )
    return OnnxFile(version, model.SerializeToString(), model, tuple(notes))


def _has_too_many_parts(graph: onnx.GraphProto) -> bool:
    count, waiting = 0, [graph]
    while waiting and count <= MAX_PARTS:
        each = waiting.pop()
        lists = (each.node, each.initializer, each.value_info, each.input, each.output)
        count += sum(map(len, lists))
        for node in each.node if count <= MAX_PARTS else ():
            for attribute in node.attribute:
                if attribute.type in _WITH_MORE:
                    waiting.extend((attribute.g, *attribute.graphs))
    return count > MAX_PARTS


def without_large_values(model: onnx.ModelProto) -> onnx.ModelProto:
    """A model whose tensors of more than :data:`KEPT_TENSOR_BYTES` have no values.

    Args:
        model: Loses them as well.
    """
    for tensor in tensors(model.graph):
        _drop_large_values(tensor)
    # What was parsed with them keeps their memory.
    return onnx.load_model_from_string(model.SerializeToString())


def _drop_large_values(tensor: TensorProto) -> None:
    if tensor.ByteSize() > KEPT_TENSOR_BYTES:
        for field in _VALUE_FIELDS:
            tensor.ClearField(field)


def tensors(graph: onnx.GraphProto) -> Iterator[TensorProto]:
    """Every tensor that a graph carries: initializers and attributes, those of subgraphs too."""
    waiting = [graph]
    while waiting:
        each = waiting.pop()
        yield from each.initializer
        for sparse in each.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in each.node:
            for attribute in node.attribute:
                if attribute.type == _TENSOR:
                    yield attribute.t
                elif attribute.type in _WITH_MORE:
                    yield from attribute.tensors
                    if attribute.HasField("g"):
                        waiting.append(attribute.g)
                    waiting.extend(attribute.graphs)


def external_path(tensor: TensorProto, folder: Path) -> Path | None:
    """Where a tensor's values lie beside the model; None where they are in it.

    Raises:
        StoreError: The model names a place outside of its own folder, which is never read.
    """
    if tensor.data_location != TensorProto.EXTERNAL:
        return None
    location = next((each.value for each in tensor.external_data if each.key == "location"), "")
    # Not Path: it keeps "..".
    inside = Path(os.path.normpath(location or "/"))
    if inside.is_absolute() or inside.parts[0] == os.pardir:
        raise StoreError(
            f"The values of {tensor.name!r} are said to lie at {location!r}, outside of the "
            "model's folder, and are not read."
        )
    return folder / inside


def _missing_data(tensor: TensorProto, folder: Path) -> list[str]:
    """The file that a tensor's values lie in, if it is not there."""
    try:
        path = external_path(tensor, folder)
    except StoreError:
        return ["a place outside of the model's folder"]
    return [] if path is None or path.is_file() else [path.name]


def _unreadable(path: Path, error: OSError) -> StoreError:
    if isinstance(error, FileNotFoundError):
        return StoreError(f"There is no file {path}.", "Is the path right?")
    return StoreError(f"{path} cannot be read: {error.strerror or error}.", "May you read it?")
