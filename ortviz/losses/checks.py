"""What a pair of tensors must be before a loss of it means anything."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from ortviz.errors import LossInputError

_FLOAT_DTYPES = frozenset({torch.float16, torch.bfloat16, torch.float32, torch.float64})


def check_pair(prediction: Tensor, target: Tensor, where: str) -> None:
    """Refuse a pair that no loss of this package has a meaning for.

    Refused, each in its own words: what is no tensor; a dtype other than float16, bfloat16,
    float32 and float64; shapes that do not broadcast; no elements (torch's mean is NaN then);
    different devices, except that torch allows a 0-d CPU tensor beside any device.

    Args:
        prediction: Predictions.
        target: True values.
        where: What the sentence starts with, e.g. ``"MapeLoss"``.

    Raises:
        LossInputError: If the pair is refused.
    """
    if not (isinstance(prediction, Tensor) and isinstance(target, Tensor)):
        raise LossInputError(
            f"{where} got {type(prediction).__name__} as input and {type(target).__name__} "
            "as target.",
            "Pass two torch tensors.",
        )
    if prediction.dtype not in _FLOAT_DTYPES or target.dtype not in _FLOAT_DTYPES:
        _refuse_dtype(prediction, target, where)
    if prediction.shape != target.shape:
        _refuse_shapes(prediction, target, where)
    if prediction.numel() == 0 or target.numel() == 0:
        raise LossInputError(
            f"{where} got no elements: {_both(prediction, target)}.",
            "The mean over nothing is not a number; skip the empty batch.",
        )
    scalar = _is_cpu_scalar(prediction) or _is_cpu_scalar(target)
    if prediction.device != target.device and not scalar:
        raise LossInputError(
            f"{where} got tensors on two devices: input on {prediction.device}, "
            f"target on {target.device}.",
            "Move one of them: target.to(input.device).",
        )


def warn_if_sizes_differ(prediction: Tensor, target: Tensor, stacklevel: int) -> None:
    """Warn as :class:`torch.nn.L1Loss` does when target and input differ in size.

    The sentence begins as torch's own, so that a filter written for L1Loss holds here too.

    Args:
        prediction: Predictions.
        target: True values; must broadcast with the predictions.
        stacklevel: As in :func:`warnings.warn`, counted from the caller of this function.
    """
    if prediction.shape == target.shape:
        return
    shape = np.broadcast_shapes(prediction.shape, target.shape)
    warnings.warn(
        f"Using a target size ({target.size()}) that is different to the input size "
        f"({prediction.size()}): the loss is the mean over the {shape} elements both broadcast to, "
        "which is rarely what was meant. Give both the same size.",
        UserWarning,
        stacklevel=stacklevel + 1,
    )


def _refuse_dtype(prediction: Tensor, target: Tensor, where: str) -> None:
    wrong = "target" if prediction.dtype in _FLOAT_DTYPES else "input"
    raise LossInputError(
        f"{where} is a mean of real numbers, but got {_both(prediction, target)}.",
        f"Convert it: {wrong}.float(). Class numbers need another loss, e.g. CrossEntropyLoss.",
    )


def _refuse_shapes(prediction: Tensor, target: Tensor, where: str) -> None:
    try:
        np.broadcast_shapes(prediction.shape, target.shape)
    except ValueError as error:
        raise LossInputError(
            f"{where} got shapes that do not broadcast: {_both(prediction, target)}.",
            "Give target the shape of input.",
        ) from error


def _is_cpu_scalar(tensor: Tensor) -> bool:
    return tensor.dim() == 0 and tensor.device.type == "cpu"


def _both(prediction: Tensor, target: Tensor) -> str:
    return f"input {_words(prediction)}, target {_words(target)}"


def _words(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
