"""A tensor -> its statistics, reduced on the device it lives on, and its values on the host."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from ortviz.native import CODES, Kernels, kernels, prepare_kernels
from ortviz.record import TensorStats

if TYPE_CHECKING:
    import numpy as np

_AS_FLOAT32 = {torch.bfloat16}
_CODES = {dtype: code for name, code in CODES.items() if (dtype := getattr(torch, name, None))}
_NAMES = {dtype: name for name in CODES if (dtype := getattr(torch, name, None))}


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
    loops, code = _loops(), _CODES.get(tensor.dtype)
    if loops is None or code is None or tensor.device.type != "cpu" or tensor.is_neg():
        return _by_torch(tensor)
    if tensor.layout is not torch.strided:
        return _by_torch(tensor)
    return _by_kernels(loops, code, tensor)


@functools.cache
def _loops() -> Kernels | None:
    """The compiled loops; compiled now, at the first sampled step, if nobody did before."""
    prepare_kernels()
    return kernels()


def _by_kernels(loops: Kernels, code: int, tensor: torch.Tensor) -> TensorStats:
    """In one pass; see :mod:`ortviz.native`."""
    in_order = tensor.is_contiguous()
    dense = tensor if in_order else _dense(tensor)
    count = dense.numel()
    found = loops.describe(dense.data_ptr(), count, code)
    first = found.first_nonfinite
    if first >= 0 and not in_order:
        # Another order of the elements gives the same numbers, but another first one.
        dense = tensor.detach().contiguous()
        first = loops.describe(dense.data_ptr(), count, code).first_nonfinite
    shape, name = tuple(tensor.shape), _NAMES[tensor.dtype]
    if first < 0 < count:
        # Nearly every tensor, and a step has hundreds.
        return TensorStats(
            shape, name, count, found.minimum, found.maximum, found.mean, found.std,
            found.l2_norm, found.zero_count, 0, 0, 0, None,
        )  # fmt: skip
    some = count > found.nan_count + found.posinf_count + found.neginf_count
    firsts = _firsts(dense, (found.nan_count, found.posinf_count, found.neginf_count), first)
    return TensorStats(
        shape,
        name,
        count,
        found.minimum if some else None,
        found.maximum if some else None,
        found.mean if some else None,
        found.std if some else None,
        found.l2_norm if some else None,
        found.zero_count,
        found.nan_count,
        found.posinf_count,
        found.neginf_count,
        _unravel(first, shape) if first >= 0 else None,
        *(None if each is None else _unravel(each, shape) for each in firsts),
    )


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    """The same elements one after the other; without a copy where a permutation does it."""
    axes = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
    return tensor.detach().permute(axes).contiguous()


def _by_torch(tensor: torch.Tensor) -> TensorStats:
    """On the device the tensor lives on."""
    values = tensor.detach()
    if values.layout is not torch.strided:
        values = values.to_dense()
    if values.is_complex():
        values = values.abs()
    if values.is_floating_point() and values.element_size() == 1:
        # Hardly an operation knows float8.
        values = values.float()
    count = values.numel()
    nan = posinf = neginf = 0
    first = -1
    moments = _moments(values)
    if not moments.finite:
        is_finite = torch.isfinite(values)
        nan = int(torch.isnan(values).sum())
        posinf = int(torch.isposinf(values).sum())
        neginf = int(torch.isneginf(values).sum())
        first = _first(~is_finite) if nan or posinf or neginf else -1
        moments = _moments(values[is_finite])
    shape = tuple(tensor.shape)
    firsts = _firsts(values, (nan, posinf, neginf), first)
    nan_at, posinf_at, neginf_at = (None if f is None else _unravel(f, shape) for f in firsts)
    return TensorStats(
        shape=shape,
        dtype=dtype_name(tensor.dtype),
        element_count=count,
        minimum=moments.minimum,
        maximum=moments.maximum,
        mean=moments.mean,
        std=moments.std,
        l2_norm=moments.l2_norm,
        zero_count=count - moments.nonzero_count - nan - posinf - neginf,
        nan_count=nan,
        posinf_count=posinf,
        neginf_count=neginf,
        first_nonfinite_index=_unravel(first, shape) if first >= 0 else None,
        first_nan_index=nan_at,
        first_posinf_index=posinf_at,
        first_neginf_index=neginf_at,
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


def host_copy(tensor: torch.Tensor) -> np.ndarray:
    """The same, sharing memory with nothing."""
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        return host_values(tensor.clone())
    values = host_values(tensor)
    # Widened values are a copy already.
    return values if tensor.dtype in _AS_FLOAT32 else values.copy()


class _Moments(NamedTuple):
    """None where there is no element."""

    finite: bool
    nonzero_count: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    std: float | None = None
    l2_norm: float | None = None


def _moments(values: torch.Tensor) -> _Moments:
    """Reduce in float64. The deviation is the norm of what is left without the mean.

    ``torch.std_mean`` gives the same to rounding and takes several times as long.
    """
    if values.numel() == 0:
        return _Moments(finite=True, nonzero_count=0)
    wide = values.double()
    low, high = torch.aminmax(wide)
    mean = wide.mean()
    norm = torch.linalg.vector_norm(wide)
    spread = torch.linalg.vector_norm(wide - mean)
    nonzero = torch.count_nonzero(wide)
    # One transfer for all: on an accelerator each .item() would wait for the device.
    numbers = torch.stack([low, high, mean, spread, norm, nonzero.double()]).tolist()
    return _Moments(
        # A NaN or an infinity anywhere is one in the norm.
        finite=math.isfinite(numbers[4]),
        nonzero_count=int(numbers[5]),
        minimum=numbers[0],
        maximum=numbers[1],
        mean=numbers[2],
        std=numbers[3] / math.sqrt(values.numel()),
        l2_norm=numbers[4],
    )


_KINDS = (torch.isnan, torch.isposinf, torch.isneginf)


def _firsts(values: torch.Tensor, counts: tuple[int, int, int], first: int) -> list[int | None]:
    """Positions, in row-major order, of the first NaN, +inf and −inf; None where there is none.

    Args:
        values: The tensor, in row-major order unless all is finite.
        counts: NaN, +inf and −inf elements.
        first: Position of the first of any kind.
    """
    if sum(count > 0 for count in counts) <= 1:
        # The usual case, for which nothing has to be looked at again.
        return [first if count else None for count in counts]
    return [
        _first(is_kind(values)) if count else None
        for is_kind, count in zip(_KINDS, counts, strict=True)
    ]


def _first(mask: torch.Tensor) -> int:
    return int(mask.reshape(-1).to(torch.uint8).argmax())


def _unravel(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of a position in row-major order."""
    index = []
    for size in reversed(shape):
        index.append(flat % size)
        flat //= size
    return tuple(reversed(index))
