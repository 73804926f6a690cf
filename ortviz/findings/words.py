"""Numbers and names as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ortviz.record import TensorStats


def number(value: float) -> str:
    """Four significant digits; ``NaN``, ``+inf`` and ``−inf`` spelled out."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+inf" if value > 0 else "−inf"
    return f"{value:.4g}"


def many(count: int, noun: str) -> str:
    """``1 element``, ``2 elements``, ``1,000 elements``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def part(count: int, total: int, noun: str) -> str:
    """``2 of 64 elements (3.1 %)``."""
    if total <= 0:
        return many(count, noun)
    percent = 100 * count / total
    shown = f"{percent:.2g}" if percent < 10 else f"{percent:.3g}"
    return f"{count:,} of {many(total, noun)} ({shown} %)"


def place(index: Sequence[int]) -> str:
    """An index into a tensor: ``[0, 5]``."""
    return "[" + ", ".join(str(axis) for axis in index) + "]"


def listed(names: Sequence[str], most: int = 4) -> str:
    """``a, b, c`` or, when there are many, ``a, b, c, d and 12 more``."""
    shown = ", ".join(names[:most])
    left = len(names) - most
    return f"{shown} and {left} more" if left > 0 else shown


def module_label(name: str, type_name: str = "") -> str:
    """``fc1 (Linear)``; the root module is ``the model itself``."""
    label = name or "the model itself"
    return f"{label} ({type_name})" if type_name else label


def kind_of_nonfinite(nan_count: int) -> str:
    """``NaN`` when there is one, else ``infinite``."""
    return "NaN" if nan_count else "infinite"


def nonfinite(stats: TensorStats) -> str:
    """``3 of 64 elements (4.7 %) are NaN or infinite: 2 NaN, 1 +inf, first at [0, 5]``."""
    kinds = (
        (stats.nan_count, "NaN", stats.first_nan_index),
        (stats.posinf_count, "+inf", stats.first_posinf_index),
        (stats.neginf_count, "−inf", stats.first_neginf_index),
    )
    seen = [(count, kind, first) for count, kind, first in kinds if count]
    first = stats.first_nonfinite_index
    if len(seen) > 1 and all(at is not None for *_, at in seen):
        counted = ", ".join(
            f"{count:,} {kind} (first at {place(at)})" for count, kind, at in seen if at is not None
        )
        where = ""
    else:
        counted = ", ".join(f"{count:,} {kind}" for count, kind, _ in seen)
        where = f", first at {place(first)}" if first else ""
    total = part(stats.nonfinite_count, stats.element_count, "element")
    return f"{total} not finite: {counted}{where}"
