"""Bins of losses at several resolutions: min, max and last per curve, sums of masked elements.

Level 0 is the steps themselves; a bin of level ``k`` holds ``8 ** k`` steps. A picture of any
range is made from the coarsest bins that are still fine enough, so its cost is the same for a
hundred steps and for a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.record.store.lossrows import finite_values, rows_of
from ortviz.record.store.packing import as_array

FACTOR = 8
TOP_LEVEL = 7
"""8 ** 7 is two million steps a bin: enough for any run."""
LEVEL_SIZES: tuple[int, ...] = tuple(FACTOR**level for level in range(TOP_LEVEL + 1))
"""Steps per bin of each level."""

_FLOATS = ("minimum", "maximum", "last")
BIN_DTYPE = np.dtype(
    [
        ("first_step", "<i8"),
        ("last_step", "<i8"),
        ("minimum", "<f8", (2, 6)),
        ("maximum", "<f8", (2, 6)),
        ("last", "<f8", (2, 6)),
        ("masked", "<i8", (2, 3)),
    ]
)
"""Axes (side, loss) and (masked loss, kind), in the orders that ``results`` names."""


def bins_of_steps(
    steps: list[int], candidate: list[bytes | None], reference: list[bytes | None]
) -> NDArray[Any]:
    """Bins of one step each, structured (step) of BIN_DTYPE."""
    bins = np.zeros(len(steps), BIN_DTYPE)
    bins["first_step"] = bins["last_step"] = steps
    candidate_rows = rows_of(candidate)
    values = np.stack((finite_values(rows_of(reference)), finite_values(candidate_rows)), axis=1)
    for name in _FLOATS:
        bins[name] = values
    bins["masked"] = candidate_rows["counts"][:, :6].reshape(-1, 2, 3)
    return bins


def bins_of_bodies(bodies: Sequence[bytes]) -> NDArray[Any]:
    """Bins as they were written, structured (bin) of BIN_DTYPE.

    Raises:
        DamagedContentError: One of them is not whole.
    """
    return as_array(bodies, BIN_DTYPE, "bins of losses")


def fold(bins: NDArray[Any], size: int) -> NDArray[Any]:
    """Merge bins, ascending by step, into bins of ``size`` steps."""
    if len(bins) == 0:
        return bins
    keys = bins["first_step"] // size
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    folded = np.zeros(len(starts), BIN_DTYPE)
    ends = np.r_[starts[1:], len(bins)] - 1
    folded["first_step"] = bins["first_step"][starts]
    folded["last_step"] = bins["last_step"][ends]
    # fmin and fmax pass over NaN, which stands for "no finite value here".
    folded["minimum"] = np.fmin.reduceat(bins["minimum"], starts, axis=0)
    folded["maximum"] = np.fmax.reduceat(bins["maximum"], starts, axis=0)
    folded["masked"] = np.add.reduceat(bins["masked"], starts, axis=0)
    last = bins["last"]
    positions = np.where(np.isnan(last), -1, np.arange(len(bins))[:, None, None])
    newest = np.maximum.reduceat(positions, starts, axis=0)
    found = np.take_along_axis(last, np.maximum(newest, 0), axis=0)
    folded["last"] = np.where(newest < 0, np.nan, found)
    return folded


class OpenBins:
    """The newest bin of every level, kept in memory while steps come in ascending order."""

    def __init__(self) -> None:
        self._bins = np.zeros(TOP_LEVEL, BIN_DTYPE)
        self._keys = np.full(TOP_LEVEL, -1, np.int64)
        self._sizes = np.array(LEVEL_SIZES[1:], np.int64)

    def load(self, keys: NDArray[np.int64], bins: NDArray[Any]) -> None:
        """Take over bins as they stand, one for each level from 1."""
        self._keys, self._bins = keys.copy(), bins.copy()

    def add(self, one: NDArray[Any]) -> list[tuple[int, int, bytes]]:
        """Add one step, newer than all before.

        Args:
            one: A bin of one step, structured (1) of BIN_DTYPE.

        Returns:
            (level, bin, body) of every bin that changed, ready to be written.
        """
        keys = one["first_step"][0] // self._sizes
        fresh = keys != self._keys
        bins = self._bins
        bins["minimum"] = np.fmin(bins["minimum"], one["minimum"])
        bins["maximum"] = np.fmax(bins["maximum"], one["maximum"])
        bins["last"] = np.where(np.isnan(one["last"]), bins["last"], one["last"])
        bins["masked"] += one["masked"]
        bins["last_step"] = one["last_step"]
        bins[fresh] = one
        self._keys = keys
        return [(level + 1, int(key), bins[level].tobytes()) for level, key in enumerate(keys)]


def bin_width(first: int, last: int, max_points: int) -> tuple[int, int]:
    """How wide bins must be for a range, and the level to make them from.

    Args:
        first: First step.
        last: Last step, at least ``first``.
        max_points: Most bins wanted, at least 1.

    Returns:
        (steps per bin, level): the width is a multiple of that level's, and bins that begin at
        multiples of the width cover the range with at most ``max_points`` of them (at most two
        when one was asked for and the range lies across a boundary).
    """
    width = -(-(last - first + 1) // max_points)
    level = max(k for k, size in enumerate(LEVEL_SIZES) if size <= width)
    unit = LEVEL_SIZES[level]
    width = -(-width // unit) * unit
    # A range that begins inside a bin needs one more; the next multiple makes room for it.
    while last // width - first // width + 1 > max(max_points, 2):
        width += unit
    return width, level


def cover(first: int, last: int, level: int) -> Iterator[tuple[int, int, int]]:
    """Cut a range into pieces of whole bins, coarse inside and finer towards both ends.

    Yields:
        (level, first step, last step), ascending, together exactly the range.
    """
    if first > last:
        return
    size = LEVEL_SIZES[level]
    low, high = -(-first // size) * size, (last + 1) // size * size - 1
    if level == 0:
        yield 0, first, last
    elif low > high:
        yield from cover(first, last, level - 1)
    else:
        yield from cover(first, low - 1, level - 1)
        yield level, low, high
        yield from cover(high + 1, last, level - 1)
