"""The answer to ``histograms``: how the elements of a step's tensors are spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ortviz.protocol.codec import Buffers, wire_float
from ortviz.protocol.messages import HistogramRow, HistogramsView
from ortviz.record import Histogram
from ortviz.record.store import StoredHistogram
from ortviz.views.cells import int_column


def histograms_view(
    step: int, stored: Sequence[StoredHistogram], buffers: Buffers
) -> HistogramsView:
    """One row per histogram that was kept, by site, eager before ORT.

    Args:
        step: The step.
        stored: What was kept of it.
        buffers: Takes the counts of all rows, one after the other.
    """
    counts = [each.histogram.counts for each in stored]
    return {
        "step": step,
        "rows": [_row(each.site_id, each.side.value, each.histogram) for each in stored],
        "counts": int_column(buffers, np.array([c for row in counts for c in row], np.int64)),
    }


def _row(site_id: str, side: str, histogram: Histogram) -> HistogramRow:
    return {
        "site_id": site_id,
        "side": "reference" if side == "reference" else "candidate",
        "low": wire_float(histogram.low),
        "high": wire_float(histogram.high),
        "bin_count": len(histogram.counts),
        "nan_count": histogram.nan_count,
        "posinf_count": histogram.posinf_count,
        "neginf_count": histogram.neginf_count,
    }
