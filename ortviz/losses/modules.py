"""MAELoss, MapeLoss and SmapeLoss: darts' losses that can say what they masked."""

from __future__ import annotations

import torch
from torch import Tensor

from ortviz.losses.base import MaskingLoss
from ortviz.losses.ratios import absolute_error, percentage_ratio, symmetric_ratio
from ortviz.losses.safe_grad import (
    absolute_gradient_is_safe,
    percentage_gradient_is_safe,
    symmetric_gradient_is_safe,
)


class MAELoss(MaskingLoss):
    r"""Mean absolute error, ``mean(|tgt - inpt|)``; equals :class:`torch.nn.L1Loss`.

    Stands in for ``darts.utils.losses.MAELoss`` (0.48.1), whose formula it is. Nothing is masked:
    one NaN makes the loss NaN, and :attr:`mask` says "all kept".

    Args:
        safe_grad: Give elements that are NaN the gradient 0. The value is unchanged, NaN
            included. All other elements have a derivative of -1, 0 or 1 over the count anyway.
    """

    _masks = False

    def _ratio(self, prediction: Tensor, target: Tensor) -> Tensor:
        return absolute_error(prediction, target)

    def _gradient_is_safe(self, prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
        return absolute_gradient_is_safe(prediction, target, ratio)


class MapeLoss(MaskingLoss):
    r"""Mean absolute percentage error as a fraction: ``mean(|(tgt - inpt) / tgt|)``.

    Stands in for ``darts.utils.losses.MapeLoss`` (0.48.1), whose formula it is: quotients that
    are NaN, +inf or -inf count as 0, the mean is over all elements, there is no factor 100.

    What this hides, and :attr:`mask` shows: a target of 0 is masked, yet its gradient is
    ``0 * 1/0 = NaN`` and reaches every weight with the next optimiser step; predictions that are
    all NaN or inf give the perfect loss 0.0.

    Args:
        safe_grad: Keep the value to the last bit and make every gradient finite. An element
            receives the gradient 0, by prediction and by target, if its quotient is masked (target
            0, NaN or inf; prediction NaN or inf; a quotient that overflows), or if its derivative
            ``1/tgt`` or ``(tgt - inpt)/tgt/tgt`` exceeds a quarter of the largest number of the
            dtype (a target about as small as the smallest normal number). All others keep theirs.
            This holds for an upstream gradient of at most 1, as ``loss.backward()`` has.
    """

    def _ratio(self, prediction: Tensor, target: Tensor) -> Tensor:
        return percentage_ratio(prediction, target)

    def _gradient_is_safe(self, prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
        return percentage_gradient_is_safe(prediction, target, ratio)

    def _magnitude(self, ratio: Tensor) -> Tensor:
        return torch.abs(ratio)


class SmapeLoss(MaskingLoss):
    r"""Symmetric MAPE as a fraction: ``mean(|tgt - inpt| / (|tgt| + |inpt|))``.

    Stands in for ``darts.utils.losses.SmapeLoss`` (0.48.1), whose formula it is: quotients that
    are NaN or inf count as 0, the mean is over all elements, there is no factor 200.

    What this hides, and :attr:`mask` shows: target 0 with prediction 0, and any NaN, are masked
    yet have a NaN gradient; predictions that are all NaN or inf give the perfect loss 0.0.

    Args:
        block_denom_grad: Whether the denominator is a constant to autograd. Inside an ORTModule
            too: there darts' own class loses its ``detach``, and with it this argument.
        safe_grad: Keep the value to the last bit and make every gradient finite. An element
            receives the gradient 0, by prediction and by target, if its quotient is masked (both
            0; any NaN or inf; a difference that overflows), or if ``1/(|tgt| + |inpt|)`` exceeds
            a quarter of the largest number of the dtype. All others keep theirs. This holds for
            an upstream gradient of at most 1, as ``loss.backward()`` has.
    """

    def __init__(self, block_denom_grad: bool = True, safe_grad: bool = False) -> None:
        super().__init__(safe_grad=safe_grad)
        self.block_denom_grad = block_denom_grad

    def _ratio(self, prediction: Tensor, target: Tensor) -> Tensor:
        return symmetric_ratio(prediction, target, block_denom_grad=self.block_denom_grad)

    def _gradient_is_safe(self, prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
        return symmetric_gradient_is_safe(prediction, target, ratio)
