"""All three losses of one pair of arrays, without torch, for work off the training thread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ortviz.losses.float_pair import FloatPair, Floats
from ortviz.losses.values import (
    MaskCode,
    MaskCounts,
    RatioName,
    ThreeLosses,
    check_masking_loss,
)


def three_losses_numpy(
    input: npt.NDArray[Any],  # noqa: A002
    target: npt.NDArray[Any],
    *,
    bfloat16: bool = False,
) -> ThreeLosses:
    """Compute MAE, MAPE and sMAPE, and what the latter two masked, from NumPy arrays.

    Every element is the one torch computes, rounded after each operation in the dtype torch
    would promote to, so that the same elements are masked. Only the sums differ from torch's, by
    the order in which they are taken.

    Args:
        input: Predictions; float16, float32 or float64, any shape.
        target: True values; such a dtype too, and a shape that broadcasts with ``input``'s.
        bfloat16: Both arrays are float32 but hold the values of bfloat16 tensors: round as
            torch does for bfloat16.

    Raises:
        LossInputError: If shapes do not broadcast, there are no elements, a dtype is none of the
            three, or ``bfloat16`` is asked for and an array is not float32.
    """
    pair = FloatPair.of(input, target, bfloat16, "three_losses_numpy")
    with np.errstate(all="ignore"):
        error = pair.absolute_error()
        percentage = pair.percentage_ratio()
        symmetric = pair.symmetric_ratio()
        mape, mape_mask = _masked(percentage, pair)
        smape, smape_mask = _masked(symmetric, pair)
        return ThreeLosses(pair.mean(error), mape, smape, mape_mask, smape_mask)


def mask_codes_numpy(
    input: npt.NDArray[Any],  # noqa: A002
    target: npt.NDArray[Any],
    loss: RatioName,
    *,
    bfloat16: bool = False,
) -> npt.NDArray[np.int8]:
    """Say for every element what MAPE or sMAPE does to it.

    Args:
        input: Predictions, as for :func:`three_losses_numpy`.
        target: True values, as for :func:`three_losses_numpy`.
        loss: ``"mape"`` or ``"smape"``.
        bfloat16: As for :func:`three_losses_numpy`.

    Returns:
        int8 array in the broadcast shape, of :class:`~ortviz.losses.MaskCode`.

    Raises:
        LossInputError: As :func:`three_losses_numpy` does.
        UnknownNameError: If ``loss`` is neither of the two.
    """
    check_masking_loss(loss)
    pair = FloatPair.of(input, target, bfloat16, "mask_codes_numpy")
    with np.errstate(all="ignore"):
        ratio = pair.percentage_ratio() if loss == "mape" else pair.symmetric_ratio()
    codes = np.zeros(ratio.shape, np.int8)
    codes[np.isnan(ratio)] = MaskCode.NAN
    codes[np.isposinf(ratio)] = MaskCode.POS_INF
    codes[np.isneginf(ratio)] = MaskCode.NEG_INF
    return codes


def _masked(ratio: Floats, pair: FloatPair) -> tuple[float, MaskCounts]:
    """Return the loss with masked elements as 0, and what was masked."""
    mean = pair.mean(np.abs(ratio))
    if math.isfinite(mean):
        return mean, MaskCounts(0, 0, 0, ratio.size, mean)
    kept = np.isfinite(ratio)
    values = np.abs(np.where(kept, ratio, np.zeros((), ratio.dtype)))
    loss = pair.mean(values)
    kept_count = int(np.count_nonzero(kept))
    counts = MaskCounts(
        nan_count=int(np.count_nonzero(np.isnan(ratio))),
        pos_inf_count=int(np.count_nonzero(np.isposinf(ratio))),
        neg_inf_count=int(np.count_nonzero(np.isneginf(ratio))),
        element_count=ratio.size,
        effective_loss=_effective_loss(values, loss, kept_count),
    )
    return loss, counts


def _effective_loss(values: Floats, loss: float, kept_count: int) -> float:
    if kept_count == values.size:
        return loss
    return float(values.sum(dtype=np.float64)) / kept_count if kept_count else math.nan
