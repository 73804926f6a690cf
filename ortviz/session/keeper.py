"""Keeps whole tensors, histograms and re-runnable steps of a run, as far as its budget goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ortviz.errors import StoreError
from ortviz.record import (
    Histogram,
    KeepRules,
    Problem,
    RawTensor,
    Rerunnable,
    Side,
    SiteRecord,
    StepCapture,
)
from ortviz.record.histograms import histogram_of
from ortviz.record.keeping import ENTRY_BYTES
from ortviz.record.store import RunWriter
from ortviz.session import words

Tell = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Keepsake:
    """What is to be kept of one step beside its statistics.

    Attributes:
        step: The step.
        tensors: By site id, in execution order: the tensor of each side that has one.
        histograms: By site id and side.
        rerun: What re-running the step takes; None when that is not kept.
    """

    step: int
    tensors: Mapping[str, Mapping[Side, RawTensor]] = field(default_factory=dict)
    histograms: Mapping[tuple[str, Side], Histogram] = field(default_factory=dict)
    rerun: Rerunnable | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be kept."""
        return not self.tensors and not self.histograms and self.rerun is None


@dataclass(frozen=True, slots=True)
class _Used:
    """How far the budget is used, as of what has been committed."""

    tensor_bytes: int = 0
    tensor_count: int = 0
    rerun_bytes: int = 0
    full_at: int | None = None


class Keeper:
    """Selects and writes; :class:`~ortviz.record.Keeping` for capture.

    :meth:`keeps` and :meth:`keeps_rerun` are asked on the training thread, all else is called on
    the recorder's.

    Args:
        rules: What the user asked for.
        tell: Takes what the user should know; called on the training thread.
    """

    def __init__(self, rules: KeepRules, tell: Tell) -> None:
        self._rules = rules
        self._tell = tell
        self._used = self._planned = _Used()
        self._stopped = False
        self._told_too_large = False
        self._news: list[Problem] = []

    def keeps(self, site_id: str) -> bool:
        """Whether the values of this site are wanted, as a tensor or as a histogram."""
        if self._rules.counts(site_id):
            return True
        return not self._is_full and self._rules.keeps(site_id)

    def keeps_rerun(self, size_bytes: int) -> bool:
        """Whether what re-running the step takes is wanted, so large as it is."""
        return self._rules.reruns and not self._stopped and self._fits(size_bytes, self._tell)

    def news(self) -> tuple[Problem, ...]:
        """What the user should know and was not told yet; asked on the recorder's thread."""
        news = tuple(self._news)
        self._news.clear()
        return news

    def keepsake(self, capture: StepCapture) -> Keepsake:
        """What is to be kept of a step; nothing is copied."""
        tensors: dict[str, dict[Side, RawTensor]] = {}
        histograms: dict[tuple[str, Side], Histogram] = {}
        for seen, side, values in _captured(capture):
            site_id = seen.site.id
            kept = not self._is_full and self._rules.keeps(site_id)
            if kept:
                dtype = seen.stats.dtype if seen.stats is not None else values.dtype.name
                tensors.setdefault(site_id, {})[side] = RawTensor(values, dtype)
            # Of a kept tensor too: a look at it should not have to read the tensor.
            if kept or self._rules.counts(site_id):
                histograms[site_id, side] = histogram_of(values)
        rerun = capture.rerun if self._rules.reruns and not self._stopped else None
        # The masks and gradients that capture could not know of beforehand count too.
        if rerun is not None and not self._fits(_room(rerun), self._news.append):
            rerun = None
        return Keepsake(capture.record.step, tensors, histograms, rerun)

    def put(self, writer: RunWriter, keepsake: Keepsake) -> None:
        """Write it, as far as there is room; inside the step's transaction."""
        used = self._used
        for (site_id, side), histogram in keepsake.histograms.items():
            writer.put_histogram(keepsake.step, site_id, side, histogram)
        size, count, full_at = used.tensor_bytes, used.tensor_count, used.full_at
        for place, (site_id, sides) in enumerate(keepsake.tensors.items()):
            room = sum(tensor.size_bytes + ENTRY_BYTES for tensor in sides.values())
            # Both sides or none: one alone cannot be compared.
            if full_at is not None or size + room > self._rules.max_bytes:
                full_at = keepsake.step
                break
            size += writer.put_kept(keepsake.step, site_id, place, sides)
            count += len(sides)
        rerun_bytes = used.rerun_bytes
        if keepsake.rerun is not None:
            rerun_bytes = writer.put_rerun(keepsake.rerun, self._rules.max_bytes, rerun_bytes)
        self._planned = _Used(size, count, rerun_bytes, full_at)

    def written(self) -> None:
        """What was put is in the file."""
        filled = self._used.full_at is None and self._planned.full_at is not None
        self._used = self._planned
        if filled:
            used = self._used
            self._news.append(
                words.budget_used(
                    self._rules.max_bytes, used.tensor_count, used.tensor_bytes, used.full_at or 0
                )
            )

    def undone(self) -> None:
        """What was put is not in the file."""
        self._planned = self._used

    def stop(self, step: int, error: StoreError) -> None:
        """The file takes statistics but no tensors: keep no more of them."""
        if not self._stopped:
            self._stopped = True
            self._news.append(words.refused_by_the_disk(step, error))

    def _fits(self, size_bytes: int, tell: Tell) -> bool:
        if size_bytes <= self._rules.max_bytes:
            return True
        if not self._told_too_large:
            self._told_too_large = True
            tell(words.too_large_to_rerun(size_bytes, self._rules.max_bytes))
        return False

    @property
    def _is_full(self) -> bool:
        return self._stopped or self._used.full_at is not None


def _captured(capture: StepCapture) -> Iterator[tuple[SiteRecord, Side, np.ndarray]]:
    """Every tensor of a step: by site in the eager side's order, eager before ORT."""
    record = capture.record
    seen: dict[str, dict[Side, SiteRecord]] = {}
    for side, records in ((Side.REFERENCE, record.reference), (Side.CANDIDATE, record.candidate)):
        for each in records:
            seen.setdefault(each.site.id, {})[side] = each
    for site_id, sides in seen.items():
        for side, each in sides.items():
            own = capture.reference_values if side is Side.REFERENCE else capture.candidate_values
            values = own.get(site_id, capture.start_values.get(site_id))
            if values is not None:
                yield each, side, values


def _room(rerun: Rerunnable) -> int:
    return rerun.size_bytes + ENTRY_BYTES * len(rerun.tensors)
