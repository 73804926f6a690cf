"""What the three losses share: checks, the memory of the last ratio, and the mean."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from ortviz.errors import OrtvizError
from ortviz.losses.checks import check_pair, warn_if_sizes_differ
from ortviz.losses.mask import LossMask, read_mask
from ortviz.losses.ratios import zero_masked_
from ortviz.losses.safe_grad import with_safe_gradient

# From warn_if_sizes_differ's caller up to who called the module: forward, then the two frames
# nn.Module puts between. torch's own L1Loss stops inside torch, which points nobody anywhere.
_FRAMES_TO_CALLER = 4


class MaskingLoss(nn.Module):
    """A mean over elements, some of which may be masked; made concrete by the three losses.

    Args:
        safe_grad: Give elements whose gradient would not be finite the gradient 0.
    """

    _masks = True
    """Whether elements that are not finite are set to 0."""

    def __init__(self, safe_grad: bool = False) -> None:
        super().__init__()
        self.safe_grad = safe_grad
        self._last_ratio: Tensor | None = None

    def forward(self, inpt: Tensor, tgt: Tensor) -> Tensor:
        """Compute the loss. The arguments carry darts' names, since calls may use them.

        Args:
            inpt: Predictions; float16, bfloat16, float32 or float64, any shape.
            tgt: True values; such a dtype too, and a shape that broadcasts with ``inpt``'s. A
                shape that differs gives a UserWarning, as :class:`torch.nn.L1Loss` does.

        Returns:
            0-d tensor in the dtype both promote to: the mean over all elements of the broadcast
            shape, masked ones included.

        Raises:
            LossInputError: If the two do not fit each other, have no elements, or are not floats.
        """
        # A traced graph has sizes that only look like numbers, and no values to remember.
        concrete = not (_is_tracing() or torch.compiler.is_compiling())
        if concrete:
            check_pair(inpt, tgt, type(self).__name__)
            warn_if_sizes_differ(inpt, tgt, _FRAMES_TO_CALLER)
        ratio = self._ratio(inpt, tgt)
        # Copied: masking is done in place, and later changes to the operands must not reach it.
        self._last_ratio = ratio.detach().clone() if concrete else None
        if self.safe_grad:
            return torch.mean(self._safe_elements(inpt, tgt, ratio.detach()))
        return torch.mean(self._elements(ratio))

    @property
    def mask(self) -> LossMask:
        """What the last forward masked, computed now, when it is read.

        The loss keeps the elements of its last forward for this, one tensor in the broadcast
        shape, until the next one. They are not pickled, copied or part of ``state_dict()``.

        Raises:
            OrtvizError: If there was no forward yet, or the last one was traced or compiled: a
                loss inside an ORTModule runs in ORT's graph and this object sees nothing of it.
        """
        if self._last_ratio is None:
            raise OrtvizError(
                f"{type(self).__name__}.mask: this object has computed no loss yet, or did so "
                "inside a traced, compiled or ORTModule graph, where it sees no values.",
                "Call the loss first, or give masking(input, target) the two tensors.",
            )
        return read_mask(self._last_ratio, masks=self._masks)

    @torch.no_grad()
    def masking(self, input: Tensor, target: Tensor) -> LossMask:  # noqa: A002
        """Say what this loss masks for a pair, leaving :attr:`mask` and all gradients alone.

        Args:
            input: Predictions, as for ``forward``.
            target: True values, as for ``forward``.

        Raises:
            LossInputError: As ``forward`` does.
        """
        check_pair(input, target, f"{type(self).__name__}.masking")
        return read_mask(self._ratio(input, target), masks=self._masks)

    def __getstate__(self) -> dict[str, object]:
        """Leave the last batch out of pickles, checkpoints and deep copies."""
        return {**self.__dict__, "_last_ratio": None}

    @abstractmethod
    def _ratio(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the elements before masking, possibly negative."""

    @abstractmethod
    def _gradient_is_safe(self, prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
        """Return True for elements whose gradient is finite."""

    def _magnitude(self, ratio: Tensor) -> Tensor:
        """Drop the sign of a ratio that has one."""
        return ratio

    def _elements(self, ratio: Tensor) -> Tensor:
        """Turn the ratio, in place, into what the mean is taken over."""
        return self._magnitude(zero_masked_(ratio) if self._masks else ratio)

    def _safe_elements(self, prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
        is_safe = self._gradient_is_safe(prediction.detach(), target.detach(), ratio)
        return with_safe_gradient(
            prediction,
            target,
            self._elements(ratio),
            is_safe,
            lambda one, other: self._magnitude(self._ratio(one, other)),
        )


def _is_tracing() -> bool:
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]
