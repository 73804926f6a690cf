"""All three losses of one pair of tensors, for the recorder, on the training thread."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ortviz.losses.checks import check_pair
from ortviz.losses.mask import codes_of, count_masked
from ortviz.losses.ratios import percentage_ratio, symmetric_ratio
from ortviz.losses.values import MaskCounts, RatioName, ThreeLosses, check_masking_loss


@torch.no_grad()
def three_losses(input: Tensor, target: Tensor) -> ThreeLosses:  # noqa: A002
    """Compute MAE, MAPE and sMAPE, and what the latter two masked, in one pass.

    The values are those of :class:`~ortviz.losses.MAELoss`, :class:`~ortviz.losses.MapeLoss` and
    :class:`~ortviz.losses.SmapeLoss` to the last bit, rounded to the dtype as theirs are. Nothing
    is recorded by autograd, no random number drawn, neither tensor changed, and no warning given
    when the sizes differ, since the user's own loss gives it. The device is waited for once, or a
    few times more when something is masked.

    Args:
        input: Predictions; float16, bfloat16, float32 or float64, any shape and layout.
        target: True values; such a dtype too, and a shape that broadcasts with ``input``'s.

    Raises:
        LossInputError: If the two do not fit each other, have no elements, or are not floats.
    """
    check_pair(input, target, "three_losses")
    error = target - input
    percentage = error / target
    error.abs_()
    symmetric = error / (torch.abs(target) + torch.abs(input))
    means = torch.stack([error.mean(), percentage.abs().mean(), symmetric.mean()])
    mae, mape, smape = means.tolist()
    mape, mape_mask = _masked(percentage, mape)
    smape, smape_mask = _masked(symmetric, smape)
    return ThreeLosses(mae, mape, smape, mape_mask, smape_mask)


@torch.no_grad()
def mask_codes(input: Tensor, target: Tensor, loss: RatioName) -> Tensor:  # noqa: A002
    """Say for every element what MAPE or sMAPE does to it.

    Args:
        input: Predictions, as for :func:`three_losses`.
        target: True values, as for :func:`three_losses`.
        loss: ``"mape"`` or ``"smape"``.

    Returns:
        int8 tensor in the broadcast shape, of :class:`~ortviz.losses.MaskCode`.

    Raises:
        LossInputError: As :func:`three_losses` does.
        UnknownNameError: If ``loss`` is neither of the two.
    """
    check_masking_loss(loss)
    check_pair(input, target, "mask_codes")
    if loss == "mape":
        return codes_of(percentage_ratio(input, target))
    return codes_of(symmetric_ratio(input, target, block_denom_grad=True))


def _masked(ratio: Tensor, mean: float) -> tuple[float, MaskCounts]:
    """Return the loss with masked elements as 0, and the counts, given the plain mean of |ratio|.

    A finite mean has no NaN and no inf among its terms: nothing was masked and it is the loss. A
    mean that is not may also be a sum that overflowed, which counting tells apart.
    """
    if math.isfinite(mean):
        return mean, MaskCounts(0, 0, 0, ratio.numel(), mean)
    loss, counts = count_masked(ratio)
    return float(loss), counts
