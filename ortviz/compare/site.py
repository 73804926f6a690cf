"""One site of one step: both sides, the noise floor, and whether the error was born here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from numpy.typing import NDArray

from ortviz.compare.allowance import Allowance, allowance
from ortviz.compare.blocks import largest_difference
from ortviz.compare.floors import Floor, NoiseFloors
from ortviz.compare.overrides import RuleBook
from ortviz.compare.pairing import CANDIDATE, REFERENCE, only_one_side, why_not
from ortviz.compare.scales import GradientScales
from ortviz.compare.scan import Scan, scan
from ortviz.compare.values import ValueComparison, error_ratio, is_divergent, judge
from ortviz.record import (
    Direction,
    ErrorOrigin,
    Site,
    SiteComparison,
    SiteRecord,
    StepCapture,
    Verdict,
)

_COUNTER = "num_batches_tracked"
"""BatchNorm's count of the batches it has seen."""
_COUNTER_REASON = (
    "ORTModule never updates this counter; nothing in training or evaluation reads it unless "
    "momentum is None."
)
_MUCH_FARTHER = 2.0
"""One side is called the farther one from float64 only if it is at least so many times."""

_VALUE_FIELDS = tuple(each.name for each in fields(ValueComparison))

_Key = tuple[int, int, tuple[int, ...], str]


@dataclass(slots=True)
class StepContext:
    """What the comparison of one step needs.

    Attributes:
        capture: The step with its tensors.
        rules: What is allowed.
        floors: What was measured so far; this step's measurements are added.
        scales: Sizes of the step's gradients.
        drawn: Sites that follow from what the two sides drew differently.
        scans: What passes over pairs of arrays have found. A container returns the very tensor
            its last child returned, which need not be gone through twice.
    """

    capture: StepCapture
    rules: RuleBook
    floors: NoiseFloors
    scales: GradientScales
    drawn: frozenset[Site] = frozenset()
    scans: dict[_Key, Scan] = field(default_factory=dict)

    def scan(self, reference: NDArray[Any], candidate: NDArray[Any], dtype: str) -> Scan:
        """A pass over two arrays of this step, which live as long as it does."""
        if not (reference.flags.c_contiguous and candidate.flags.c_contiguous):
            return scan(reference, candidate, dtype)
        key = (_address(reference), _address(candidate), reference.shape, dtype)
        found = self.scans.get(key)
        if found is None:
            found = self.scans[key] = scan(reference, candidate, dtype)
        return found


