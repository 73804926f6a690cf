"""``detach`` that also holds inside a graph ORTModule exports."""

from __future__ import annotations

import torch
from torch import Tensor


def stop_gradient(positive: Tensor) -> Tensor:
    """Return the same values, through which no gradient flows, in eager PyTorch and in ORT alike.

    torch's ONNX exporter erases ``detach`` ("ONNX is inference only"), and ORTModule builds its
    gradient graph from what is exported, so there a detached tensor would receive gradient. ONNX
    has no operator for it. What ORT does not differentiate is the exponent of ``Pow``; hence
    during export the values take the way ``2 ** log2(x)`` in float64. For float16, bfloat16 and
    float32 this gives back the very same numbers (its error of about 1e-14 is far below half a
    unit in their last place), for float64 numbers within that error.

    Args:
        positive: No negative elements; 0, subnormal, inf and NaN are fine. Any shape.

    Returns:
        Tensor of the same shape, dtype and device, cut off from its past.
    """
    if not torch.onnx.is_in_onnx_export():
        return positive.detach()
    return torch.pow(2.0, torch.log2(positive.to(torch.float64))).to(positive.dtype)
