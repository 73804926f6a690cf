"""Values that lie in an ONNX file: initializers and constants."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, external_data_helper, numpy_helper

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.graphs.element_types import dtype_name
from ortviz.graphs.onnx_files import external_path

MAX_EXTERNAL_BYTES = 256 * 2**20
"""Largest tensor that is read from a file beside the model."""
_PLACES = ("offset", "length")
_SCALARS = ("value_float", "value_int", "value_floats", "value_ints")


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor of a file.

    Attributes:
        values: In its shape; dtypes that numpy does not have widened.
        dtype: As PyTorch calls it.
    """

    values: np.ndarray
    dtype: str


def read_constant(model: onnx.ModelProto, name: str, folder: Path | None) -> Constant:
    """The values of an initializer or of a Constant node's output.

    Args:
        model: With its values.
        name: The tensor's; of several in different subgraphs the outermost one.
        folder: Where the model's file lies; None where nothing lies beside it.

    Raises:
        UnknownNameError: The file holds no values of that name; says what it is instead.
        OrtvizError: They lie elsewhere and cannot be read, or are no numbers.
    """
    found = next(_found(model.graph, name), None)
    if found is None:
        raise UnknownNameError(*_what_else(model.graph, name))
    if isinstance(found, onnx.SparseTensorProto):
        raise OrtvizError(f"{name!r} is a sparse tensor; its values are not shown.")
    if isinstance(found, onnx.AttributeProto):
        value = onnx.helper.get_attribute_value(found)
        whole = found.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)
        return Constant(
            np.asarray(value, dtype=np.int64 if whole else np.float32),
            "int64" if whole else "float32",
        )
    return _of_tensor(found, name, folder)


def _of_tensor(tensor: TensorProto, name: str, folder: Path | None) -> Constant:
    dtype = dtype_name(tensor.data_type)
    if dtype in ("", "string", "complex64", "complex128"):
        raise OrtvizError(f"{name!r} holds elements of type {dtype or 'unknown'}; no numbers.")
    if tensor.data_location == TensorProto.EXTERNAL:
        tensor = _with_external_values(tensor, name, folder)
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:
        raise OrtvizError(f"The values of {name!r} are damaged: {error}.") from error
    if values.dtype.kind not in "biuf":
        values = values.astype(np.float32)
    return Constant(values, dtype)


def _with_external_values(tensor: TensorProto, name: str, folder: Path | None) -> TensorProto:
    path = None if folder is None else external_path(tensor, folder)
    if folder is None or path is None:
        raise OrtvizError(f"The values of {name!r} lie in a file of their own that is not here.")
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no regular file")
        size_bytes = _size_bytes(tensor, found.st_size)
    except (OSError, ValueError) as error:
        raise OrtvizError(
            f"The values of {name!r} lie in {path.name}, which is not there."
            if isinstance(error, FileNotFoundError)
            else f"The values of {name!r} in {path.name} cannot be found: {error}."
        ) from error
    if size_bytes > MAX_EXTERNAL_BYTES:
        raise OrtvizError(
            f"The values of {name!r} take {size_bytes / 2**20:.0f} MiB of {path.name}; more than "
            f"{MAX_EXTERNAL_BYTES // 2**20} MiB are not read.",
            "onnx.load(path) reads them all.",
        )
    copy = TensorProto()
    copy.CopyFrom(tensor)
    try:
        external_data_helper.load_external_data_for_tensor(copy, str(folder))
    except Exception as error:
        raise OrtvizError(f"The values of {name!r} cannot be read: {error}.") from error
    # onnx before 1.17 leaves this as it was, and then reads the file again, from elsewhere.
    copy.data_location = TensorProto.DEFAULT
    copy.ClearField("external_data")
    return copy


def _size_bytes(tensor: TensorProto, file_bytes: int) -> int:
    """How much is read of the file: the stated length, else all from the offset on."""
    stated = {each.key: int(each.value) for each in tensor.external_data if each.key in _PLACES}
    # To Python's read(), -1 is all there is.
    if any(value < 0 for value in stated.values()):
        raise ValueError("their offset or length is below 0")
    return stated.get("length") or file_bytes - stated.get("offset", 0)


def _found(
    graph: onnx.GraphProto, name: str
) -> Iterator[TensorProto | onnx.SparseTensorProto | onnx.AttributeProto]:
    waiting = [graph]
    while waiting:
        each = waiting.pop(0)
        yield from (tensor for tensor in each.initializer if tensor.name == name)
        yield from (sparse for sparse in each.sparse_initializer if sparse.values.name == name)
        for node in each.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and name in node.output:
                    if attribute.name == "value":
                        yield attribute.t
                    elif attribute.name == "sparse_value":
                        yield attribute.sparse_tensor
                    elif attribute.name in _SCALARS:
                        yield attribute
                elif attribute.type == onnx.AttributeProto.GRAPH:
                    waiting.append(attribute.g)
                elif attribute.type == onnx.AttributeProto.GRAPHS:
                    waiting.extend(attribute.graphs)


def _what_else(graph: onnx.GraphProto, name: str) -> tuple[str, str]:
    if any(each.name == name for each in graph.input):
        return (
            f"{name!r} is an input of the graph; the file holds no values of it.",
            "ORTModule gives weights to its graphs as inputs.",
        )
    if any(name in node.output for node in graph.node):
        return (
            f"{name!r} is computed; the file holds no values of it.",
            "Values of a step are there where they were recorded.",
        )
    return f"There is no tensor {name[:200]!r} in this graph.", ""