def compare_site(
    reference: SiteRecord, candidate: SiteRecord | None, context: StepContext
) -> SiteComparison:
    """Compare one site.

    Args:
        reference: Its record on the eager side.
        candidate: Its record on ORT's side; None when ORT has none.
        context: The step.
    """
    site, capture = reference.site, context.capture
    site_id = site.id
    context.rules.note(site)
    if candidate is None:
        reason = only_one_side(reference, CANDIDATE, REFERENCE)
        return SiteComparison(site, Verdict.NOT_COMPARABLE, reason)
    reason = why_not(reference, candidate)
    ours = capture.reference_values.get(site_id)
    theirs = capture.candidate_values.get(site_id)
    if not reason and (ours is None or theirs is None):
        reason = "Only its statistics were kept, not its values."
    if not reason and ours is not None and theirs is not None and ours.shape != theirs.shape:
        reason = f"The shapes differ: eager {_shape(ours)}, ORT {_shape(theirs)}."
    if reason or ours is None or theirs is None or reference.stats is None:
        return SiteComparison(site, Verdict.NOT_COMPARABLE, reason)
    their_dtype = candidate.stats.dtype if candidate.stats else reference.stats.dtype
    dtype = judged_as = context.rules.table.looser(reference.stats.dtype, their_dtype)
    if capture.record.autocast and ours.dtype.kind == "f":
        # Under autocast a float32 tensor, a weight's gradient above all, is made of rounded ones.
        judged_as = context.rules.table.looser(dtype, capture.record.autocast)
    found = _Pair(reference, site_id, ours, theirs, dtype, judged_as, context).compare()
    if found.verdict is Verdict.DIVERGENT and site in context.drawn:
        reason = capture.record.drew_differently
        found = replace(found, verdict=Verdict.NOT_COMPARABLE, reason=reason)
    if their_dtype != reference.stats.dtype:
        note = f"The dtypes differ: eager {reference.stats.dtype}, ORT {their_dtype}."
        found = replace(found, reason=f"{note} {found.reason}".strip())
    return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """A site that was captured on both sides.

    Attributes:
        seen: The eager side's record.
        site_id: Its id.
        reference: Eager's values.
        candidate: ORT's, of the same shape.
        dtype: The dtype of both, else the looser one; units in the last place are counted in it.
        judged_as: The dtype whose tolerance holds.
        context: The step.
    """

    seen: SiteRecord
    site_id: str
    reference: NDArray[Any]
    candidate: NDArray[Any]
    dtype: str
    judged_as: str
    context: StepContext

    def compare(self) -> SiteComparison:
        site, context = self.seen.site, self.context
        found = context.scan(self.reference, self.candidate, self.dtype)
        floor = context.floors.take(
            self.site_id, context.capture, self.reference, self.candidate, found.scale
        )
        allowed = self._allowance(found.scale, floor)
        values = judge(found, self.reference, self.candidate, allowed)
        # Not asdict, which copies every value deeply.
        measured = {name: getattr(values, name) for name in _VALUE_FIELDS}
        result = SiteComparison(
            site, **measured, noise_floor=None if floor is None else floor.error
        )
        if site.slot == _COUNTER and site.direction is Direction.BUFFER:
            return _counter(result)
        if result.verdict is Verdict.DIVERGENT:
            result = replace(result, reason=f"{result.reason} {self._farther()}".strip())
        return self._with_origin(result, floor)

    def _allowance(self, scale: float, floor: Floor | None) -> Allowance:
        tolerance, source = self.context.rules.tolerance(self.seen.site, self.judged_as)
        terms = self.context.scales.at(self.seen)
        return allowance(tolerance, source, scale, terms, floor)

    def _with_origin(self, result: SiteComparison, floor: Floor | None) -> SiteComparison:
        """Hold ORT's value against what eager PyTorch makes of ORT's own input."""
        local = self.context.capture.local_values.get(self.site_id)
        if local is None or local.shape != self.candidate.shape:
            return result
        found = self.context.scan(local, self.candidate, self.dtype)
        origin = ErrorOrigin.UNKNOWN
        if is_divergent(found, self._allowance(found.scale, floor)):
            origin = ErrorOrigin.HERE
        elif result.verdict is Verdict.DIVERGENT:
            origin = ErrorOrigin.INHERITED
        finite = found.finite_count > 0
        return replace(
            result,
            origin=origin,
            local_abs_error=found.max_error if finite else None,
            local_rel_error=error_ratio(found) if finite else None,
        )

    def _farther(self) -> str:
        """Which side float64 says is farther off; empty where it was not run."""
        wide = self.context.capture.wide_values.get(self.site_id)
        if wide is None or wide.shape != self.reference.shape:
            return ""
        eager = largest_difference(self.reference, wide)
        ort = largest_difference(self.candidate, wide)
        if eager is None or ort is None:
            return ""
        measured = f"Against float64, eager is off by {eager:.3g} and ORT by {ort:.3g}"
        if ort > _MUCH_FARTHER * eager:
            return f"{measured}: ORT is the farther one."
        if eager > _MUCH_FARTHER * ort:
            return f"{measured}: eager is the farther one."
        return f"{measured}: neither is much the farther one."


def _counter(found: SiteComparison) -> SiteComparison:
    """A counter that stands still is told apart from a computation gone wrong."""
    if found.verdict is not Verdict.DIVERGENT:
        return found
    return replace(found, verdict=Verdict.NOT_COMPARABLE, reason=_COUNTER_REASON)


def _address(values: NDArray[Any]) -> int:
    address: int = values.__array_interface__["data"][0]
    return address


def _shape(values: NDArray[Any]) -> str:
    return str(tuple(values.shape))
