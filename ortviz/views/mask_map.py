"""The answers to ``mask_map`` and ``masked_elements``: what a loss left out, and where."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ortviz.protocol.codec import Buffers, wire_float
from ortviz.protocol.messages import MaskedElementRow, MaskedElementsView, MaskMapView
from ortviz.protocol.wire import MaskedLossName
from ortviz.record import MaskCounts, MaskedElement, StepLosses
from ortviz.record.store import MaskedElements
from ortviz.views.cells import int_column

MAX_ROWS = 256
"""Positions beyond this many are folded, so that the matrix stays small whatever the shape."""

_KINDS: dict[int, tuple[Literal["nan", "inf", "-inf"], float]] = {
    1: ("nan", math.nan),
    2: ("inf", math.inf),
    3: ("-inf", -math.inf),
}


def mask_map_view(
    loss: MaskedLossName,
    found: MaskedElements,
    first_step: int,
    last_step: int,
    max_columns: int,
    buffers: Buffers,
) -> MaskMapView:
    """Masked elements as a matrix position × bin of steps.

    The batch axis is folded. Bins are equally wide and cover the whole range; positions cover
    the range between the outermost masked ones.

    Args:
        loss: Which loss.
        found: Its masked elements between the two steps.
        first_step: First step of the range.
        last_step: Last step, included; before ``first_step`` when nothing was recorded.
        max_columns: At most so many bins.
        buffers: Takes ``steps`` (bin), ``codes`` and ``counts`` (position, bin).
    """
    span = max(last_step - first_step + 1, 0)
    width = max(math.ceil(span / max_columns), 1)
    bin_count = math.ceil(span / width)
    rows = _Rows(found.elements)
    matrix = np.zeros((3, len(rows.labels), bin_count), dtype=np.int32)
    for step, element in zip(found.steps, found.elements, strict=True):
        row = rows.row(element)
        if row is not None and element.code in _KINDS and first_step <= step <= last_step:
            matrix[element.code - 1, row, (step - first_step) // width] += 1
    counts: NDArray[np.int32] = matrix.sum(axis=0, dtype=np.int32)
    codes = np.where(counts > 0, matrix.argmax(axis=0) + 1, 0).astype(np.uint8)
    return {
        "loss": loss,
        "steps": int_column(buffers, first_step + np.arange(bin_count) * width),
        "steps_per_bin": width,
        "positions": rows.labels,
        "codes": buffers.add(codes),
        "counts": buffers.add(counts),
        "axis_label": rows.axis_label,
        "left_out_count": found.left_out_count + len(found.elements) - int(counts.sum()),
    }


def masked_elements_view(
    loss: MaskedLossName, losses: StepLosses, elements: Sequence[MaskedElement]
) -> MaskedElementsView:
    """The masked elements of one step, with the numbers that made them.

    Args:
        loss: Which loss.
        losses: Of that step, for how many there are in all.
        elements: Those that were kept.
    """
    candidate = losses.candidate
    mask = MaskCounts()
    if candidate is not None:
        mask = candidate.mape_mask if loss == "mape" else candidate.smape_mask
    return {
        "loss": loss,
        "step": losses.step,
        "rows": [_element_row(losses.step, element) for element in elements],
        "masked_count": mask.total,
        "element_count": candidate.element_count if candidate else 0,
    }


def _element_row(step: int, element: MaskedElement) -> MaskedElementRow:
    kind, ratio = _KINDS[element.code]
    return {
        "step": step,
        "position": list(element.position),
        "kind": kind,
        "input": wire_float(element.input),
        "target": wire_float(element.target),
        "ratio": wire_float(ratio),
        "gradient": wire_float(element.gradient),
        "gradient_known": element.gradient is not None,
    }


class _Rows:
    """Where each position of a loss lies on the even axis of the matrix."""

    def __init__(self, elements: Sequence[MaskedElement]) -> None:
        ranks = Counter(len(element.position) for element in elements)
        self._rank = ranks.most_common(1)[0][0] if ranks else 0
        places = [_trailing(e.position) for e in elements if len(e.position) == self._rank]
        # Only as far as something is masked: enough to keep neighbours neighbours.
        self._sizes = tuple(max(axis) + 1 for axis in zip(*places, strict=True))
        flat = [self._flat(place) for place in places]
        self._first, last = (min(flat), max(flat)) if flat else (0, -1)
        self._per_row = max(math.ceil((last - self._first + 1) / MAX_ROWS), 1)
        starts = range(self._first, last + 1, self._per_row)
        self.labels = [self._label(start, min(start + self._per_row - 1, last)) for start in starts]

    @property
    def axis_label(self) -> str:
        """What the axis of positions is."""
        if self._rank == 0:
            return "the only element"
        if self._rank == 1:
            return "position in the batch"
        axes = ", ".join(f"axis {axis}" for axis in range(1, self._rank))
        return f"position along {axes} (batch folded)"

    def row(self, element: MaskedElement) -> int | None:
        """Row of an element; None when its rank is not that of most."""
        if len(element.position) != self._rank:
            return None
        return (self._flat(_trailing(element.position)) - self._first) // self._per_row

    def _flat(self, place: tuple[int, ...]) -> int:
        index = 0
        for size, position in zip(self._sizes, place, strict=True):
            index = index * size + position
        return index

    def _label(self, first: int, last: int) -> str:
        if first == last:
            return self._name(first)
        return f"{self._name(first)} … {self._name(last)}"

    def _name(self, flat: int) -> str:
        if not self._sizes:
            return "0"
        parts = []
        for size in reversed(self._sizes):
            flat, position = divmod(flat, size)
            parts.append(str(position))
        return ", ".join(reversed(parts))


def _trailing(position: tuple[int, ...]) -> tuple[int, ...]:
    """A position without its batch axis; a vector's only axis is kept."""
    return position[1:] if len(position) > 1 else position
