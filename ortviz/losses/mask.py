"""Which elements of a loss were set to 0, read from the ratio before that happened."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ortviz.losses.ratios import zero_masked_
from ortviz.losses.values import MaskCode, MaskCounts


@dataclass(frozen=True, slots=True, eq=False)
class LossMask(MaskCounts):
    """What a loss masked, and where. Compared by identity, since it holds a tensor.

    Attributes:
        codes: int8, in the shape ``input`` and ``target`` broadcast to and on their device;
            values are :class:`~ortviz.losses.values.MaskCode` (0 kept, 1 NaN, 2 +inf, 3 -inf).
    """

    codes: Tensor

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def masked(self) -> Tensor:
        """Bool, same shape as ``codes``: True where an element counts as 0."""
        return self.codes != MaskCode.KEPT

    @property
    def counts(self) -> MaskCounts:
        """The numbers without the tensor, to be kept or stored."""
        return MaskCounts(
            nan_count=self.nan_count,
            pos_inf_count=self.pos_inf_count,
            neg_inf_count=self.neg_inf_count,
            element_count=self.element_count,
            effective_loss=self.effective_loss,
        )


def codes_of(ratio: Tensor) -> Tensor:
    """Code every element of a ratio by what masking does to it.

    Args:
        ratio: Any floating dtype, any shape; the quotient before masking.

    Returns:
        int8 tensor of the same shape, of :class:`~ortviz.losses.values.MaskCode`.
    """
    codes = (ratio != ratio).to(torch.int8) * MaskCode.NAN
    codes += (ratio == math.inf).to(torch.int8) * MaskCode.POS_INF
    codes += (ratio == -math.inf).to(torch.int8) * MaskCode.NEG_INF
    return codes


@torch.no_grad()
def count_masked(ratio: Tensor) -> tuple[Tensor, MaskCounts]:
    """Compute a masked loss and what it masked. Waits twice for the device the ratio lies on.

    Args:
        ratio: The loss's elements before masking, any sign, at least one. Overwritten.

    Returns:
        The loss, 0-d in the dtype of ``ratio``, and the counts.
    """
    nan_count, pos_inf_count, neg_inf_count = torch.stack(
        [
            torch.count_nonzero(ratio != ratio),
            torch.count_nonzero(ratio == math.inf),
            torch.count_nonzero(ratio == -math.inf),
        ]
    ).tolist()
    elements = zero_masked_(ratio).abs_()
    loss = elements.mean()
    kept_count = ratio.numel() - nan_count - pos_inf_count - neg_inf_count
    if kept_count == ratio.numel():
        effective_loss = float(loss)
    elif kept_count:
        effective_loss = float(elements.sum(dtype=torch.float64)) / kept_count
    else:
        effective_loss = math.nan
    counts = MaskCounts(nan_count, pos_inf_count, neg_inf_count, ratio.numel(), effective_loss)
    return loss, counts


@torch.no_grad()
def read_mask(ratio: Tensor, *, masks: bool) -> LossMask:
    """Describe what masking does to a ratio. Waits for the device the ratio lies on.

    Args:
        ratio: The loss's elements before masking, any sign, at least one.
        masks: False for a loss that masks nothing (MAE); every element is then kept and the
            effective loss is the plain mean, NaN and inf included.

    Returns:
        Counts, effective loss and codes.
    """
    if masks:
        codes = codes_of(ratio)
        counts = count_masked(ratio.clone())[1]
    else:
        codes = torch.zeros_like(ratio, dtype=torch.int8)
        counts = MaskCounts(0, 0, 0, ratio.numel(), float(ratio.abs().mean()))
    return LossMask(
        nan_count=counts.nan_count,
        pos_inf_count=counts.pos_inf_count,
        neg_inf_count=counts.neg_inf_count,
        element_count=counts.element_count,
        effective_loss=counts.effective_loss,
        codes=codes,
    )
