"""Whether looking at ORT's run changed it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TapCheck:
    """The instrumented graph's outputs and parameter gradients against the plain graph's.

    Both ran on the same inputs, weights, dropout masks and output gradients; errors in float64.

    Attributes:
        made: Whether it could be checked.
        reason: Why not, one sentence for a person; else empty.
        tensor_count: Outputs and parameter gradients that were compared.
        different_count: How many of them are not the same bit for bit, or of another dtype; NaN
            equals NaN.
        worst: The one with the largest relative error: a parameter's name, or ``output 0``.
        worst_dtype: Its dtype, PyTorch's name without ``torch.``.
        max_abs_error: Its largest |instrumented − plain|; infinite where only one is finite.
        max_rel_error: That divided by its largest finite |plain|, or by a ten-thousandth of the
            largest of all tensors where that is more.
        rounding_dtype: The coarsest dtype among all tensors that were read: what both graphs do
            in it, they may round differently.
        masks_replayed: Whether both used dropout masks, so that the plain graph drew nothing.
    """

    made: bool
    reason: str = ""
    tensor_count: int = 0
    different_count: int = 0
    worst: str = ""
    worst_dtype: str = ""
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0
    rounding_dtype: str = ""
    masks_replayed: bool = False
