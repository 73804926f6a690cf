"""Two arrays of the same shape: the errors, and what they come to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.compare.allowance import Allowance, allowance
from ortviz.compare.blocks import count_mismatched
from ortviz.compare.floors import Floor
from ortviz.compare.scan import Scan, scan
from ortviz.compare.tolerances import DEFAULT, ToleranceTable
from ortviz.record import Verdict


@dataclass(frozen=True, slots=True)
class ValueComparison:
    """What a comparison of two arrays came to; the fields of :class:`SiteComparison`.

    ``max_abs_error``, ``max_rel_error``, ``mean_abs_error`` and ``max_ulp_error`` are None when no
    element is finite on both sides; the worst element is None when nothing differs.
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
    max_ulp_error: float | None = None
    cosine: float | None = None
    mismatched_fraction: float | None = None
    tolerance_reason: str = ""


def compare_values(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    dtype: str,
    tolerances: ToleranceTable = DEFAULT,
    direction_scale: float = 0.0,
    noise_floor: float | None = None,
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
        noise_floor: Largest honest error seen here, in the tensor's own unit; None where it was
            not measured.

    Returns:
        Verdict, errors and the worst element.

    Raises:
        ValueError: The shapes differ.
    """
    found = scan(reference, candidate, dtype)
    allowed = allowance(
        tolerances[dtype],
        tolerances.name(dtype),
        found.scale,
        direction_scale,
        None if noise_floor is None else Floor(noise_floor),
    )
    return judge(found, reference, candidate, allowed)


def is_divergent(found: Scan, allowed: Allowance) -> bool:
    """Whether a difference is more than rounding."""
    return found.mismatch_count > 0 or found.max_error > allowed.error


def judge(
    found: Scan, reference: NDArray[Any], candidate: NDArray[Any], allowed: Allowance
) -> ValueComparison:
    """What a pass over two arrays comes to under an allowance.

    Args:
        found: Of these two arrays.
        reference: Eager's values, any shape.
        candidate: ORT's, the same shape.
        allowed: How large the error may be.
    """
    position = found.first_mismatch if found.mismatch_count else found.worst
    index: tuple[int, ...] | None = None
    worst: tuple[float | None, float | None] = (None, None)
    if position >= 0:
        index = tuple(int(axis) for axis in np.unravel_index(position, reference.shape))
        worst = float(reference[index]), float(candidate[index])
    verdict, mismatched = Verdict.EQUAL, 0
    if is_divergent(found, allowed):
        verdict = Verdict.DIVERGENT
        mismatched = count_mismatched(reference, candidate, allowed.error)
    elif found.max_error > 0.0:
        verdict = Verdict.ROUNDING
    finite = found.finite_count > 0
    return ValueComparison(
        verdict,
        _reason(found, verdict, allowed, index, worst),
        found.max_error if finite else None,
        error_ratio(found) if finite else None,
        found.error_sum / found.finite_count if finite else None,
        index,
        *worst,
        found.mismatch_count,
        allowed.relative,
        None if found.max_ulp is None else float(found.max_ulp),
        found.cosine,
        mismatched / found.element_count if found.element_count else None,
        allowed.reason,
    )


def error_ratio(found: Scan) -> float:
    """The largest error divided by the largest |reference|; infinite where that is 0."""
    if found.scale > 0.0:
        return found.max_error / found.scale
    return math.inf if found.max_error > 0.0 else 0.0


def _reason(
    found: Scan,
    verdict: Verdict,
    allowed: Allowance,
    index: tuple[int, ...] | None,
    worst: tuple[float | None, float | None],
) -> str:
    if found.mismatch_count:
        return (
            f"{found.mismatch_count} of {found.element_count} elements are NaN or infinite on one "
            f"side only or differently so, first at {list(index or ())}: eager {worst[0]:.6g}, "
            f"ORT {worst[1]:.6g}."
        )
    if verdict is Verdict.DIVERGENT:
        off = (
            f"Off by up to {found.max_error:.3g} where the largest eager value is {found.scale:.3g}"
        )
        if allowed.error == 0.0:
            return f"{off}; they must agree exactly ({allowed.reason})."
        return f"{off}; {allowed.reason} allows up to {allowed.error:.3g}."
    return allowed.beyond if found.max_error > allowed.plain_error else ""
