"""Tensors with their elements in the run file: each content once, in parts that SQLite can take."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ortviz.record.keeping import ENTRY_BYTES, RawTensor
from ortviz.record.store.database import Database
from ortviz.record.store.packing import DamagedContentError

_PART_BYTES = 8 * 1024 * 1024
_PROBE_BYTES = 64 * 1024
_WORTH_DEFLATING = 0.7
_PLAIN, _DEFLATED = b"\x00", b"\x01"
_HIGH_HALVES = "high halves of float32"
"""How bfloat16 is stored: the upper 16 bits of each float32, which are all there is to it."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in the file.

    Attributes:
        id: Its key.
        added_bytes: What it added to the file, about; 0 when its content was there already.
    """

    id: int
    added_bytes: int


def put_tensor(database: Database, tensor: RawTensor, purpose: str) -> StoredTensor:
    """Write a tensor unless the same one is there; inside a transaction of the caller's.

    Args:
        database: The run file.
        tensor: What to write.
        purpose: Tensors are shared only within one, so that each can be dropped by itself.
    """
    values, stored = _as_stored(tensor)
    shape = json.dumps(tensor.values.shape)
    digest = hashlib.blake2b(f"{purpose} {tensor.dtype} {stored} {shape} ".encode(), digest_size=20)
    digest.update(values.data)
    known = database.row("SELECT id FROM tensor WHERE digest = ?", (digest.digest(),))
    if known is not None:
        return StoredTensor(int(known[0]), 0)
    cursor = database.execute(
        "INSERT INTO tensor (digest, dtype, stored, shape, size_bytes) VALUES (?, ?, ?, ?, ?)",
        (digest.digest(), tensor.dtype, stored, shape, values.nbytes),
    )
    key = cursor.lastrowid
    assert key is not None
    for part, start in enumerate(range(0, values.nbytes, _PART_BYTES)):
        database.execute(
            "INSERT INTO tensor_part (tensor, part, body) VALUES (?, ?, ?)",
            (key, part, _packed(values[start : start + _PART_BYTES])),
        )
    return StoredTensor(key, values.nbytes + ENTRY_BYTES)


def read_tensor(database: Database, key: int) -> RawTensor:
    """A tensor by its key; its array belongs to the caller.

    Raises:
        DamagedContentError: It is missing, not whole, or of no dtype that is known.
    """
    row = database.row("SELECT dtype, stored, shape, size_bytes FROM tensor WHERE id = ?", (key,))
    if row is None:
        raise DamagedContentError("a kept tensor is missing")
    dtype, stored, shape, size_bytes = row
    parts = database.rows("SELECT body FROM tensor_part WHERE tensor = ? ORDER BY part", (key,))
    content = b"".join(_unpacked(part[0]) for part in parts)
    if len(content) != size_bytes:
        raise DamagedContentError("a kept tensor is not whole")
    try:
        sizes = tuple(json.loads(shape))
        if stored == _HIGH_HALVES:
            halves = np.frombuffer(content, np.uint16).astype(np.uint32)
            return RawTensor((halves << np.uint32(16)).view(np.float32).reshape(sizes), dtype)
        return RawTensor(np.frombuffer(content, np.dtype(stored)).reshape(sizes).copy(), dtype)
    except (ValueError, TypeError) as error:
        raise DamagedContentError(f"a kept tensor cannot be read ({error})") from error


def drop_unused(database: Database, keys: list[int]) -> int:
    """Delete those of some tensors that nothing refers to any more.

    Returns:
        Bytes that are free again in the file.
    """
    freed = 0
    for key in keys:
        used = database.row(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM kept WHERE tensor = ?1) "
            "OR EXISTS (SELECT 1 FROM rerun_tensor WHERE tensor = ?1)",
            (key,),
        )
        size = database.row("SELECT size_bytes FROM tensor WHERE id = ?", (key,))
        if used is not None or size is None:
            continue
        database.execute("DELETE FROM tensor_part WHERE tensor = ?", (key,))
        database.execute("DELETE FROM tensor WHERE id = ?", (key,))
        freed += int(size[0]) + ENTRY_BYTES
    return freed


def _as_stored(tensor: RawTensor) -> tuple[NDArray[np.uint8], str]:
    """The bytes in row-major order, uint8 (byte), and what they are."""
    values = np.ascontiguousarray(tensor.values)
    if tensor.is_narrowed:
        halves = (values.view(np.uint32) >> np.uint32(16)).astype(np.uint16)
        return halves.reshape(-1).view(np.uint8), _HIGH_HALVES
    return values.reshape(-1).view(np.uint8), values.dtype.str


def _packed(part: NDArray[np.uint8]) -> bytes:
    """Deflated where a look at its beginning promises that it is worth the time."""
    probe = part[:_PROBE_BYTES]
    # Weights and activations hardly shrink; masks and what a ReLU left do.
    if len(zlib.compress(probe.data, 1)) > _WORTH_DEFLATING * probe.nbytes:
        return _PLAIN + part.tobytes()
    return _DEFLATED + zlib.compress(part.data, 1)


def _unpacked(body: object) -> bytes:
    if not isinstance(body, bytes) or body[:1] not in (_PLAIN, _DEFLATED):
        raise DamagedContentError("a kept tensor is none")
    try:
        return body[1:] if body[:1] == _PLAIN else zlib.decompress(body[1:])
    except zlib.error as error:
        raise DamagedContentError(f"a kept tensor cannot be read ({error})") from error
