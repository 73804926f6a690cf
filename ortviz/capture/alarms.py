"""Which sampled steps are looked into deeply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch

from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.record import Verify

_ALARM_EPSILONS = 200.0
"""Honest float32 runs of the same step differ by 1 to 30 epsilons of a tensor's largest element."""
_GROWTH = 10.0
_FREE_ALARMS = 3
_ALARM_SHARE = 0.05


class DeepPolicy:
    """Decides for each sampled step.

    Args:
        verify: How often.
    """

    def __init__(self, verify: Verify) -> None:
        self.verify = verify
        self._plan: TapPlan | None = None
        self._sampled_count = 0
        self._alarm_count = 0
        self._worst: dict[str, float] = {}

    def wants(self, pending: PendingStep) -> bool:
        """Whether a step whose backward is done is to be looked into.

        Args:
            pending: The step, both sides run.
        """
        if self.verify is Verify.NEVER:
            return pending.verify_asked
        self._sampled_count += 1
        exported = pending.plan is not self._plan
        if exported:
            self._plan = pending.plan
            self._worst.clear()
        due = self.verify is Verify.ALWAYS or exported or _is_power_of_ten(self._sampled_count)
        alarmed = self.verify is Verify.AUTO and self._alarmed(pending)
        if pending.verify_asked or due:
            return True
        allowed = _FREE_ALARMS + _ALARM_SHARE * self._sampled_count
        if not alarmed or self._alarm_count >= allowed:
            return False
        self._alarm_count += 1
        return True

    def _alarmed(self, pending: PendingStep) -> bool:
        """Whether a result is much further off than it ever was; remembers how far."""
        found = False
        for name, ratio, limit in _ratios(pending):
            worst = self._worst.get(name, 0.0)
            found |= ratio > max(limit, _GROWTH * worst)
            self._worst[name] = max(worst, ratio)
        return found


def _is_power_of_ten(count: int) -> bool:
    while count >= 10 and count % 10 == 0:
        count //= 10
    return count == 1


def _ratios(pending: PendingStep) -> Iterator[tuple[str, float, float]]:
    """(name, relative difference, what is too much) of outputs and parameter gradients."""
    for slot, reference in enumerate(pending.shadow_outputs or ()):
        if slot < len(pending.outputs):
            yield from _ratio(f"#{slot}", reference, pending.outputs[slot])
    grads: Mapping[str, torch.Tensor | None] = (
        pending.shadow.parameter_grads if pending.shadow is not None else {}
    )
    for name, gradient in grads.items():
        own = pending.parameter_grads.get(name)
        if gradient is not None and own is not None:
            yield from _ratio(name, gradient, own)


def _ratio(
    name: str, reference: torch.Tensor, candidate: torch.Tensor
) -> Iterator[tuple[str, float, float]]:
    if reference.shape != candidate.shape or not reference.is_floating_point():
        return
    if reference.numel() == 0:
        return
    largest, difference = torch.stack(
        [reference.abs().max(), (candidate.to(reference.dtype) - reference).abs().max()]
    ).tolist()
    limit = _ALARM_EPSILONS * torch.finfo(candidate.dtype).eps
    if not math.isfinite(difference) or not math.isfinite(largest):
        same = torch.equal(torch.isnan(reference), torch.isnan(candidate))
        yield name, (0.0 if same else math.inf), limit
    elif difference:
        yield name, (difference / largest if largest else math.inf), limit
