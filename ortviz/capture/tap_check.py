"""Does the graph with taps compute what the plain one computes? Asked once per export."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import Agent
from ortviz._compat.ort_private import ExecutionManager, InputKind
from ortviz._compat.ort_repeat import NotRepeatableError, run_once
from ortviz.capture.pending import PendingStep
from ortviz.capture.second_run import SecondRun
from ortviz.capture.stats import dtype_name
from ortviz.record import TapCheck

_USER_CODE = (
    "The instrumented graph was not checked against the plain one: the model calls an autograd "
    "Function of yours, which must not run an extra time."
)


def check_taps(
    manager: ExecutionManager,
    plain: Agent,
    pending: PendingStep,
    outputs: Sequence[torch.Tensor],
) -> TapCheck | None:
    """Run the step again without taps, and compare. Nothing of the user's is written.

    Args:
        manager: ORTModule's training manager.
        plain: Its own agent.
        pending: A step whose forward and backward the tapped agent ran, before the optimiser
            changes the weights.
        outputs: What the tapped agent's forward gave, ORTModule's outputs only.

    Returns:
        None when the step lacks what the check needs; another step may have it.

    Raises:
        RuntimeError: ORT's own error.
    """
    plan, feeds = pending.plan, pending.feeds
    if plan is None or feeds is None or feeds.gradients is None:
        return None
    if plan.runs_user_code:
        return TapCheck(made=False, reason=_USER_CODE)
    ours = {f"output {index}": output for index, output in enumerate(outputs)}
    ours.update((n, g) for n, g in pending.parameter_grads.items() if g is not None)
    if plan.draws_random:
        try:
            again = SecondRun(manager).run(feeds, pending.values)
        except NotRepeatableError as error:
            reason = f"The instrumented graph was not checked against the plain one. {error}"
            return TapCheck(made=False, reason=reason)
        plain_outputs: Sequence[torch.Tensor] = again.outputs
        plain_gradients: Mapping[str, torch.Tensor] = again.parameter_grads
    else:
        plain_outputs, backward = run_once(plain, feeds.inputs, feeds.gradients)
        plain_gradients = _by_name(manager, backward)
    theirs = {f"output {index}": output for index, output in enumerate(plain_outputs)}
    theirs.update(plain_gradients)
    return compare_runs(ours, theirs, masks_replayed=plan.draws_random)


def compare_runs(
    ours: Mapping[str, torch.Tensor],
    theirs: Mapping[str, torch.Tensor],
    *,
    masks_replayed: bool = False,
) -> TapCheck:
    """Hold the tensors of two runs against each other.

    Args:
        ours: The instrumented run's, by name.
        theirs: The plain run's, of the same shapes; others are ignored.
        masks_replayed: Noted in the result.
    """
    worst = ("", "", 0.0, 0.0)
    different = 0
    names = [name for name in ours if name in theirs]
    for name in names:
        errors = _errors(ours[name], theirs[name])
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
        masks_replayed=masks_replayed,
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
        f"({check.max_rel_error:.3g} of its largest element)."
    )


def _by_name(
    manager: ExecutionManager, backward: Sequence[torch.Tensor]
) -> dict[str, torch.Tensor]:
    return {
        each.qualified_name: backward[each.gradient_index]
        for each in ort_private.graph_inputs(manager)
        if each.kind is InputKind.PARAMETER
        and each.qualified_name is not None
        and each.gradient_index is not None
    }


def _errors(ours: torch.Tensor, theirs: torch.Tensor) -> tuple[float, float] | None:
    """Largest absolute and relative error; None when both are the same, NaN at the same places."""
    if torch.equal(ours, theirs):
        return None
    one, other = ours.double(), theirs.double()
    alike = (one == other) | (one.isnan() & other.isnan())
    if alike.all():
        return None
    if not (alike | (one.isfinite() & other.isfinite())).all():
        return math.inf, math.inf
    error = float((one - other).abs()[~alike].max())
    scale = float(other[other.isfinite()].abs().max())
    return error, error / scale if scale > 0 else math.inf
