"""The same loss with a gradient that is always finite.

Masking the *result* of a division leaves the division itself in the graph: backward multiplies
the masked element's gradient 0 by 1/0. The cure, known as the double where, replaces the
*operands* of such an element before the division, so that nothing non-finite is ever computed on
the differentiable path.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ortviz.losses.stop_gradient import stop_gradient


def percentage_gradient_is_safe(prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
    """Tell for which elements of MAPE both gradients are finite.

    The derivative by the prediction is ``-1/target``, the one by the target
    ``1/target - ratio/target``.

    Args:
        prediction: Predictions (not needed here; the same signature for every loss).
        target: True values.
        ratio: ``(target - prediction) / target``, not masked.

    Returns:
        Bool, in the shape of ``ratio``.
    """
    return _quotient_is_safe(ratio, target)


def symmetric_gradient_is_safe(prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
    """Tell for which elements of sMAPE both gradients are finite.

    Args:
        prediction: Predictions.
        target: True values.
        ratio: ``|target - prediction| / (|target| + |prediction|)``, not masked.

    Returns:
        Bool, in the shape of ``ratio``.
    """
    return _quotient_is_safe(ratio, torch.abs(target) + torch.abs(prediction))


def absolute_gradient_is_safe(prediction: Tensor, target: Tensor, ratio: Tensor) -> Tensor:
    """Tell which elements of MAE are not NaN; the derivative of all others is -1, 0 or 1."""
    return ratio == ratio


def with_safe_gradient(
    prediction: Tensor,
    target: Tensor,
    elements: Tensor,
    is_safe: Tensor,
    formula: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Give elements of a loss a gradient only where it is finite.

    Args:
        prediction: Predictions.
        target: True values.
        elements: The elements of the loss (masked ones as 0, none negative); their values are
            the result's values.
        is_safe: Bool, in the shape of ``elements``: where the gradient may flow.
        formula: From (prediction, target) to differentiable elements, masking not included.

    Returns:
        The values of ``elements``. Where ``is_safe`` is False they are constants: both operands
        receive exactly 0.
    """
    dtype = elements.dtype
    one = torch.ones((), dtype=dtype, device=elements.device)
    # 1 and 1: their difference is 0 and no denominator of ours is 0 or subnormal there.
    safe_input = torch.where(is_safe, prediction.to(dtype), one)
    safe_target = torch.where(is_safe, target.to(dtype), one)
    return torch.where(is_safe, formula(safe_input, safe_target), stop_gradient(elements))


def _quotient_is_safe(ratio: Tensor, denominator: Tensor) -> Tensor:
    # A quarter leaves room for the two terms of a target's derivative and their rounding. Both
    # comparisons are False for NaN, and one of them is wherever the ratio is not finite.
    limit = torch.finfo(ratio.dtype).max / 4
    steepness = torch.abs(torch.reciprocal(denominator)) <= limit
    return steepness & (torch.abs(ratio / denominator) <= limit)
