"""Bytes of the wire: columns, numbers that JSON does not have, and frames.

A frame is one message with its binary buffers in one block of bytes, for hosts without a
message channel of their own (the server extension, the report)::

    4 bytes   length of the JSON text in bytes, unsigned, little-endian
    JSON      {"payload": …, "buffers": [[offset, length], …]}, UTF-8
    zeros     up to the next multiple of 8, counted from the frame's start
    buffers   each one followed by zeros up to the next multiple of 8

Offsets count from the start of the buffer section. Everything is aligned to 8 bytes so that a
browser can lay typed arrays over the frame without copying.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast, get_args

import numpy as np

from ortviz.errors import ProtocolError
from ortviz.protocol.graph_messages import StringTable
from ortviz.protocol.wire import Column, ColumnDtype, WireFloat

ALIGNMENT_BYTES = 8
_HEADER = struct.Struct("<I")
_COLUMN_DTYPES: tuple[str, ...] = get_args(ColumnDtype)


def wire_float(value: float | None) -> WireFloat:
    """A number as JSON can carry it.

    Args:
        value: A Python or NumPy number; None means there is none.

    Returns:
        The number, or ``"NaN"``, ``"Infinity"``, ``"-Infinity"``, or None.
    """
    if value is None:
        return None
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return number


def read_wire_float(value: WireFloat) -> float | None:
    """The inverse of :func:`wire_float`.

    Raises:
        ProtocolError: ``value`` is neither a number nor one of the three words.
    """
    if isinstance(value, str):
        if value not in ("NaN", "Infinity", "-Infinity"):
            raise ProtocolError(
                f"{value!r} is not a number on the wire.",
                "Non-finite numbers are 'NaN', 'Infinity' and '-Infinity'.",
            )
        return float(value)
    return value if value is None else float(value)


class Buffers:
    """Collects the binary buffers of one message while its payload is built."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, array: np.ndarray) -> Column:
        """Append an array and return the column that refers to it.

        Args:
            array: Any shape; dtype float64, float32, int32, uint8 or bool (sent as uint8). Byte
                order and memory layout do not matter.

        Raises:
            ProtocolError: The dtype is none of these. Nothing is converted silently, because a
                cast may lose digits.
        """
        name = "uint8" if array.dtype == np.bool_ else array.dtype.newbyteorder("=").name
        if name not in _COLUMN_DTYPES:
            raise ProtocolError(
                f"A column cannot have dtype {array.dtype.name}.",
                f"Convert it to one of {', '.join(_COLUMN_DTYPES)}.",
            )
        data = array.astype(np.dtype(name).newbyteorder("<"), copy=False)
        return self._append(data.tobytes(), cast(ColumnDtype, name), array.shape)

    def add_bytes(self, data: bytes) -> Column:
        """Append a file's bytes as a uint8 column of shape ``(len(data),)``."""
        return self._append(data, "uint8", (len(data),))

    def add_strings(self, texts: Iterable[str]) -> StringTable:
        """Append many strings as two columns; what UTF-8 cannot carry becomes ``?``."""
        parts = [text.encode("utf-8", "replace") for text in texts]
        ends = np.cumsum([len(part) for part in parts], dtype=np.int32)
        return {"text": self.add_bytes(b"".join(parts)), "ends": self.add(ends)}

    def _append(self, data: bytes, dtype: ColumnDtype, shape: Sequence[int]) -> Column:
        self._parts.append(data)
        sizes = [int(size) for size in shape]
        return {"buffer": len(self._parts) - 1, "dtype": dtype, "shape": sizes}

    def parts(self) -> list[bytes]:
        """The buffers, in the order in which columns refer to them."""
        return list(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def column_array(column: Column, buffers: Sequence[bytes | memoryview]) -> np.ndarray:
    """Read a column back: a read-only array of the column's shape and dtype.

    Raises:
        ProtocolError: There is no such buffer, or it is too short or too long for the shape.
    """
    if not 0 <= column["buffer"] < len(buffers):
        raise ProtocolError(
            f"The message has {len(buffers)} buffers; a column asks for number {column['buffer']}."
        )
    data = buffers[column["buffer"]]
    dtype = np.dtype(column["dtype"]).newbyteorder("<")
    expected_bytes = math.prod(column["shape"]) * dtype.itemsize
    if len(data) != expected_bytes:
        raise ProtocolError(
            f"Buffer {column['buffer']} has {len(data)} bytes; {column['dtype']} of shape "
            f"{column['shape']} needs {expected_bytes}."
        )
    return np.frombuffer(data, dtype=dtype).reshape(column["shape"])


def to_json(value: object) -> str:
    """JSON as every browser reads it: no NaN, no Infinity, no types of Python's own.

    Raises:
        ProtocolError: Something in it JSON does not have; the message names the field.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError) as error:
        where, what = next(_offences(value, "payload"), ("payload", str(error)))
        raise ProtocolError(
            f"A message cannot be sent: {where} is {what}.",
            "Numbers that may be non-finite go through wire_float, arrays through Buffers.add.",
        ) from error


def encode_frame(payload: object, buffers: Sequence[bytes]) -> bytes:
    """One message as one block of bytes; the layout is described at the top of this file.

    Raises:
        ProtocolError: The payload is not plain JSON; the message names the field.
    """
    spans: list[list[int]] = []
    offset = 0
    for data in buffers:
        spans.append([offset, len(data)])
        offset += _aligned(len(data))
    text = f'{{"payload":{to_json(payload)},"buffers":{to_json(spans)}}}'
    head = _utf8(text, payload, spans)
    parts = [_HEADER.pack(len(head)), head, _padding(_HEADER.size + len(head))]
    for data in buffers:
        parts += [data, _padding(len(data))]
    return b"".join(parts)


def decode_frame(frame: bytes | memoryview) -> tuple[object, list[memoryview]]:
    """The payload and the buffers of a frame; the buffers are views into it.

    Raises:
        ProtocolError: The bytes are not a frame or were cut short.
    """
    view = memoryview(frame)
    if len(view) < _HEADER.size:
        raise ProtocolError(f"{len(view)} bytes are too short for a frame.")
    (json_bytes,) = _HEADER.unpack_from(view)
    start = _aligned(_HEADER.size + json_bytes)
    if len(view) < start:
        raise ProtocolError(f"A frame of {len(view)} bytes ends before its {json_bytes} of JSON.")
    try:
        head = json.loads(bytes(view[_HEADER.size : _HEADER.size + json_bytes]))
        payload, spans = head["payload"], head["buffers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError("A frame does not begin with its payload as JSON.") from error
    section = view[start:]
    if any(offset + length > len(section) for offset, length in spans):
        raise ProtocolError(f"A frame of {len(view)} bytes ends before its last buffer.")
    return payload, [section[offset : offset + length] for offset, length in spans]


def _aligned(length: int) -> int:
    return -(-length // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _padding(length: int) -> bytes:
    return bytes(_aligned(length) - length)


def _utf8(text: str, payload: object, spans: list[list[int]]) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate (an undecodable file name) has no UTF-8 form, but JSON can escape it.
        return json.dumps({"payload": payload, "buffers": spans}, allow_nan=False).encode("ascii")


def _offences(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every place in ``value`` that JSON cannot carry: (path, what is there)."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _offences(child, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, child in enumerate(value):
            yield from _offences(child, f"{path}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"{value}, which JSON does not have"
    elif value is not None and not isinstance(value, (str, int, float, bool)):
        yield path, f"of type {type(value).__name__}, which JSON does not have"
