"""How large an error may be at one site of one step, and what allows it.

Four things allow an error, and the largest of them counts:

* the relative tolerance (of the dtype's table, or the user's for this site) times the largest
  |reference|,
* for gradients, ``zero_gradient`` times the size of the terms they are sums of,
* the absolute tolerance,
* :data:`FLOORS_ALLOWED` times the noise floor, where it was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ortviz.compare.floors import Floor
from ortviz.compare.tolerances import Tolerance

FLOORS_ALLOWED = 8.0
"""How many noise floors an error may be.

One side's rounding is the floor and the other side's is of the same size, so one to two floors are
what honest runs give. Measured over 1,950 tensors of honest steps (transformer, CNN, LSTM, MLP with
and without BatchNorm, 24 tanh layers, differences of large numbers; first and sixth step; float32
against float64): |ORT − eager| is 1.1 floors at the median, 2.0 at the 90th percentile and 7.2 at
the 99th. The 14 tensors above 8 are gradients of biases, sums over many rows that eager adds up
better than ORT does; they are off by 2e-6 at most, fifty times less than the table allows. Where
the floor itself lies above the table, the largest ratio of 62 tensors was 1.8.
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an error may be.

    Attributes:
        error: Largest |candidate − reference| that is rounding, in the tensor's own unit.
        relative: The same divided by the largest |reference|; infinite where that is 0.
        reason: What set it, a phrase for a person.
        plain_error: What the relative tolerance alone would allow, in the tensor's own unit.
        beyond: One sentence on why more than that is allowed; else empty.
    """

    error: float
    relative: float
    reason: str
    plain_error: float
    beyond: str = ""


def allowance(
    tolerance: Tolerance,
    source: str,
    scale: float,
    terms: float = 0.0,
    noise_floor: Floor | None = None,
) -> Allowance:
    """Weigh what allows an error at a site.

    Args:
        tolerance: The table's or the user's.
        source: Where that comes from, a phrase for a person.
        scale: Largest |reference| of the tensor.
        terms: Size of the terms a gradient is a sum of; 0 for what is no gradient.
        noise_floor: Largest honest error seen here; None where it was not measured.
    """
    plain = tolerance.relative * scale
    best = Allowance(plain, tolerance.relative, source, plain)
    floor = noise_floor.error if noise_floor else 0.0
    if tolerance.absolute > best.error:
        best = Allowance(tolerance.absolute, _ratio(tolerance.absolute, scale), source, plain)
    if tolerance.zero_gradient * terms > best.error:
        error = tolerance.zero_gradient * terms
        reason = f"{source}, beside the terms of size {terms:.3g} that it sums"
        beyond = (
            f"Too small to say more: next to the gradients it is made of, of size {terms:.3g}, it "
            "is zero within rounding on both sides."
        )
        best = Allowance(error, _ratio(error, scale), reason, plain, beyond)
    if FLOORS_ALLOWED * floor > best.error:
        error = FLOORS_ALLOWED * floor
        reason = f"{FLOORS_ALLOWED:g} times its noise floor of {floor:.3g}"
        beyond = (
            f"ORT is not steady here: two runs on the same inputs lie up to {floor:.3g} apart, "
            f"more than {source} expects."
            if noise_floor and noise_floor.unsteady
            else f"Ill-conditioned here: eager PyTorch itself is off by up to {floor:.3g} from "
            f"float64, more than {source} expects."
        )
        best = Allowance(error, _ratio(error, scale), reason, plain, beyond)
    return best


def _ratio(error: float, scale: float) -> float:
    return error / scale if scale > 0.0 else math.inf
