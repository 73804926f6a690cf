"""Which recorded steps a report holds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ortviz.record import Finding

Steps = NDArray[np.int64]


def choose_steps(sampled: Steps, findings: Iterable[Finding], most: int) -> Steps:
    """All steps, or the first, the last, those of findings, and evenly spread ones between.

    Args:
        sampled: int64 (step), ascending: every recorded step.
        findings: Most severe first. Of each the recorded steps around its first one are taken:
            the last before it and the first at or after it. They fill at most half.
        most: At most so many steps, and at least 2.

    Returns:
        int64 (step), ascending, without repetition.
    """
    if len(sampled) <= most:
        return sampled
    chosen = {0, len(sampled) - 1}
    for place in _finding_places(sampled, findings):
        if len(chosen) >= max(most // 2, 2):
            break
        chosen.add(place)
    rest = np.setdiff1d(np.arange(len(sampled)), sorted(chosen))
    wanted = most - len(chosen)
    if wanted > 0:
        picks = np.linspace(0, len(rest) - 1, wanted).round().astype(np.int64)
        chosen.update(int(place) for place in rest[picks])
    kept: Steps = sampled[sorted(chosen)]
    return kept


def _finding_places(sampled: Steps, findings: Iterable[Finding]) -> Iterable[int]:
    for finding in findings:
        if finding.first_step is not None:
            place = int(np.searchsorted(sampled, finding.first_step))
            if place < len(sampled):
                yield place
            if place > 0:
                yield place - 1
