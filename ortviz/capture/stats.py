"""A tensor -> its statistics, reduced on the device it lives on, and its values on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ortviz.record import TensorStats

if TYPE_CHECKING:
    import numpy as np

_AS_FLOAT32 = {torch.bfloat16}


def dtype_name(dtype: torch.dtype) -> str:
    """``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


def tensor_stats(tensor: torch.Tensor) -> TensorStats:
    """Reduce a tensor of any dtype and shape, empty and 0-d included.

    Means, deviations and norms are accumulated in float64, over the finite elements only.
    Complex tensors are described by their magnitudes.

    Args:
        tensor: Any shape; not changed.
    """
    values = tensor.detach()
    if values.layout is not torch.strided:
        values = values.to_dense()
    if values.is_complex():
        values = values.abs()
    count = values.numel()
    nan = posinf = neginf = 0
    first: tuple[int, ...] | None = None
    finite = values
    if count and values.is_floating_point():
        is_finite = torch.isfinite(values)
        if not bool(is_finite.all()):
            nan = int(torch.isnan(values).sum())
            posinf = int(torch.isposinf(values).sum())
            neginf = int(torch.isneginf(values).sum())
            first = _first_index(~is_finite)
            finite = values[is_finite]
    minimum, maximum, mean, std, norm = _moments(finite)
    return TensorStats(
        shape=tuple(tensor.shape),
        dtype=dtype_name(tensor.dtype),
        element_count=count,
        minimum=minimum,
        maximum=maximum,
        mean=mean,
        std=std,
        l2_norm=norm,
        zero_count=count - int(torch.count_nonzero(values)) if count else 0,
        nan_count=nan,
        posinf_count=posinf,
        neginf_count=neginf,
        first_nonfinite_index=first,
    )


def host_values(tensor: torch.Tensor) -> np.ndarray:
    """The elements as a numpy array; bfloat16 (unknown to numpy) is widened to float32.

    Shares memory with a CPU tensor: copy first what its owner may change.
    """
    values = tensor.detach()
    if values.layout is not torch.strided:
        values = values.to_dense()
    if values.dtype in _AS_FLOAT32 or "float8" in str(values.dtype):
        values = values.float()
    array: np.ndarray = values.cpu().numpy()
    return array


def _moments(
    finite: torch.Tensor,
) -> tuple[float | None, float | None, float | None, float | None, float | None]:
    """Minimum, maximum, mean, population deviation and L2 norm; None where nothing is finite."""
    if finite.numel() == 0:
        return None, None, None, None, None
    wide = finite.double()
    low, high = torch.aminmax(wide)
    deviation, mean = torch.std_mean(wide, correction=0)
    norm = torch.linalg.vector_norm(wide)
    # One transfer for all five: on an accelerator each .item() would wait for the device.
    numbers = torch.stack([low, high, mean, deviation, norm]).tolist()
    return numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]


def _first_index(mask: torch.Tensor) -> tuple[int, ...]:
    flat = int(mask.reshape(-1).to(torch.uint8).argmax())
    index = []
    for size in reversed(mask.shape):
        index.append(flat % size)
        flat //= size
    return tuple(reversed(index))
