"""Does the graph with taps compute what the plain one computes? Asked once per export."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch

from ortviz.capture.stats import dtype_name
from ortviz.record import TapCheck

_NEXT_TO_NOTHING = 1e-4
"""A gradient this much smaller than the largest is held against that: it may be 0 but for rounding,
as that of an attention's key bias is."""


def compare_runs(
    ours: Mapping[str, torch.Tensor],
    theirs: Mapping[str, torch.Tensor],
    *,
    read: Iterable[torch.Tensor] = (),
    masks_replayed: bool = False,
) -> TapCheck:
    """Hold the tensors of two runs against each other.

    Args:
        ours: The instrumented run's, by name.
        theirs: The plain run's, of the same shapes; others are ignored.
        read: What else was read from the instrumented run.
        masks_replayed: Noted in the result.
    """
    worst = ("", "", 0.0, 0.0)
    different = 0
    names = [name for name in ours if name in theirs]
    largest = {name: _largest(theirs[name]) for name in names}
    least_scale = _NEXT_TO_NOTHING * max(largest.values(), default=0.0)
    for name in names:
        errors = _errors(ours[name], theirs[name], max(largest[name], least_scale))
        if errors is None:
            continue
        different += 1
        if not worst[0] or errors[1] > worst[3]:
            worst = (name, dtype_name(ours[name].dtype), *errors)
    return TapCheck(
        made=True,
        tensor_count=len(names),
        different_count=different,
        worst=worst[0],
        worst_dtype=worst[1],
        max_abs_error=worst[2],
        max_rel_error=worst[3],
        rounding_dtype=_coarsest([*ours.values(), *read]),
        masks_replayed=masks_replayed,
    )


def different_names(
    ours: Mapping[str, torch.Tensor], theirs: Mapping[str, torch.Tensor]
) -> tuple[str, ...]:
    """The tensors of both runs that are not the same bit for bit."""
    return tuple(
        name
        for name in ours
        if name in theirs and _errors(ours[name], theirs[name], scale=1.0) is not None
    )


def describe(check: TapCheck) -> str:
    """The check in one sentence for a person."""
    if not check.made:
        return check.reason
    masks = ", given the same dropout masks" if check.masks_replayed else ""
    what = f"ORT's outputs and parameter gradients ({check.tensor_count} tensors)"
    if not check.different_count:
        return (
            f"Checked in this step: {what} are bit for bit those of the graph that nobody "
            f"watches{masks}."
        )
    return (
        f"Checked in this step: of {what}, {check.different_count} are not those of the graph "
        f"that nobody watches{masks}; most {check.worst}, by {check.max_abs_error:.3g} "
        f"(relative {check.max_rel_error:.3g})."
    )


def _coarsest(tensors: Iterable[torch.Tensor]) -> str:
    """The floating dtype with the largest step; empty when there is none."""
    dtypes = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    return max((torch.finfo(dtype).eps, dtype_name(dtype)) for dtype in dtypes)[1] if dtypes else ""


def _largest(tensor: torch.Tensor) -> float:
    """The largest finite |element|; 0 when there is none."""
    finite = tensor[tensor.isfinite()]
    return float(finite.double().abs().max()) if finite.numel() else 0.0


def _errors(ours: torch.Tensor, theirs: torch.Tensor, scale: float) -> tuple[float, float] | None:
    """Largest absolute and relative error; None when both are the same, NaN at the same places."""
    same_dtype = ours.dtype == theirs.dtype
    if same_dtype and torch.equal(ours, theirs):
        return None
    one, other = ours.double(), theirs.double()
    alike = (one == other) | (one.isnan() & other.isnan())
    if alike.all():
        return None if same_dtype else (0.0, 0.0)
    if not (alike | (one.isfinite() & other.isfinite())).all():
        return math.inf, math.inf
    error = float((one - other).abs()[~alike].max())
    return error, error / scale if scale > 0 else math.inf
