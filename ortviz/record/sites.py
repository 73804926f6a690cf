"""Where a tensor is seen: the address shared by Python, the run file, the wire and TypeScript."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ortviz.errors import UnknownNameError
from ortviz.record._enum import StrEnum

_SITE_ID = re.compile(
    r"^(?P<direction>[a-z_]+)/(?P<module>[^#]*?)(?:@(?P<call>\d+))?#(?P<slot>[^#]+)$"
)
_OUTPUT = re.compile(r"^out\d+$")


class Direction(StrEnum):
    """Which of the flows through a model a tensor belongs to."""

    INPUT = "input"
    """What the user passed to the model."""
    FORWARD = "forward"
    """An output of a module."""
    BACKWARD = "backward"
    """The gradient of the loss with respect to an output of a module."""
    PARAMETER_GRAD = "parameter_grad"
    """The gradient of the loss with respect to a parameter."""
    PARAMETER = "parameter"
    """A parameter at the start of the step; shared by both sides, so recorded on ORT's only."""
    BUFFER = "buffer"
    """A buffer after the step."""


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One place where a tensor is seen.

    Attributes:
        direction: The flow it belongs to.
        module: Fully qualified name as in ``named_modules()``; ``""`` is the root.
        slot: ``out0``, ``out1``, … for outputs, ``in0`` … for inputs, the local name (``weight``,
            ``running_mean``) for parameters and buffers, and the rest of the ONNX value's name
            (``Softmax_output_0``) for values inside a module, also for their gradients.
        call: 0 for the first call of the module within the step, 1 for the second, …
    """

    direction: Direction
    module: str
    slot: str
    call: int = 0

    @property
    def id(self) -> str:
        """The address as text, for example ``forward/encoder.layers.0.attn#out0``."""
        call = f"@{self.call}" if self.call else ""
        return f"{self.direction.value}/{self.module}{call}#{self.slot}"

    @property
    def is_inner(self) -> bool:
        """Whether this is a value inside a module, seen in ORT's graph only."""
        flows = (Direction.FORWARD, Direction.BACKWARD)
        return self.direction in flows and not _OUTPUT.match(self.slot)

    @classmethod
    def parse(cls, site_id: str) -> Site:
        """Read the text form back.

        Raises:
            UnknownNameError: ``site_id`` is not of the form ``direction/module[@call]#slot``.
        """
        match = _SITE_ID.match(site_id)
        directions = [member.value for member in Direction]
        if match is None or match["direction"] not in directions:
            raise UnknownNameError(
                f"{site_id!r} is not a site.",
                "Sites look like 'forward/encoder.0#out0'; the directions are "
                + ", ".join(directions)
                + ".",
            )
        return cls(
            Direction(match["direction"]), match["module"], match["slot"], int(match["call"] or 0)
        )
