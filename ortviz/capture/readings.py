"""Takes what tapped agents hand out and puts it with the step that is running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.capture.snapshots import copy_what_shares
from ortviz.capture.stats import tensor_stats
from ortviz.capture.threads import half_the_threads


class Readings:
    """What is compared is kept; of what is read only for its statistics, those are kept.

    Attributes:
        pending: The step whose run hands out values now; None while nothing is to be read.
    """

    def __init__(self) -> None:
        self.pending: PendingStep | None = None
        self._unreduced: list[tuple[str, torch.Tensor]] = []

    def masks(self, names: Sequence[str], tensors: Sequence[torch.Tensor]) -> None:
        """Dropout masks that an agent drew."""
        if self.pending is not None:
            self.pending.values.update(zip(names, tensors, strict=True))

    def forward(self, plan: TapPlan, names: Sequence[str], tensors: Sequence[torch.Tensor]) -> None:
        """Values of a forward half.

        Args:
            plan: Chose them.
            names: Of the values, in their order; those inside modules come last.
            tensors: They, sharing memory with ORT.
        """
        if self.pending is None:
            return
        kept = len(names) - len(plan.inner.forward_names)
        with half_the_threads():
            self.pending.values.update(
                (name, tensor.clone() if name in plan.overwritten else tensor)
                for name, tensor in zip(names[:kept], tensors[:kept], strict=True)
            )
        self._unreduced += zip(names[kept:], tensors[kept:], strict=True)

    def backward(self, plan: TapPlan, tensors: Sequence[torch.Tensor]) -> None:
        """Values of a backward half, in the plan's order, sharing memory with ORT."""
        if self.pending is None:
            return
        names = plan.all_backward
        kept = len(plan.backward_names)
        self.pending.values.update(zip(names[:kept], tensors[:kept], strict=True))
        self._unreduced += zip(names[kept:], tensors[kept:], strict=True)

    def separate(self, pending: PendingStep, given: Iterable[torch.Tensor]) -> None:
        """Copy what shares memory with gradients that the user is given: an Identity may.

        Args:
            pending: The step.
            given: They; the optimiser changes them in place.
        """
        copy_what_shares(pending.values, given)

    def reduce(self, pending: PendingStep) -> None:
        """Statistics of what is read only for them, before ORT or the user goes on."""
        unreduced, self._unreduced = self._unreduced, []
        with half_the_threads():
            pending.inner.update(
                (name, tensor_stats(tensor) if tensor.is_floating_point() else None)
                for name, tensor in unreduced
            )
        sites = pending.plan.inner.sites if pending.plan is not None else {}
        for name, tensor in unreduced:
            site = sites.get(name)
            if site is not None and pending.keeps(site):
                pending.values[name] = tensor.clone()

    def drop(self) -> None:
        """The run failed: nothing of it is kept."""
        if self.pending is not None:
            self.pending.values.clear()
        self._unreduced.clear()
