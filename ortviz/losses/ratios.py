"""The formulas of the three losses, element by element, before their mean.

Source: ``darts/utils/losses.py`` of darts 0.48.1, in the order of operations written there, since
values and gradients shall agree to the last bit.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ortviz.losses.stop_gradient import stop_gradient


def absolute_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Return ``|target - prediction|``, broadcast; float, any shape."""
    return torch.abs(target - prediction)


def percentage_ratio(prediction: Tensor, target: Tensor) -> Tensor:
    """Return ``(target - prediction) / target``, broadcast, before masking, signed."""
    return (target - prediction) / target


def symmetric_ratio(prediction: Tensor, target: Tensor, *, block_denom_grad: bool) -> Tensor:
    """Return ``|target - prediction| / (|target| + |prediction|)``, broadcast, before masking.

    Args:
        prediction: Predictions.
        target: True values.
        block_denom_grad: Whether the denominator is a constant to autograd.
    """
    numerator = torch.abs(target - prediction)
    denominator = torch.abs(target) + torch.abs(prediction)
    if block_denom_grad:
        denominator = stop_gradient(denominator)
    return numerator / denominator


def zero_masked_(ratio: Tensor) -> Tensor:
    """Set NaN, +inf and -inf to 0 in place and return the ratio.

    The gradient of a masked element is 0 from here on backwards, but the division before it turns
    that 0 into NaN where it divides by 0 or by NaN. In place, because ``torch.where`` would lay
    out its gradient differently in memory, and a broadcast operand's gradient would then be
    summed in another order than darts' is.
    """
    return ratio.masked_fill_(~(torch.abs(ratio.detach()) < math.inf), 0.0)
