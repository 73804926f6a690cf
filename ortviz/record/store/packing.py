"""Records to bytes and back.

MessagePack keeps NaN, ±inf and None apart, which JSON and SQLite's own REAL (NaN becomes NULL)
do not.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

_PLAIN = b"\x00"
_DEFLATED = b"\x01"
_DEFLATE_FROM_BYTES = 512
# Building a decoder is slow; there are about ten kinds.
_DECODERS: dict[type, msgspec.msgpack.Decoder[Any]] = {}


class DamagedContentError(Exception):
    """Content that is not what ortviz writes; says which and why, as a part of a sentence."""


def pack(record: object) -> bytes:
    """Bytes of a record; longer ones are deflated."""
    raw = msgspec.msgpack.encode(record)
    if len(raw) < _DEFLATE_FROM_BYTES:
        return _PLAIN + raw
    return _DEFLATED + zlib.compress(raw, 1)


def unpack(kind: type[T], content: object) -> T:
    """The record in ``content``.

    Raises:
        DamagedContentError: ``content`` is damaged or another kind of record.
    """
    if not isinstance(content, bytes) or content[:1] not in (_PLAIN, _DEFLATED):
        raise DamagedContentError(f"its {kind.__name__} is no record")
    try:
        raw = zlib.decompress(content[1:]) if content[:1] == _DEFLATED else content[1:]
        decoder = _DECODERS.get(kind)
        if decoder is None:
            decoder = _DECODERS[kind] = msgspec.msgpack.Decoder(kind)
        decoded: T = decoder.decode(raw)
        return decoded
    except (msgspec.DecodeError, zlib.error, UnicodeDecodeError, OverflowError) as error:
        raise DamagedContentError(f"its {kind.__name__} cannot be read ({error})") from error


def as_array(bodies: Sequence[object], dtype: np.dtype[Any], what: str) -> NDArray[Any]:
    """Bodies of one fixed size as one structured array.

    Args:
        bodies: Each the bytes of one element.
        dtype: Of an element.
        what: What they are, in the plural, for the message.

    Returns:
        Structured array (body) of ``dtype``; read-only.

    Raises:
        DamagedContentError: One of them is of another size, or no bytes at all.
    """
    whole = [body for body in bodies if isinstance(body, bytes) and len(body) == dtype.itemsize]
    if len(whole) != len(bodies):
        raise DamagedContentError(f"{len(bodies) - len(whole)} of its {what} are not whole")
    return np.frombuffer(b"".join(whole), dtype)
