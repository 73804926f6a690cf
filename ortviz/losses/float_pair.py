"""Two arrays in the dtype torch would give their difference, and torch's arithmetic on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ortviz.errors import LossInputError

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""float16, float32 or float64."""

_FLOAT_DTYPES = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


@dataclass(frozen=True, slots=True)
class FloatPair:
    """Predictions and true values, ready for the formulas of the three losses.

    Attributes:
        prediction: Predictions, in the dtype of ``target``.
        target: True values; its shape broadcasts with that of ``prediction``.
        bfloat16: Both are float32 and hold bfloat16 numbers; every result is rounded to such.
    """

    prediction: Floats
    target: Floats
    bfloat16: bool

    @classmethod
    def of(
        cls,
        prediction: npt.NDArray[Any],
        target: npt.NDArray[Any],
        bfloat16: bool,
        where: str,
    ) -> FloatPair:
        """Check a pair and bring it to one dtype.

        Args:
            prediction: Predictions.
            target: True values.
            bfloat16: Whether both hold bfloat16 numbers in float32.
            where: What an error's sentence starts with.

        Raises:
            LossInputError: If the two have no loss.
        """
        _check(prediction, target, bfloat16, where)
        dtype = _promoted(prediction, target)
        with np.errstate(all="ignore"):
            return cls(
                prediction.astype(dtype, copy=False), target.astype(dtype, copy=False), bfloat16
            )

    def absolute_error(self) -> Floats:
        """Return ``|target - prediction|``, broadcast."""
        return np.abs(self.rounded(self.target - self.prediction))

    def percentage_ratio(self) -> Floats:
        """Return ``(target - prediction) / target``, broadcast, before masking."""
        return self.rounded(self.rounded(self.target - self.prediction) / self.target)

    def symmetric_ratio(self) -> Floats:
        """Return ``|target - prediction| / (|target| + |prediction|)``, before masking."""
        return self.rounded(self.absolute_error() / self.symmetric_denominator())

    def symmetric_denominator(self) -> Floats:
        """Return ``|target| + |prediction|``, broadcast."""
        return self.rounded(np.abs(self.target) + np.abs(self.prediction))

    def mean(self, values: Floats) -> float:
        """Return the mean in this pair's dtype, summed in float32 if that is narrower."""
        wide = np.promote_types(values.dtype, np.float32)
        mean = np.asarray(values.sum(dtype=wide) / wide.type(values.size))
        return float(self.rounded(mean.astype(values.dtype)))

    def rounded(self, values: Floats) -> Floats:
        """Round the result of one operation to this pair's dtype, if NumPy has not done so."""
        # Operations on 0-d arrays give scalars, which have no bits to round.
        array = np.asarray(values)
        return round_to_bfloat16(array) if self.bfloat16 else array


def round_to_bfloat16(values: Floats) -> Floats:
    """Round float32 to the nearest bfloat16, ties to even, and return it as float32.

    Args:
        values: float32, any shape. NaN stays NaN, and what is too large becomes inf.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    nearest = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(
        0xFFFF0000
    )
    rounded = nearest.view(np.float32).reshape(values.shape)
    result: Floats = np.where(np.isnan(values), np.float32(np.nan), rounded)
    return result


def _promoted(prediction: npt.NDArray[Any], target: npt.NDArray[Any]) -> np.dtype[Any]:
    # torch lets a 0-d tensor of the same kind of number not widen one with dimensions.
    if prediction.ndim == 0 and target.ndim > 0:
        return target.dtype
    if target.ndim == 0 and prediction.ndim > 0:
        return prediction.dtype
    return np.promote_types(prediction.dtype, target.dtype)


def _check(
    prediction: npt.NDArray[Any], target: npt.NDArray[Any], bfloat16: bool, where: str
) -> None:
    # Called at every training step: words are made only when there is something to say.
    for array in (prediction, target):
        if array.dtype not in _FLOAT_DTYPES:
            raise LossInputError(
                f"{where} is a mean of real numbers, but got {_both(prediction, target)}.",
                "Convert to float32, float64 or float16 first.",
            )
        if bfloat16 and array.dtype != np.float32:
            raise LossInputError(
                f"{where} with bfloat16=True takes bfloat16 numbers held as float32, "
                f"but got {_both(prediction, target)}.",
                "Leave bfloat16 out, or convert with tensor.float().numpy().",
            )
    try:
        shape = np.broadcast_shapes(prediction.shape, target.shape)
    except ValueError as error:
        raise LossInputError(
            f"{where} got shapes that do not broadcast: {_both(prediction, target)}.",
            "Give target the shape of input.",
        ) from error
    if 0 in shape:
        raise LossInputError(
            f"{where} got no elements: {_both(prediction, target)}.",
            "The mean over nothing is not a number; skip the empty batch.",
        )


def _both(prediction: npt.NDArray[Any], target: npt.NDArray[Any]) -> str:
    return f"input {prediction.dtype} {prediction.shape}, target {target.dtype} {target.shape}"
