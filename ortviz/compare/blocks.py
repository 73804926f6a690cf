"""Small questions about large arrays, answered block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK_ELEMENTS = 1 << 15
"""Three float64 blocks of 256 KB."""


def largest_finite(values: NDArray[Any]) -> float:
    """The largest |element| that is finite, 0 when there is none."""
    largest = 0.0
    flat = values.reshape(-1)
    for start in range(0, flat.size, BLOCK_ELEMENTS):
        block = np.abs(flat[start : start + BLOCK_ELEMENTS].astype(np.float64))
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
        for start in range(0, ours.size, BLOCK_ELEMENTS):
            block = slice(start, start + BLOCK_ELEMENTS)
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
        for start in range(0, ours.size, BLOCK_ELEMENTS):
            one = ours[start : start + BLOCK_ELEMENTS]
            other = theirs[start : start + BLOCK_ELEMENTS]
            # Negated, so that NaN is among them.
            mismatched = ~(errors(one, other) <= allowed)
            # The same infinity, and NaN with NaN, have no error that could be compared.
            mismatched &= (one != other) & ~((one != one) & (other != other))
            count += int(np.count_nonzero(mismatched))
    return count


def errors(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    wide_reference: NDArray[np.float64] | None = None,
    wide_candidate: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """|candidate − reference| in float64.

    Args:
        reference: Any shape, any real dtype.
        candidate: The same shape.
        wide_reference: ``reference`` in float64, where that is at hand.
        wide_candidate: ``candidate`` in float64, which the errors are written over.
    """
    ours = reference.astype(np.float64) if wide_reference is None else wide_reference
    theirs = candidate.astype(np.float64) if wide_candidate is None else wide_candidate
    np.subtract(theirs, ours, out=theirs)
    np.abs(theirs, out=theirs)
    if reference.dtype.kind in "iu" and candidate.dtype.kind in "iu":
        # Beyond 2**53 different integers may be the same float64.
        np.maximum(theirs, reference != candidate, out=theirs)
    return theirs
