"""Statistics of one tensor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorStats:
    """What is kept of a tensor when the tensor itself is not.

    ``minimum``, ``maximum``, ``mean``, ``std`` (population, ddof 0) and ``l2_norm`` are taken
    over the finite elements only, in float64, and are None when there is none. Booleans count
    as 0 and 1.

    Attributes:
        shape: Sizes of the axes; ``()`` for a 0-d tensor.
        dtype: PyTorch's name without ``torch.``, for example ``float32``.
        element_count: Product of ``shape``.
        zero_count: Elements equal to 0.
        nan_count: Elements that are NaN.
        posinf_count: Elements that are +inf.
        neginf_count: Elements that are −inf.
        first_nonfinite_index: Index along ``shape`` of the first NaN or ±inf in row-major
            order; None when all are finite.
        first_nan_index: Likewise of the first NaN; None when there is none, and in runs recorded
            before this was.
        first_posinf_index: Likewise of the first +inf.
        first_neginf_index: Likewise of the first −inf.
    """

    shape: tuple[int, ...]
    dtype: str
    element_count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    l2_norm: float | None
    zero_count: int
    nan_count: int
    posinf_count: int
    neginf_count: int
    first_nonfinite_index: tuple[int, ...] | None
    first_nan_index: tuple[int, ...] | None = None
    first_posinf_index: tuple[int, ...] | None = None
    first_neginf_index: tuple[int, ...] | None = None

    @property
    def nonfinite_count(self) -> int:
        """NaN, +inf and −inf elements together."""
        return self.nan_count + self.posinf_count + self.neginf_count
