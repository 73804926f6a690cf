"""Records to bytes and back.

MessagePack keeps NaN, ±inf and None apart, which JSON and SQLite's own REAL (NaN becomes NULL)
do not.
"""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

import msgspec

from ortviz.errors import StoreError

T = TypeVar("T")

_PLAIN = b"\x00"
_DEFLATED = b"\x01"
_DEFLATE_FROM_BYTES = 512
# Building a decoder is slow; there are about ten kinds.
_DECODERS: dict[type, msgspec.msgpack.Decoder[Any]] = {}


def pack(record: object) -> bytes:
    """Bytes of a record; longer ones are deflated."""
    raw = msgspec.msgpack.encode(record)
    if len(raw) < _DEFLATE_FROM_BYTES:
        return _PLAIN + raw
    return _DEFLATED + zlib.compress(raw, 1)


def unpack(kind: type[T], content: bytes) -> T:
    """The record in ``content``.

    Raises:
        StoreError: ``content`` is damaged or another kind of record.
    """
    try:
        raw = zlib.decompress(content[1:]) if content[:1] == _DEFLATED else content[1:]
        decoder = _DECODERS.get(kind)
        if decoder is None:
            decoder = _DECODERS[kind] = msgspec.msgpack.Decoder(kind)
        decoded: T = decoder.decode(raw)
        return decoded
    except (msgspec.DecodeError, zlib.error) as error:
        raise StoreError(
            f"A {kind.__name__} in the run file cannot be read: {error}.",
            "The file is damaged: record the run again.",
        ) from error
