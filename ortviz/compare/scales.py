"""How large the terms are that a gradient is a sum of, which decides what is rounding in it.

A parameter's gradient is a sum over the batch (and over positions, for a convolution) of
``dL/dout · x``: the gradient that arrives at the module's output times what entered the module,
and for a bias times 1. Where training has converged these sums are near zero although their terms
are not: the residuals of a regression cancel. All parameter gradients shrink together then, so the
largest of them is no measure of what rounding leaves; the terms are.

Each of n terms ``t`` carries an error of about ``eps · |t|``. Independent ones add up to
``eps · sqrt(Σ t²)``, which is ``eps`` times the L2 norm of the terms. Hence for a parameter::

    scale = max(largest |gradient| in the step, ‖dL/dout of its module‖₂ · largest |x|)

with ``x`` left out for parameters of one axis. Where the gradient of the module's output was not
recorded, the largest in the step is all there is. The tolerance table says how many eps of this
scale are allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

from ortviz.compare.blocks import largest_finite
from ortviz.record import Direction, SiteRecord, StepCapture

_LARGEST_INPUT = 1e3
"""An attention mask of −1e9 among the inputs is no term of a weight's gradient."""


@dataclass(frozen=True, slots=True)
class GradientScales:
    """The scales of one step, all from the eager side.

    Attributes:
        backward: Largest |gradient| of a module's output.
        parameter: Largest |gradient| of a module's output or a parameter.
        arriving: Module to the L2 norm of the gradients of all its outputs over all calls.
        entering: Module to the largest |value| just before it ran, from 1 to 1000.
    """

    backward: float
    parameter: float
    arriving: dict[str, float]
    entering: dict[str, float]

    @classmethod
    def of(cls, capture: StepCapture) -> GradientScales:
        """Measure a step by its statistics, and by its tensors where those hold no extremes."""
        largest = {Direction.BACKWARD: 0.0, Direction.PARAMETER_GRAD: 0.0}
        squares: dict[str, float] = {}
        for seen in capture.record.reference:
            direction = seen.site.direction
            if direction not in largest or seen.stats is None:
                continue
            largest[direction] = max(largest[direction], _largest(seen, capture))
            if direction is Direction.BACKWARD and seen.stats.l2_norm is not None:
                module = seen.site.module
                squares[module] = squares.get(module, 0.0) + seen.stats.l2_norm**2
        return cls(
            largest[Direction.BACKWARD],
            max(largest.values()),
            {module: square**0.5 for module, square in squares.items()},
            _entering(capture),
        )

    def at(self, seen: SiteRecord) -> float:
        """The scale of one gradient; 0 for what is no gradient.

        Args:
            seen: Its record on the eager side.
        """
        site = seen.site
        if site.direction is Direction.BACKWARD:
            return self.backward
        if site.direction is not Direction.PARAMETER_GRAD:
            return 0.0
        terms = self.arriving.get(site.module, 0.0)
        if seen.stats is not None and len(seen.stats.shape) > 1:
            terms *= self.entering.get(site.module, 1.0)
        return max(self.parameter, terms)


def _entering(capture: StepCapture) -> dict[str, float]:
    """In a chain what ran just before a module is what enters it; elsewhere it is near that."""
    before = 1.0
    found: dict[str, float] = {}
    for seen in capture.record.reference:
        direction, stats = seen.site.direction, seen.stats
        if stats is None or not stats.dtype.startswith(("float", "bfloat")):
            continue
        if direction is Direction.INPUT:
            before = max(before, min(_largest(seen, capture), _LARGEST_INPUT))
    forward = [s for s in capture.record.reference if s.site.direction is Direction.FORWARD]
    for seen in sorted(forward, key=lambda one: one.order):
        module = seen.site.module
        found[module] = max(found.get(module, 1.0), before)
        if seen.stats is not None and seen.stats.dtype.startswith(("float", "bfloat")):
            before = min(max(_largest(seen, capture), 1.0), _LARGEST_INPUT)
    return found


def _largest(seen: SiteRecord, capture: StepCapture) -> float:
    stats = seen.stats
    if stats is not None and stats.minimum is not None and stats.maximum is not None:
        return max(abs(stats.minimum), abs(stats.maximum))
    values = capture.reference_values.get(seen.site.id)
    return 0.0 if values is None else largest_finite(values)
