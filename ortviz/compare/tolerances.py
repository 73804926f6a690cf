"""How far two tensors may differ and still be the same result, rounded differently.

An error is measured against the largest |reference| of the tensor, not element by element: the
rounding of a sum is of the size of its largest terms, so an element that happens to lie near zero
carries the same absolute error as its neighbours.

==========  ========  ================================================================
dtype       relative  why
==========  ========  ================================================================
float64     1e-9      far above its rounding (2e-16 a step), far below what float32 gives,
                      so a silent cast shows
float32     1e-4      840 times its eps (1.2e-7): sums of 10³ to 10⁵ terms in another order,
                      fused kernels and other exp/tanh/erf stay below; honest steps lie at
                      1e-7 to 2e-5
float16     5e-3      5 times its eps (9.8e-4); ORT keeps fused results in float32
bfloat16    4e-2      5 times its eps (7.8e-3), likewise
int, bool   exact     nothing is rounded
==========  ========  ================================================================

Gradients may also be zero in exact arithmetic: of a bias before BatchNorm, of the key bias before
a softmax, of every parameter once a regression has converged. What is left of them is rounding of
much larger terms, and its relative error says nothing. Gradients are therefore also allowed
``zero_gradient`` times the size of those terms (:mod:`ortviz.compare.scales`), which is at least
the largest |reference| of their direction in the step: 32 eps in float32. Measured
for CNN, MLP with BatchNorm and attention, float32 against float64: such gradients are off by up to
5 eps of that largest one on one side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What counts as rounding.

    Attributes:
        relative: Largest error allowed, divided by the tensor's largest |reference|.
        zero_gradient: For gradients: an error up to this, divided by the size of the terms they
            are sums of (:mod:`ortviz.compare.scales`), is allowed too.
        absolute: An error up to this, in the tensor's own unit, is allowed too. In the table the
            smallest normal number of the dtype: kernels may flush what is smaller to 0.
    """

    relative: float
    zero_gradient: float = 0.0
    absolute: float = 0.0


EXACT = Tolerance(0.0)
"""For integers and booleans."""

_FLOAT_TOLERANCES = MappingProxyType(
    {
        "float64": Tolerance(1e-9, 32 * 2.0**-52, 2.0**-1022),
        "float32": Tolerance(1e-4, 32 * 2.0**-23, 2.0**-126),
        "float16": Tolerance(5e-3, 2 * 2.0**-10, 2.0**-14),
        "bfloat16": Tolerance(4e-2, 2 * 2.0**-7, 2.0**-126),
    }
)


@dataclass(frozen=True, slots=True)
class ToleranceTable:
    """A tolerance for each dtype.

    Attributes:
        by_dtype: By PyTorch's name of the dtype without ``torch.``. Names that are not in it
            are exact.
    """

    by_dtype: Mapping[str, Tolerance] = field(default_factory=lambda: _FLOAT_TOLERANCES)

    def __getitem__(self, dtype: str) -> Tolerance:
        """The tolerance of a dtype."""
        return self.by_dtype.get(dtype, EXACT)

    def name(self, dtype: str) -> str:
        """What sets the tolerance of a dtype, a phrase for a person."""
        if self[dtype].relative == 0.0:
            return f"{dtype} is never rounded"
        return f"rounding of {dtype}"

    def looser(self, one: str, other: str) -> str:
        """Of two dtypes the one with the larger relative tolerance."""
        return one if self[one].relative >= self[other].relative else other


DEFAULT = ToleranceTable()
"""The table above."""
