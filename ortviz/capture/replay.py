"""Lets the eager shadow use the dropout masks that ORT drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten


class DropoutReplay(TorchDispatchMode):
    """Puts recorded masks in place of the random draws of dropout, below autograd.

    PyTorch's dropout on a CPU is ``bernoulli_`` of a fresh tensor, divided by the keep
    probability and multiplied; on an accelerator it is one ``native_dropout``. Both are answered
    from the masks, in the order of the calls, wherever they are made (attention and recurrent
    layers included).

    Args:
        masks: Boolean, True where an element was kept, in the exported graph's order.

    Attributes:
        used: The masks handed out so far, in the order of the draws.
        unmatched_count: Draws for which no mask of the same shape was left.
        other_random_ops: Names of other random operations that ran; their results cannot be
            the same on both sides.
        calls: Where the module calls that have returned are gathered.
        first_draw: How many of those there were at the first draw that ORT did not make; None
            while there is none.
    """

    def __init__(self, masks: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._masks = list(masks)
        self.used: list[torch.Tensor] = []
        self.unmatched_count = 0
        self.other_random_ops: set[str] = set()
        self.calls: Sequence[object] = ()
        self.first_draw: int | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Answer dropout's draws, pass everything else on."""
        kwargs = kwargs or {}
        if func is _aten.bernoulli_.float:
            mask = self._next(args[0].shape)
            if mask is not None:
                return args[0].copy_(mask)
        elif func is _aten.native_dropout.default:
            values, probability = args[0], args[1]
            mask = self._next(values.shape)
            if mask is not None:
                scale = 0.0 if probability == 1 else 1.0 / (1.0 - probability)
                return values * mask * scale, mask
        elif torch.Tag.nondeterministic_seeded in func.tags:
            self.other_random_ops.add(str(func).removeprefix("aten."))
            self._drawn()
        return func(*args, **kwargs)

    def _drawn(self) -> None:
        if self.first_draw is None:
            self.first_draw = len(self.calls)

    def _next(self, shape: torch.Size) -> torch.Tensor | None:
        for index, mask in enumerate(self._masks):
            if mask.shape == shape:
                self.used.append(self._masks.pop(index))
                return self.used[-1]
        self.unmatched_count += 1
        self._drawn()
        return None
