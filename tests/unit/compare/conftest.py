"""Captures built site by site from small arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ortviz.compare import Comparer
from ortviz.record import (
    Direction,
    Mode,
    Site,
    SiteRecord,
    SiteStatus,
    StepCapture,
    StepComparison,
    StepRecord,
    TensorStats,
)


def stats_of(values: np.ndarray, dtype: str = "") -> TensorStats:
    finite = values[np.isfinite(values)]
    return TensorStats(
        shape=values.shape,
        dtype=dtype or values.dtype.name,
        element_count=values.size,
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        mean=None,
        std=None,
        l2_norm=float(np.linalg.norm(finite)) if finite.size else None,
        zero_count=int((values == 0).sum()),
        nan_count=int(np.isnan(values).sum()),
        posinf_count=0,
        neginf_count=0,
        first_nonfinite_index=None,
    )


@dataclass
class Deep:
    """A step that was looked into deeply."""

    step: int = 0
    reference: list[SiteRecord] = field(default_factory=list)
    candidate: list[SiteRecord] = field(default_factory=list)
    values: tuple[dict, dict, dict, dict, dict] = field(
        default_factory=lambda: ({}, {}, {}, {}, {})
    )

    def add(
        self,
        module: str,
        reference: np.ndarray,
        candidate: np.ndarray,
        *,
        direction: Direction = Direction.FORWARD,
        slot: str = "out0",
        repeat: np.ndarray | None = None,
        wide: np.ndarray | None = None,
        local: np.ndarray | None = None,
    ) -> Site:
        site = Site(direction, module, slot)
        for records, seen in ((self.reference, reference), (self.candidate, candidate)):
            records.append(SiteRecord(site, len(records), SiteStatus.CAPTURED, stats_of(seen)))
        arrays = (reference, candidate, repeat, wide, local)
        for values, array in zip(self.values, arrays, strict=True):
            if array is not None:
                values[site.id] = array
        return site

    def capture(self) -> StepCapture:
        record = StepRecord(
            self.step, Mode.TRAINING, False, tuple(self.reference), tuple(self.candidate)
        )
        return StepCapture(record, *self.values)

    def compare(self, comparer: Comparer | None = None) -> StepComparison:
        return (comparer or Comparer()).compare(self.capture())
