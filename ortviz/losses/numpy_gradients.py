"""Which element of a loss sends NaN or inf back into the model, without torch or autograd."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ortviz.losses.float_pair import FloatPair, Floats
from ortviz.losses.values import RatioName, check_masking_loss


def poisoned_elements_numpy(
    input: npt.NDArray[Any],  # noqa: A002
    target: npt.NDArray[Any],
    loss: RatioName,
    *,
    block_denom_grad: bool = True,
    bfloat16: bool = False,
) -> npt.NDArray[np.bool_]:
    """Say for which elements the gradient of the loss by the prediction is not finite.

    These are the elements ``backward()`` of darts' losses, or of ours without ``safe_grad``,
    starts a NaN or inf from. It follows the chain rule in autograd's order of operations: the
    mean gives every element ``1/n``, masking makes that 0, and the division turns 0 into NaN
    where the denominator is 0 or NaN. MAE has no such elements: its derivative is -1, 0 or 1.

    Args:
        input: Predictions, as for :func:`~ortviz.losses.three_losses_numpy`.
        target: True values, as for :func:`~ortviz.losses.three_losses_numpy`.
        loss: ``"mape"`` or ``"smape"``.
        block_denom_grad: As the sMAPE in question has it; MAPE ignores it.
        bfloat16: As for :func:`~ortviz.losses.three_losses_numpy`.

    Returns:
        Bool array in the broadcast shape.

    Raises:
        LossInputError: As :func:`~ortviz.losses.three_losses_numpy` does.
        UnknownNameError: If ``loss`` is neither of the two.
    """
    check_masking_loss(loss)
    pair = FloatPair.of(input, target, bfloat16, "poisoned_elements_numpy")
    with np.errstate(all="ignore"):
        if loss == "mape":
            ratio = pair.percentage_ratio()
            # The absolute around MAPE's division stops the gradient where the ratio is 0.
            upstream = np.where(ratio == 0, np.zeros((), ratio.dtype), _upstream(pair, ratio))
            return ~np.isfinite(pair.rounded(upstream / pair.target))
        ratio, denominator = pair.symmetric_ratio(), pair.symmetric_denominator()
        upstream = _upstream(pair, ratio)
        poisoned = ~np.isfinite(pair.rounded(upstream / denominator))
        if not block_denom_grad:
            steepness = pair.rounded(ratio / denominator)
            poisoned |= ~np.isfinite(pair.rounded(upstream * steepness))
        return poisoned


def _upstream(pair: FloatPair, ratio: Floats) -> Floats:
    """Return what reaches the division from above: ``1/n``, or 0 where the ratio is masked."""
    share = pair.rounded(np.asarray(1.0 / ratio.size, ratio.dtype))
    return np.where(np.isfinite(ratio), share, np.zeros((), ratio.dtype))
