"""The cosine of the angle between two tensors, from sums over their blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.compare.blocks import BLOCK_ELEMENTS, largest_finite

_BLAS_ELEMENTS = 1 << 13
"""Up to so many OpenBLAS multiplies without waking other threads, which would spin against the
training that goes on beside."""
_SQUARES = (1e-280, 1e280)
"""Between these a sum of squares has lost nothing to underflow or overflow."""


@dataclass(slots=True)
class Products:
    """Sums over all blocks, from which the cosine follows.

    Attributes:
        reference: Of eager's elements, squared.
        candidate: Of ORT's elements, squared.
        mixed: Of the products of both.
    """

    reference: float = 0.0
    candidate: float = 0.0
    mixed: float = 0.0


def dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The sum of products of two float64 arrays (element), by this thread alone."""
    if one.size <= _BLAS_ELEMENTS:
        return float(np.dot(one, other))
    return float(np.einsum("i,i->", one, other))


def cosine_of(products: Products, reference: NDArray[Any], candidate: NDArray[Any]) -> float | None:
    """The cosine; None when one of the two is 0.

    Args:
        products: Of these two arrays.
        reference: One-dimensional, finite; gone through again where its squares left float64.
        candidate: Likewise, of the same length.
    """
    if reference.dtype == np.float64 or candidate.dtype == np.float64:
        low, high = _SQUARES
        if not all(low < square < high for square in (products.reference, products.candidate)):
            products = _scaled_products(reference, candidate)
    length = math.sqrt(products.reference) * math.sqrt(products.candidate)
    if length == 0.0:
        return None
    return max(-1.0, min(1.0, products.mixed / length))


def _scaled_products(reference: NDArray[Any], candidate: NDArray[Any]) -> Products:
    """The sums once more, of both sides divided by their largest element."""
    ours, theirs = largest_finite(reference), largest_finite(candidate)
    products = Products()
    if ours == 0.0 or theirs == 0.0:
        return products
    for start in range(0, reference.size, BLOCK_ELEMENTS):
        block = slice(start, start + BLOCK_ELEMENTS)
        one = reference[block].astype(np.float64) / ours
        other = candidate[block].astype(np.float64) / theirs
        products.reference += dot(one, one)
        products.candidate += dot(other, other)
        products.mixed += dot(one, other)
    return products
