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

from ortviz.compare.ulp import distance_into, has_ulp
from ortviz.native import CODES, kernels

_BLOCK_ELEMENTS = 1 << 15
"""Three float64 blocks of 256 KB."""
_HEAD_ELEMENTS = 64
_BLAS_ELEMENTS = 1 << 13
"""Up to so many OpenBLAS multiplies without waking other threads, which would spin against the
training that goes on beside."""
_SQUARES = (1e-280, 1e280)
"""Between these a sum of squares has lost nothing to underflow or overflow."""


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
        self.wide = np.empty((2, _BLOCK_ELEMENTS), np.float64)
        self.integers = np.empty((2, _BLOCK_ELEMENTS), np.int64)


_room = _Room()


@dataclass(slots=True)
class _Products:
    """Sums over all blocks, from which the cosine follows."""

    reference: float = 0.0
    candidate: float = 0.0
    mixed: float = 0.0


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
        found, products = Scan(ours.size), _Products()
        for start in range(0, ours.size, _BLOCK_ELEMENTS):
            end = start + _BLOCK_ELEMENTS
            _scan_block(found, products, ours[start:end], theirs[start:end], start, dtype)
        if found.finite_count == found.element_count and found.element_count:
            found.cosine = _cosine(products, ours, theirs)
    return found


def largest_finite(values: NDArray[Any]) -> float:
    """The largest |element| that is finite, 0 when there is none."""
    largest = 0.0
    flat = values.reshape(-1)
    for start in range(0, flat.size, _BLOCK_ELEMENTS):
        block = np.abs(flat[start : start + _BLOCK_ELEMENTS].astype(np.float64))
        largest = max(largest, float(np.max(block, where=np.isfinite(block), initial=0.0)))
    return largest


def largest_difference(one: NDArray[Any], other: NDArray[Any]) -> float | None:
    """The largest |one − other| over the elements finite in both; None where there are none.

    Args:
        one: Any shape, any real dtype.
        other: The same shape.
    """
    largest: float | None = None
    ours, theirs = one.reshape(-1), other.reshape(-1)
    with np.errstate(all="ignore"):
        for start in range(0, ours.size, _BLOCK_ELEMENTS):
            block = slice(start, start + _BLOCK_ELEMENTS)
            error = np.subtract(ours[block], theirs[block], dtype=np.float64)
            np.abs(error, out=error)
            finite = np.isfinite(error)
            if finite.any():
                found = float(np.max(error, where=finite, initial=0.0))
                largest = found if largest is None else max(largest, found)
    return largest


def count_mismatched(reference: NDArray[Any], candidate: NDArray[Any], allowed: float) -> int:
    """How many elements are further apart than ``allowed``, or non-finite in different ways."""
    count = 0
    ours, theirs = reference.reshape(-1), candidate.reshape(-1)
    with np.errstate(all="ignore"):
        for start in range(0, ours.size, _BLOCK_ELEMENTS):
            one = ours[start : start + _BLOCK_ELEMENTS]
            other = theirs[start : start + _BLOCK_ELEMENTS]
            # Negated, so that NaN is among them.
            mismatched = ~(_errors(one, other) <= allowed)
            # The same infinity, and NaN with NaN, have no error that could be compared.
            mismatched &= (one != other) & ~((one != one) & (other != other))
            count += int(np.count_nonzero(mismatched))
    return count


def _equal(reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> Scan | None:
    """The result for two arrays of the same bits that are finite; None for all others."""
    if reference.dtype != candidate.dtype or reference.size == 0:
        return None
    ours, theirs = _as_bits(reference), _as_bits(candidate)
    if not (ours[:_HEAD_ELEMENTS] == theirs[:_HEAD_ELEMENTS]).all():
        return None
    scale = 0.0
    for start in range(0, ours.size, _BLOCK_ELEMENTS):
        block = slice(start, start + _BLOCK_ELEMENTS)
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
    products = _Products(found.squares_reference, found.squares_candidate, found.products)
    return Scan(
        ours.size,
        finite_count=ours.size,
        error_sum=found.error_sum,
        max_error=found.max_error,
        worst=found.worst,
        scale=found.scale,
        max_ulp=found.max_ulp,
        cosine=_cosine(products, ours, theirs),
    )


def _as_bits(values: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")


def _scan_block(
    found: Scan,
    products: _Products,
    reference: NDArray[Any],
    candidate: NDArray[Any],
    offset: int,
    dtype: str,
) -> None:
    size = reference.size
    ours, theirs = _room.wide[0, :size], _room.wide[1, :size]
    np.copyto(ours, reference)
    np.copyto(theirs, candidate)
    sums = (_dot(ours, ours), _dot(theirs, theirs), _dot(ours, theirs))
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
    error = _errors(reference, candidate, ours, theirs)
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


def _errors(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    wide_reference: NDArray[np.float64] | None = None,
    wide_candidate: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """|candidate − reference|; writes over ``wide_candidate`` where it is given."""
    ours = reference.astype(np.float64) if wide_reference is None else wide_reference
    theirs = candidate.astype(np.float64) if wide_candidate is None else wide_candidate
    np.subtract(theirs, ours, out=theirs)
    np.abs(theirs, out=theirs)
    if reference.dtype.kind in "iu" and candidate.dtype.kind in "iu":
        # Beyond 2**53 different integers may be the same float64.
        np.maximum(theirs, reference != candidate, out=theirs)
    return theirs


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.size <= _BLAS_ELEMENTS:
        return float(np.dot(one, other))
    return float(np.einsum("i,i->", one, other))


def _cosine(products: _Products, reference: NDArray[Any], candidate: NDArray[Any]) -> float | None:
    if reference.dtype == np.float64 or candidate.dtype == np.float64:
        low, high = _SQUARES
        if not all(low < square < high for square in (products.reference, products.candidate)):
            products = _scaled_products(reference, candidate)
    length = math.sqrt(products.reference) * math.sqrt(products.candidate)
    if length == 0.0:
        return None
    return max(-1.0, min(1.0, products.mixed / length))


def _scaled_products(reference: NDArray[Any], candidate: NDArray[Any]) -> _Products:
    """The sums once more, of both sides divided by their largest element."""
    ours, theirs = largest_finite(reference), largest_finite(candidate)
    products = _Products()
    if ours == 0.0 or theirs == 0.0:
        return products
    for start in range(0, reference.size, _BLOCK_ELEMENTS):
        block = slice(start, start + _BLOCK_ELEMENTS)
        one = reference[block].astype(np.float64) / ours
        other = candidate[block].astype(np.float64) / theirs
        products.reference += _dot(one, one)
        products.candidate += _dot(other, other)
        products.mixed += _dot(one, other)
    return products


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
