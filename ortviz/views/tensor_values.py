"""The elements of one tensor, as ``tensor_values`` and ``graph_constant`` answer with them."""

from __future__ import annotations

import numpy as np

from ortviz.protocol.codec import Buffers, wire_float
from ortviz.protocol.graph_messages import TensorValuesView
from ortviz.protocol.wire import SideName
from ortviz.record import SiteStatus
from ortviz.views.cells import float_column

MAX_ELEMENTS = 4096
"""Most elements that are sent of a tensor, the first ones in row-major order."""


def tensor_values_view(
    name: str, side: SideName | None, values: np.ndarray, dtype: str, buffers: Buffers
) -> TensorValuesView:
    """A tensor's first elements, and least, largest and mean of all finite ones.

    Args:
        name: A site's address, or a name in the graph.
        side: Whose tensor it is; None where it is neither side's.
        values: The tensor, of a numeric or boolean dtype.
        dtype: What its dtype is called.
        buffers: Takes the elements.
    """
    flat = values.reshape(-1)
    shown = flat[:MAX_ELEMENTS].astype(np.float64)
    lowest, highest, mean = _range(flat)
    return {
        "name": name,
        "side": side,
        "status": SiteStatus.CAPTURED.value,
        "reason": "",
        "shape": [int(size) for size in values.shape],
        "dtype": dtype,
        "element_count": int(flat.size),
        "sampled": flat.size > MAX_ELEMENTS,
        "values": float_column(buffers, shown),
        "minimum": wire_float(lowest),
        "maximum": wire_float(highest),
        "mean": wire_float(mean),
    }


def no_values_view(
    name: str, side: SideName | None, status: SiteStatus, reason: str, buffers: Buffers
) -> TensorValuesView:
    """A tensor whose elements cannot be had, and why.

    Args:
        name: As for :func:`tensor_values_view`.
        side: Likewise.
        status: Why there is none.
        reason: The same in sentences, with what to do.
        buffers: Takes the empty column.
    """
    return {
        "name": name,
        "side": side,
        "status": status.value,
        "reason": reason,
        "shape": [],
        "dtype": "",
        "element_count": 0,
        "sampled": False,
        "values": float_column(buffers, ()),
        "minimum": None,
        "maximum": None,
        "mean": None,
    }


def _range(flat: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Least, largest and mean of the finite elements, in float64; None when there is none."""
    finite = flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat
    if not finite.size:
        return None, None, None
    with np.errstate(over="ignore"):
        mean = float(finite.mean(dtype=np.float64))
    return float(finite.min()), float(finite.max()), mean
