"""One pass over two arrays of the same shape, in float64, block by block.

What an equal pair does not need is not computed for it: its bits are compared, and its largest
element is looked up. For the others the pass is bound by memory, so blocks are small enough for a
processor's cache, and are worked on in memory that is kept: blocks of this size would be given back
to the system and asked for again each time. Finite pairs of float32 or float64, which is nearly
all there is, are gone through by the compiled loops of :mod:`ortviz.native` where there are such.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.compare.blocks import BLOCK_ELEMENTS, errors
from ortviz.compare.cosine import Products, cosine_of, dot
from ortviz.compare.ulp import distance_into, has_ulp
from ortviz.native import CODES, kernels

_HEAD_ELEMENTS = 64


@dataclass(slots=True)
class Scan:
    """What a pass has found; positions are in row-major order, −1 for none.

    Attributes:
        element_count: Elements of each array.
        finite_count: Elements that are finite on both sides.
        error_sum: Sum of their |candidate − reference|.
        max_error: The largest of these.
        worst: Where.
        scale: Largest |reference| among them.
        mismatch_count: Elements that are NaN or infinite on one side only, or differently so.
        first_mismatch: The first of those.
        max_ulp: Largest distance in units in the last place among the finite ones; None for
            integers and booleans, and when nothing is finite.
        cosine: Of the angle between the two; None when one is 0 or not all is finite.
    """

    element_count: int
    finite_count: int = 0
    error_sum: float = 0.0
    max_error: float = 0.0
    worst: int = -1
    scale: float = 0.0
    mismatch_count: int = 0
    first_mismatch: int = -1
    max_ulp: int | None = None
    cosine: float | None = None


class _Room(threading.local):
    """Memory to work in, for each thread its own: 1 MB."""

    def __init__(self) -> None:
        self.wide = np.empty((2, BLOCK_ELEMENTS), np.float64)
        self.integers = np.empty((2, BLOCK_ELEMENTS), np.int64)


_room = _Room()


def scan(reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> Scan:
    """Go through two arrays once.

    Args:
        reference: Eager's values, any shape, any real dtype.
        candidate: ORT's values, the same shape.
        dtype: PyTorch's name of the true dtype; units in the last place are counted in it.

    Returns:
        What was found.

    Raises:
        ValueError: The shapes differ.
    """
    if reference.shape != candidate.shape:
        raise ValueError(f"Shapes differ: {reference.shape} and {candidate.shape}.")
    ours, theirs = reference.reshape(-1), candidate.reshape(-1)
    with np.errstate(all="ignore"):
        found = _equal(ours, theirs, dtype) or _by_kernels(ours, theirs, dtype)
        if found is not None:
            return found
        found, products = Scan(ours.size), Products()
        for start in range(0, ours.size, BLOCK_ELEMENTS):
            end = start + BLOCK_ELEMENTS
            _scan_block(found, products, ours[start:end], theirs[start:end], start, dtype)
        if found.finite_count == found.element_count and found.element_count:
            found.cosine = cosine_of(products, ours, theirs)
    return found


def _equal(reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> Scan | None:
    """The result for two arrays of the same bits that are finite; None for all others."""
    if reference.dtype != candidate.dtype or reference.size == 0:
        return None
    ours, theirs = _as_bits(reference), _as_bits(candidate)
    if not (ours[:_HEAD_ELEMENTS] == theirs[:_HEAD_ELEMENTS]).all():
        return None
    scale = 0.0
    for start in range(0, ours.size, BLOCK_ELEMENTS):
        block = slice(start, start + BLOCK_ELEMENTS)
        if not (ours[block] == theirs[block]).all():
            return None
        values = reference[block]
        # NaN wins in min and max, so one look at the two tells whether all are finite.
        largest = max(float(values.max()), -float(values.min()), key=abs)
        if not math.isfinite(largest):
            return None
        scale = max(scale, abs(largest))
    return Scan(
        reference.size,
        finite_count=reference.size,
        scale=scale,
        max_ulp=0 if has_ulp(dtype) else None,
        cosine=1.0 if scale else None,
    )


def _by_kernels(reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> Scan | None:
    """The same by compiled loops; None where there are none for these, or not all is finite."""
    loops, code = kernels(), CODES.get(dtype)
    if loops is None or code is None or reference.size == 0:
        return None
    if reference.dtype.name != dtype or candidate.dtype.name != dtype:
        return None
    ours, theirs = np.ascontiguousarray(reference), np.ascontiguousarray(candidate)
    found = loops.compare(ours.ctypes.data, theirs.ctypes.data, ours.size, code)
    if found is None:
        return None
    products = Products(found.squares_reference, found.squares_candidate, found.products)
    return Scan(
        ours.size,
        finite_count=ours.size,
        error_sum=found.error_sum,
        max_error=found.max_error,
        worst=found.worst,
        scale=found.scale,
        max_ulp=found.max_ulp,
        cosine=cosine_of(products, ours, theirs),
    )


def _as_bits(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def _scan_block(
    found: Scan,
    products: Products,
    reference: NDArray[Any],
    candidate: NDArray[Any],
    offset: int,
    dtype: str,
) -> None:
    size = reference.size
    ours, theirs = _room.wide[0, :size], _room.wide[1, :size]
    np.copyto(ours, reference)
    np.copyto(theirs, candidate)
    sums = (dot(ours, ours), dot(theirs, theirs), dot(ours, theirs))
    apart: NDArray[np.bool_] | None = None
    # Finite sums of squares have finite terms, which spares looking at each element.
    if not math.isfinite(sums[0] + sums[1]):
        both = np.isfinite(ours) & np.isfinite(theirs)
        if not both.all():
            apart = ~both
            _count_mismatches(found, ours, theirs, apart, offset)
    products.reference += sums[0]
    products.candidate += sums[1]
    products.mixed += sums[2]
    finite_count = size - (0 if apart is None else int(np.count_nonzero(apart)))
    if finite_count == 0:
        return
    found.finite_count += finite_count
    error = errors(reference, candidate, ours, theirs)
    if apart is not None:
        error[apart] = 0.0
        ours[apart] = 0.0
    found.error_sum += float(error.sum())
    worst = int(error.argmax())
    if error[worst] > found.max_error:
        found.max_error, found.worst = float(error[worst]), offset + worst
    found.scale = max(found.scale, float(ours.max()), -float(ours.min()))
    if has_ulp(dtype):
        distance = distance_into(reference, candidate, dtype, _room.integers)
        if apart is not None:
            distance[apart] = 0
        found.max_ulp = max(found.max_ulp or 0, int(distance.max()))


def _count_mismatches(
    found: Scan,
    reference: NDArray[np.float64],
    candidate: NDArray[np.float64],
    apart: NDArray[np.bool_],
    offset: int,
) -> None:
    alike = (reference == candidate) | (np.isnan(reference) & np.isnan(candidate))
    mismatch = apart & ~alike
    count = int(np.count_nonzero(mismatch))
    if count and found.first_mismatch < 0:
        found.first_mismatch = offset + int(mismatch.argmax())
    found.mismatch_count += count
