"""Which sampled steps are looked into deeply."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch

from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.capture.stats import dtype_name
from ortviz.native import CODES, Difference, kernels
from ortviz.record import Verify

_ALARM_EPSILONS = 100.0
"""Honest float32 runs of the same step differ by 1 epsilon of a tensor's largest element in the
median and by 4 in 95 of 100 tensors (the models of tests/engine, 40 steps each), except where a
gradient is nothing but rounding; there they always differ by all of it, which growth tells."""
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
        for name, ratio, limit in _ratios(_pairs(pending)):
            worst = self._worst.get(name, 0.0)
            found |= ratio > max(limit, _GROWTH * worst)
            self._worst[name] = max(worst, ratio)
        return found


def _is_power_of_ten(count: int) -> bool:
    while count >= 10 and count % 10 == 0:
        count //= 10
    return count == 1


Pairs = dict[str, tuple[torch.Tensor, torch.Tensor]]


def _pairs(pending: PendingStep) -> Pairs:
    """Outputs and parameter gradients of both sides, by name: (reference, candidate)."""
    outputs = zip(pending.shadow_outputs or (), pending.outputs, strict=False)
    found: Pairs = {f"#{slot}": pair for slot, pair in enumerate(outputs)}
    grads: Mapping[str, torch.Tensor | None] = (
        pending.shadow.parameter_grads if pending.shadow is not None else {}
    )
    for name, gradient in grads.items():
        own = pending.parameter_grads.get(name)
        if gradient is not None and own is not None:
            found[name] = (gradient, own)
    return {name: pair for name, pair in found.items() if _comparable(*pair)}


def _comparable(reference: torch.Tensor, candidate: torch.Tensor) -> bool:
    alike = reference.shape == candidate.shape and reference.device == candidate.device
    return alike and reference.numel() > 0 and reference.is_floating_point()


def _ratios(pairs: Pairs) -> Iterator[tuple[str, float, float]]:
    """(name, largest difference over largest element, what is too much)."""
    quick = {name: found for name, pair in pairs.items() if (found := _by_kernels(*pair))}
    for name, found in quick.items():
        if found.max_error:
            limit = _ALARM_EPSILONS * torch.finfo(pairs[name][1].dtype).eps
            yield name, (found.max_error / found.scale if found.scale else math.inf), limit
    pairs = {name: pair for name, pair in pairs.items() if name not in quick}
    reduced = [
        torch.linalg.vector_norm(tensor.double(), math.inf)
        for reference, candidate in pairs.values()
        for tensor in (reference, candidate.to(reference.dtype) - reference)
    ]
    # One transfer for all: on an accelerator each .item() would wait for the device.
    numbers = iter(torch.stack(reduced).tolist() if reduced else ())
    for name, (reference, candidate) in pairs.items():
        largest, difference = next(numbers), next(numbers)
        limit = _ALARM_EPSILONS * torch.finfo(candidate.dtype).eps
        if not math.isfinite(difference) or not math.isfinite(largest):
            alike = torch.equal(_nonfinite(reference), _nonfinite(candidate))
            yield name, (0.0 if alike else math.inf), limit
        elif difference:
            yield name, (difference / largest if largest else math.inf), limit


def _by_kernels(reference: torch.Tensor, candidate: torch.Tensor) -> Difference | None:
    """In one pass; None for what :mod:`ortviz.native` cannot do, such as what is not finite."""
    loops, dtype = kernels(), reference.dtype
    plain = reference.device.type == "cpu" and candidate.dtype == dtype
    if loops is None or not plain or dtype_name(dtype) not in CODES:
        return None
    for tensor in (reference, candidate):
        if tensor.layout is not torch.strided or not tensor.is_contiguous():
            return None
    return loops.compare(
        reference.data_ptr(), candidate.data_ptr(), reference.numel(), CODES[dtype_name(dtype)]
    )


def _nonfinite(tensor: torch.Tensor) -> torch.Tensor:
    """Where NaN, +inf and -inf are."""
    return torch.stack([torch.isnan(tensor), torch.isposinf(tensor), torch.isneginf(tensor)])
