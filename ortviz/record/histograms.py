"""How the elements of one tensor are spread."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_BINS = 64
"""Of a histogram that is kept with a step."""
_AT_ONCE = 1 << 20
"""Elements widened to float64 at once, so that a large tensor does not need its size again."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of the finite elements in bins of equal width, and of the others.

    The last bin holds its upper edge, the others do not. Complex elements are counted by their
    magnitudes, booleans as 0 and 1.

    Attributes:
        low: Lower edge of the first bin: the smallest finite element; None when there is none.
        high: Upper edge of the last bin: the largest finite element; None likewise. Equal to
            ``low`` when all are the same; they are then counted in the first bin.
        counts: Elements in each bin.
        nan_count: Elements that are NaN.
        posinf_count: Elements that are +inf.
        neginf_count: Elements that are −inf.
    """

    low: float | None
    high: float | None
    counts: tuple[int, ...]
    nan_count: int = 0
    posinf_count: int = 0
    neginf_count: int = 0

    @property
    def element_count(self) -> int:
        """All elements, those that are not finite among them."""
        return sum(self.counts) + self.nan_count + self.posinf_count + self.neginf_count

    @property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins, float64 (bin + 1); empty when there is no finite element."""
        import numpy as np

        if self.low is None or self.high is None:
            return np.zeros(0)
        return np.linspace(self.low, self.high, len(self.counts) + 1)


def histogram_of(values: NDArray[Any], bins: int = DEFAULT_BINS) -> Histogram:
    """Count the elements of an array.

    Args:
        values: Any shape, of a bool, integer, floating or complex dtype; not changed.
        bins: How many bins, at least 1.
    """
    import numpy as np

    flat = np.abs(values.ravel()) if np.iscomplexobj(values) else values.ravel()
    nan = posinf = neginf = 0
    if flat.dtype.kind == "f":
        finite = np.isfinite(flat)
        if not finite.all():
            nan = int(np.isnan(flat).sum())
            posinf = int(np.isposinf(flat).sum())
            neginf = int(np.isneginf(flat).sum())
            flat = flat[finite]
    if flat.size == 0:
        return Histogram(None, None, (0,) * bins, nan, posinf, neginf)
    low, high = float(flat.min()), float(flat.max())
    if low == high:
        counts = (int(flat.size), *(0,) * (bins - 1))
    else:
        counts = _counts(flat, low, high, bins)
    return Histogram(low, high, counts, nan, posinf, neginf)


def _counts(flat: NDArray[Any], low: float, high: float, bins: int) -> tuple[int, ...]:
    """As ``numpy.histogram``, also where ``high - low`` is more than float64 can say."""
    import numpy as np

    scale = 1.0 if math.isfinite(high - low) else 0.5
    width = high * scale - low * scale
    counts = np.zeros(bins, np.int64)
    for start in range(0, flat.size, _AT_ONCE):
        wide = flat[start : start + _AT_ONCE].astype(np.float64) * scale
        places = ((wide - low * scale) / width * bins).astype(np.int64)
        counts += np.bincount(np.minimum(places, bins - 1), minlength=bins)
    return tuple(counts.tolist())
