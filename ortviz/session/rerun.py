"""``step.rerun(model)``: a recorded step once more, with all its tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from ortviz.errors import EnvironmentProblem, UnknownNameError
from ortviz.record import (
    Histogram,
    KeptTensor,
    Level,
    RawTensor,
    Rerunnable,
    Side,
    SiteRecord,
    StepCapture,
    StepComparison,
    StepRecord,
    TensorStats,
)
from ortviz.record.histograms import DEFAULT_BINS, histogram_of
from ortviz.record.store import RunReader
from ortviz.session.comparison import Comparison
from ortviz.session.step_tensors import SideName, TensorList, check_site, label, side_of

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

T = TypeVar("T")

_RELATIVE = 1e-9
"""Means and norms of equal tensors may be added up in another order."""


class Read(Protocol):
    """Asks the run's file something."""

    def __call__(self, question: Callable[[RunReader], T]) -> T:
        """The answer."""


class Rerun:
    """One step that ran again; its tensors are in memory as long as this is.

    Attributes:
        step: Number of the training forward pass, from 0.
        why_no_ort: Why ORT's side did not run again; empty when it did or was not asked for.
        record: Both sides' sites with their statistics, of the second run.
        differing: Sites whose statistics are not those that were recorded, in execution order,
            eager before ORT. Empty when the step came out the same. The numbers may differ where
            the model depends on more than its weights, buffers and inputs (a counter, a file, the
            time), on another machine, or with another version of torch; buffers also where the
            step was that of an export, which updates them once by itself.
    """

    def __init__(
        self,
        capture: StepCapture,
        recorded: StepRecord,
        why_no_ort: str,
        judged: Callable[[StepCapture], StepComparison],
    ) -> None:
        self.step = capture.record.step
        self.why_no_ort = why_no_ort
        self.record = capture.record
        self._capture = capture
        self._judged = judged
        self.differing = tuple(
            (each.site.id, label(side))
            for side in self._ran()
            for each, before in _pairs(_sites(capture.record, side), _sites(recorded, side))
            if not _same(each.stats, before.stats)
        )

    @property
    def tensors(self) -> TensorList:
        """All tensors there are, eager before ORT, in execution order."""
        return TensorList(
            KeptTensor(each.site.id, side, raw.dtype, raw.values.shape, raw.size_bytes)
            for side in self._ran()
            for each in _sites(self.record, side)
            if (raw := self._raw(each, side)) is not None
        )

    def tensor(self, site: str, side: SideName = "ort") -> np.ndarray:
        """The elements of a tensor; see :meth:`ortviz.session.contents.Step.tensor`.

        Raises:
            UnknownNameError: There is no such site or side, or that side did not run again.
        """
        chosen = side_of(side)
        if chosen not in self._ran():
            raise UnknownNameError(
                f"ORT's side of step {self.step} did not run again.", self.why_no_ort
            )
        check_site(self.record, site, chosen)
        seen = next(each for each in _sites(self.record, chosen) if each.site.id == site)
        raw = self._raw(seen, chosen)
        if raw is None:
            raise UnknownNameError(f"Of {site} only statistics came out of the second run.")
        return raw.values

    def histogram(self, site: str, side: SideName = "ort", bins: int = DEFAULT_BINS) -> Histogram:
        """Counts of a tensor's elements in bins of equal width.

        Raises:
            UnknownNameError: As :meth:`tensor` says.
        """
        return histogram_of(self.tensor(site, side), bins)

    def compare(self) -> Comparison:
        """Eager PyTorch against ONNX Runtime, of the second run; judged as the first one was."""
        return Comparison.of(self._judged(self._capture))

    def _ran(self) -> tuple[Side, ...]:
        ran_ort = not self.record.fallback
        return (Side.REFERENCE, Side.CANDIDATE) if ran_ort else (Side.REFERENCE,)

    def _raw(self, seen: SiteRecord, side: Side) -> RawTensor | None:
        capture = self._capture
        own = capture.reference_values if side is Side.REFERENCE else capture.candidate_values
        values = own.get(seen.site.id, capture.start_values.get(seen.site.id))
        if values is None or seen.stats is None:
            return None
        return RawTensor(values, seen.stats.dtype)

    def __repr__(self) -> str:
        sides = " and ".join(label(side) for side in self._ran())
        count = len(self.differing)
        outcome = f"{count} sites differ from the record" if count else "as it was recorded"
        return f"<Rerun of step {self.step}: {sides}, {len(self.tensors)} tensors, {outcome}>"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the file says of a step that is to run again."""

    record: StepRecord
    kept: Rerunnable
    level: Level
    judged: Callable[[StepCapture], StepComparison]


def rerun(read: Read, step: int, model: nn.Module, *, ort: bool) -> Rerun:
    """Run a recorded step again.

    Args:
        read: Asks the run's file something.
        step: The step.
        model: Of the recorded architecture; not changed.
        ort: Whether ORT's side is to run too.

    Raises:
        UnknownNameError: What it takes was not kept; says which steps can be run again.
        CaptureError: ``model`` is another model.
        EnvironmentProblem: There is no PyTorch.
    """
    # Not inside: an export takes a while, and meanwhile the browser asks the same file.
    found = read(lambda reader: _recorded(reader, step))
    try:
        from ortviz.capture.rerun import rerun_step
    except ImportError as error:
        raise EnvironmentProblem(
            f"PyTorch cannot be imported ({error}).", "Run: pip install 'ortviz[cpu]'."
        ) from error
    done = rerun_step(model, found.kept, with_ort=ort, level=found.level)
    return Rerun(done.capture, found.record, done.why_no_ort, found.judged)


def _recorded(reader: RunReader, step: int) -> _Recorded:
    record = reader.step(step)
    known = reader.kept.rerun_steps()
    if step not in known:
        raise UnknownNameError(f"Step {step} cannot be run again.", _remedy(reader, known))
    level = reader.info().level
    return _Recorded(record, reader.kept.rerun(step), level, _judge(reader, step))


def _judge(reader: RunReader, step: int) -> Callable[[StepCapture], StepComparison]:
    """Compares with the tolerances of the run and the noise floors it knew at that step."""
    from ortviz.compare import Comparer

    floors: dict[str, float] = {}
    with suppress(UnknownNameError):
        floors = {
            one.site.id: one.noise_floor
            for one in reader.comparison(step).sites
            if one.noise_floor is not None
        }
    return Comparer(reader.info().tolerances, floors=floors).compare


def _remedy(reader: RunReader, known: tuple[int, ...]) -> str:
    if not known and reader.info().keep.reruns:
        return "What that takes was not kept of any step: run.problems says why."
    if not known:
        return "Pass rerun=True to ortviz.wrap (--rerun) to keep what that takes."
    shown = [*map(str, known[:3]), "…", *map(str, known[-3:])] if len(known) > 7 else known
    return (
        f"Steps that can are {', '.join(map(str, shown))}; a larger keep_bytes= keeps more of them."
    )


def _sites(record: StepRecord, side: Side) -> tuple[SiteRecord, ...]:
    return record.reference if side is Side.REFERENCE else record.candidate


def _pairs(
    now: tuple[SiteRecord, ...], before: tuple[SiteRecord, ...]
) -> list[tuple[SiteRecord, SiteRecord]]:
    recorded = {seen.site: seen for seen in before}
    return [(each, recorded[each.site]) for each in now if each.site in recorded]


def _same(now: TensorStats | None, before: TensorStats | None) -> bool:
    if now is None or before is None:
        return now is before
    exact = ("shape", "dtype", "minimum", "maximum", "zero_count", "nan_count", "posinf_count")
    return all(getattr(now, name) == getattr(before, name) for name in exact) and all(
        _close(getattr(now, name), getattr(before, name)) for name in ("mean", "std", "l2_norm")
    )


def _close(now: float | None, before: float | None) -> bool:
    if now is None or before is None:
        return now is before
    return math.isclose(now, before, rel_tol=_RELATIVE, abs_tol=1e-300)
