"""Pieces that several views share: the cell of one tensor, a module's label, integer columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ortviz.protocol.codec import Buffers, wire_float
from ortviz.protocol.messages import NonfiniteKind, StatsCell
from ortviz.protocol.wire import Column, NonfiniteName
from ortviz.record import SiteRecord, SiteStatus, TensorStats

ROOT_LABEL = "(root)"
"""How the module whose name is empty is called where a person reads it."""


def module_label(module: str) -> str:
    """A module's fully qualified name, and a word where that is empty."""
    return module or ROOT_LABEL


def site_label(module: str, slot: str, call: int, only_output: bool = True) -> str:
    """A module output for a person, for example ``encoder.0 · out1 · call 2``.

    Args:
        module: Fully qualified name.
        slot: ``out0``, ``out1``, …
        call: From 0; calls after the first are counted from 2 in the label.
        only_output: Leave ``out0`` unsaid.
    """
    parts = [module_label(module)]
    if slot != "out0" or not only_output:
        parts.append(slot)
    if call:
        parts.append(f"call {call + 1}")
    return " · ".join(parts)


def stats_cell(record: SiteRecord | None, absent_reason: str) -> StatsCell:
    """One tensor on one side.

    Args:
        record: The site on that side; None when that side has no such site.
        absent_reason: What to say when ``record`` is None.
    """
    if record is None:
        return _empty_cell(SiteStatus.NOT_CAPTURED, absent_reason)
    if record.stats is None:
        return _empty_cell(record.status, record.reason)
    stats = record.stats
    return {
        "status": record.status.value,
        "reason": record.reason,
        "shape": list(stats.shape),
        "dtype": stats.dtype,
        "minimum": wire_float(stats.minimum),
        "maximum": wire_float(stats.maximum),
        "mean": wire_float(stats.mean),
        "std": wire_float(stats.std),
        "l2_norm": wire_float(stats.l2_norm),
        "element_count": stats.element_count,
        "zero_count": stats.zero_count,
        "nan_count": stats.nan_count,
        "inf_count": inf_count(stats),
        "nonfinite": nonfinite_kinds(stats),
    }


def nonfinite_kinds(stats: TensorStats) -> list[NonfiniteKind]:
    """What is not finite, by kind; empty when all is."""
    kinds: tuple[tuple[NonfiniteName, int, tuple[int, ...] | None], ...] = (
        ("NaN", stats.nan_count, stats.first_nan_index),
        ("Infinity", stats.posinf_count, stats.first_posinf_index),
        ("-Infinity", stats.neginf_count, stats.first_neginf_index),
    )
    only_one = sum(count > 0 for _, count, _ in kinds) == 1
    # Older runs have the index of the first of any kind only.
    spare = stats.first_nonfinite_index if only_one else None
    return [
        {"kind": kind, "count": count, "first_index": index_list(first or spare)}
        for kind, count, first in kinds
        if count
    ]


def inf_count(stats: TensorStats) -> int:
    """Elements that are +inf or −inf."""
    return stats.posinf_count + stats.neginf_count


def index_list(index: Sequence[int] | None) -> list[int] | None:
    """An index as JSON carries it."""
    return None if index is None else list(index)


def int_column(buffers: Buffers, values: Iterable[int] | np.ndarray) -> Column:
    """A column of int32, clipped to what int32 holds so that a sum never wraps around."""
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values))
    limits = np.iinfo(np.int32)
    return buffers.add(np.clip(array, limits.min, limits.max).astype(np.int32))


def float_column(buffers: Buffers, values: Iterable[float] | np.ndarray) -> Column:
    """A column of float64; NaN stands for none."""
    array = values if isinstance(values, np.ndarray) else np.array(list(values), dtype=np.float64)
    return buffers.add(array.astype(np.float64, copy=False))


def _empty_cell(status: SiteStatus, reason: str) -> StatsCell:
    return {
        "status": status.value,
        "reason": reason,
        "shape": None,
        "dtype": "",
        "minimum": None,
        "maximum": None,
        "mean": None,
        "std": None,
        "l2_norm": None,
        "element_count": 0,
        "zero_count": 0,
        "nan_count": 0,
        "inf_count": 0,
        "nonfinite": [],
    }
