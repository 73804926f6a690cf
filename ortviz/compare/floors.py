"""The largest honest error seen at each site: what no choice of tolerance can be below.

Two measurements say how far honest runs of the same step lie apart: ONNX Runtime run twice on the
same inputs, and eager PyTorch in the model's dtype against eager PyTorch in float64. The second is
the error that rounding makes on one side; ONNX Runtime's is of the same kind, so the two sides may
differ by a small multiple of it (:data:`ortviz.compare.allowance.FLOORS_ALLOWED`).

A floor is measured in a few steps and used in all later ones. Gradients shrink by orders of
magnitude while a model learns, so the error itself must not be carried over, or it would hide
everything in the end; and a gradient that is nothing but rounding in one step has an error as large
as itself, so the error divided by the tensor's size must not be carried over alone either. The
floor of a later step is therefore the smaller one of the largest error seen and the largest
relative error seen times the size of the tensor in that step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ortviz.compare.blocks import largest_difference
from ortviz.record import StepCapture


@dataclass(frozen=True, slots=True)
class Floor:
    """The noise floor of a site in one step.

    Attributes:
        error: In the tensor's own unit.
        unsteady: Whether it is two runs of ORT that lie so far apart.
    """

    error: float
    unsteady: bool = False


@dataclass(slots=True)
class _Largest:
    error: float = 0.0
    relative: float | None = None
    unsteady: bool = False

    def take(self, floor: Floor, scale: float) -> None:
        if floor.error > self.error:
            self.error, self.unsteady = floor.error, floor.unsteady
        if scale > 0.0:
            self.relative = max(self.relative or 0.0, floor.error / scale)


class NoiseFloors:
    """The floors of one run. Grows with the number of sites, not of steps.

    Args:
        known: Floors by site id that were found before.
    """

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._largest = {site_id: _Largest(floor) for site_id, floor in (known or {}).items()}

    def take(
        self,
        site_id: str,
        capture: StepCapture,
        reference: NDArray[Any],
        candidate: NDArray[Any],
        scale: float,
    ) -> Floor | None:
        """Take in what a step says of a site, and give the floor there in this step.

        Args:
            site_id: The site.
            capture: The step; most are not looked into deeply and say nothing.
            reference: Eager's values, any shape.
            candidate: ORT's, the same shape.
            scale: Largest |reference|.

        Returns:
            None where it was never measured.
        """
        known = self._largest.get(site_id)
        if capture.repeat_values or capture.wide_values:
            measured = _measured(site_id, capture, reference, candidate)
            if measured is not None:
                known = self._largest.setdefault(site_id, _Largest())
                known.take(measured, scale)
        if known is None:
            return None
        if known.relative is None or scale == 0.0:
            return Floor(known.error, known.unsteady)
        return Floor(min(known.error, known.relative * scale), known.unsteady)


def _measured(
    site_id: str, capture: StepCapture, reference: NDArray[Any], candidate: NDArray[Any]
) -> Floor | None:
    pairs = (
        (candidate, capture.repeat_values.get(site_id), True),
        (reference, capture.wide_values.get(site_id), False),
    )
    floors = [
        Floor(error, unsteady)
        for values, again, unsteady in pairs
        if again is not None
        and again.shape == values.shape
        and (error := largest_difference(values, again)) is not None
    ]
    return max(floors, key=lambda floor: floor.error, default=None)
