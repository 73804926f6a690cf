"""Two arrays of the same shape, in float64, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.compare.tolerances import DEFAULT, Tolerance, ToleranceTable
from ortviz.record import Verdict

_BLOCK_ELEMENTS = 1 << 17
"""Three float64 blocks of 1 MB fit a processor's cache, whatever the size of the tensor."""


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """What a comparison of two arrays came to; the fields of :class:`SiteComparison`.

    ``max_abs_error``, ``max_rel_error`` and ``mean_abs_error`` are None when no element is finite
    on both sides; the worst element is None when nothing differs.
    """

    verdict: Verdict
    reason: str = ""
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    mean_abs_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    worst_reference: float | None = None
    worst_candidate: float | None = None
    nonfinite_mismatch_count: int = 0
    tolerance: float | None = None


@dataclass(slots=True)
class _Scan:
    """Running result over the blocks; positions are in row-major order, -1 for none."""

    finite_count: int = 0
    error_sum: float = 0.0
    max_error: float = 0.0
    worst: int = -1
    scale: float = 0.0
    mismatch_count: int = 0
    first_mismatch: int = -1


def compare_values(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    dtype: str,
    tolerances: ToleranceTable = DEFAULT,
    direction_scale: float = 0.0,
) -> ValueComparison:
    """Compare eager's array with ORT's.

    NaN equals NaN and an infinity equals the same infinity at the same place; every other
    non-finite difference makes the pair divergent.

    Args:
        reference: Eager's values, any shape, any real dtype.
        candidate: ORT's values, the same shape.
        dtype: PyTorch's name of the true dtype, which decides the tolerance (bfloat16 arrives
            widened to float32).
        tolerances: What counts as rounding.
        direction_scale: For gradients the size of the terms they are sums of, as
            :mod:`ortviz.compare.scales` finds it; 0 for everything else.

    Returns:
        Verdict, errors and the worst element.

    Raises:
        ValueError: The shapes differ.
    """
    if reference.shape != candidate.shape:
        raise ValueError(f"Shapes differ: {reference.shape} and {candidate.shape}.")
    flat_reference, flat_candidate = reference.reshape(-1), candidate.reshape(-1)
    scan = _Scan()
    with np.errstate(all="ignore"):
        for start in range(0, flat_reference.size, _BLOCK_ELEMENTS):
            end = start + _BLOCK_ELEMENTS
            _scan_block(scan, flat_reference[start:end], flat_candidate[start:end], start)
    return _judge(scan, flat_reference, flat_candidate, reference.shape, dtype, tolerances[dtype],
                  direction_scale)  # fmt: skip


def largest_finite(values: NDArray[Any]) -> float:
    """The largest |element| that is finite, 0 when there is none."""
    largest = 0.0
    flat = values.reshape(-1)
    for start in range(0, flat.size, _BLOCK_ELEMENTS):
        block = np.abs(flat[start : start + _BLOCK_ELEMENTS].astype(np.float64))
        largest = max(largest, float(np.max(block, where=np.isfinite(block), initial=0.0)))
    return largest


def _scan_block(scan: _Scan, reference: NDArray[Any], candidate: NDArray[Any], offset: int) -> None:
    wide_reference = reference.astype(np.float64)
    error = candidate.astype(np.float64)
    both_finite = np.isfinite(wide_reference) & np.isfinite(error)
    if not both_finite.all():
        _count_mismatches(scan, wide_reference, error, both_finite, offset)
    np.subtract(error, wide_reference, out=error)
    np.abs(error, out=error)
    if reference.dtype.kind in "iu" and candidate.dtype.kind in "iu":
        # Beyond 2**53 different integers may be the same float64.
        np.maximum(error, reference != candidate, out=error)
    error[~both_finite] = 0.0
    finite_count = int(np.count_nonzero(both_finite))
    if finite_count == 0:
        return
    scan.finite_count += finite_count
    scan.error_sum += float(error.sum())
    worst = int(error.argmax())
    if error[worst] > scan.max_error:
        scan.max_error, scan.worst = float(error[worst]), offset + worst
    np.abs(wide_reference, out=wide_reference)
    wide_reference[~both_finite] = 0.0
    scan.scale = max(scan.scale, float(wide_reference.max()))


def _count_mismatches(
    scan: _Scan,
    reference: NDArray[np.float64],
    candidate: NDArray[np.float64],
    both_finite: NDArray[np.bool_],
    offset: int,
) -> None:
    alike = (reference == candidate) | (np.isnan(reference) & np.isnan(candidate))
    mismatch = ~(both_finite | alike)
    count = int(np.count_nonzero(mismatch))
    if count and scan.first_mismatch < 0:
        scan.first_mismatch = offset + int(mismatch.argmax())
    scan.mismatch_count += count


def _judge(
    scan: _Scan,
    reference: NDArray[Any],
    candidate: NDArray[Any],
    shape: tuple[int, ...],
    dtype: str,
    tolerance: Tolerance,
    direction_scale: float,
) -> ValueComparison:
    floor = max(tolerance.zero_gradient * direction_scale, tolerance.tiny)
    allowed = max(tolerance.relative * scan.scale, floor)
    position = scan.first_mismatch if scan.mismatch_count else scan.worst
    index = None if position < 0 else tuple(int(i) for i in np.unravel_index(position, shape))
    worst_reference = None if position < 0 else float(reference[position])
    worst_candidate = None if position < 0 else float(candidate[position])
    relative = _ratio(scan.max_error, scan.scale) if scan.finite_count else None
    if scan.mismatch_count:
        verdict = Verdict.DIVERGENT
        reason = (
            f"{scan.mismatch_count} of {reference.size} elements are NaN or infinite on one side "
            f"only or differently so, first at {list(index or ())}: eager {worst_reference:.6g}, "
            f"ORT {worst_candidate:.6g}."
        )
    elif scan.max_error > allowed:
        verdict = Verdict.DIVERGENT
        reason = (
            f"Off by up to {scan.max_error:.3g} where the largest eager value is {scan.scale:.3g}"
        )
        reason += (
            f"; rounding of {dtype} explains up to {allowed:.3g}."
            if allowed
            else (f"; {dtype} must agree exactly.")
        )
    elif scan.max_error == 0.0:
        verdict, reason = Verdict.EQUAL, ""
    else:
        verdict, reason = Verdict.ROUNDING, ""
        if scan.max_error > tolerance.relative * scan.scale and direction_scale > 0.0:
            reason = (
                "Too small to say more: next to the gradients it is made of, of size "
                f"{direction_scale:.3g}, it is zero within rounding on both sides."
            )
    return ValueComparison(
        verdict,
        reason,
        scan.max_error if scan.finite_count else None,
        relative,
        scan.error_sum / scan.finite_count if scan.finite_count else None,
        index,
        worst_reference,
        worst_candidate,
        scan.mismatch_count,
        max(tolerance.relative, _ratio(floor, scan.scale)) if floor else tolerance.relative,
    )


def _ratio(error: float, scale: float) -> float:
    if scale > 0.0:
        return error / scale
    return math.inf if error > 0.0 else 0.0
