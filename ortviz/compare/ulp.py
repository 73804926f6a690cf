"""How many numbers of a dtype lie between two values: the distance in units in the last place.

The bits of a floating-point number, read as an integer without the sign, count the numbers of its
dtype from 0 up to it. For two numbers of one sign the distance is the difference of these counts,
for two of different signs their sum; 0 and −0 are no distance apart. One number and the next,
:func:`numpy.nextafter`, are 1 apart whatever their size, so elements close to 0 may be many ulp
apart where their difference is next to nothing beside the rest of the tensor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOATS = {"float64": np.int64, "float32": np.int32, "float16": np.int16}
_BFLOAT16 = "bfloat16"


def has_ulp(dtype: str) -> bool:
    """Whether a dtype, by PyTorch's name without ``torch.``, has a last place of its own here."""
    return dtype in _FLOATS or dtype == _BFLOAT16


def ulp_distance(reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Element by element the distance in units in the last place; no meaning for NaN.

    Args:
        reference: One-dimensional, any real dtype.
        candidate: The same length.
        dtype: PyTorch's name of the dtype to count in: float64, float32, float16 or bfloat16.
            Values of another dtype are rounded to it first.

    Returns:
        Unsigned integers (element) as wide as the dtype.
    """
    size = reference.size
    return distance_into(reference, candidate, dtype, np.empty((2, size), np.int64))


def distance_into(
    reference: NDArray[Any], candidate: NDArray[Any], dtype: str, room: NDArray[np.int64]
) -> NDArray[Any]:
    """Likewise, without new memory in the usual case.

    Args:
        reference: As for :func:`ulp_distance`.
        candidate: Likewise.
        dtype: Likewise.
        room: int64 (2, at least element), contiguous rows; written over.

    Returns:
        As :func:`ulp_distance`; may lie in ``room``.
    """
    ours, theirs = _bits(reference, dtype), _bits(candidate, dtype)
    size = ours.size
    difference = room[0].view(ours.dtype)[:size]
    signs = room[1].view(ours.dtype)[:size]
    np.subtract(ours, theirs, out=difference)
    np.abs(difference, out=difference)
    np.bitwise_xor(ours, theirs, out=signs)
    unsigned = f"u{ours.dtype.itemsize}"
    distance: NDArray[Any] = difference.view(unsigned)
    if size == 0 or signs.min() >= 0:
        return distance
    magnitude = np.iinfo(ours.dtype).max
    total = (ours & magnitude).view(unsigned) + (theirs & magnitude).view(unsigned)
    np.copyto(distance, total, where=signs < 0)
    return distance


def _bits(values: NDArray[Any], dtype: str) -> NDArray[Any]:
    """The bits as signed integers of the dtype's width."""
    if dtype != _BFLOAT16:
        plain: NDArray[Any] = np.ascontiguousarray(values, dtype).view(_FLOATS[dtype])
        return plain
    wide = np.ascontiguousarray(values, np.float32).view(np.uint32)
    # Round half to even, as PyTorch does; nothing changes where the value came from bfloat16.
    rounded = wide + (np.uint32(0x7FFF) + ((wide >> np.uint32(16)) & np.uint32(1)))
    narrow: NDArray[Any] = (rounded >> np.uint32(16)).astype(np.uint16).view(np.int16)
    return narrow
