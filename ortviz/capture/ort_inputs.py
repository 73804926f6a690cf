"""ORT's own input to each module call of the shadow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from ortviz.capture.call_inputs import CallInput
from ortviz.capture.trace import ModuleCall
from ortviz.graphs import ValueUses
from ortviz.record import Direction, SiteRecord, SiteStatus

OutputKey = tuple[str, int, int]
_OUTPUT_SLOT = re.compile(r"^out(\d+)$")


@dataclass(frozen=True, slots=True)
class OrtInput:
    """What ORT had where a module call of the shadow had a tensor.

    Attributes:
        tensor: It; belongs to somebody else.
        value_name: The ONNX value; empty for what both sides start from.
        needs_grad: Whether a gradient flows back through it.
    """

    tensor: torch.Tensor
    value_name: str = ""
    needs_grad: bool = False


def output_values(candidate: Sequence[SiteRecord]) -> dict[OutputKey, str]:
    """(module, call, output index) -> ONNX value, for module outputs that ORT's run showed.

    Args:
        candidate: Sites of ORT's side.
    """
    found = {}
    for record in candidate:
        slot = _OUTPUT_SLOT.match(record.site.slot)
        if (
            slot is not None
            and record.value_name
            and record.site.direction is Direction.FORWARD
            and record.status is SiteStatus.CAPTURED
        ):
            found[record.site.module, record.site.call, int(slot[1])] = record.value_name
    return found


class OrtInputs:
    """Finds, for every tensor that a module call was given, the one that ORT had there.

    The output of another module is ORT's value of that output. What operations between modules
    made is one of the values that enter the module in the exported graph: of those with the same
    shape and dtype that nothing else accounts for the nearest in value, the first of equally
    near ones.

    Args:
        calls: The shadow's, in order.
        outputs: See :func:`output_values`.
        values: ONNX value name -> what ORT had.
        uses: Of the exported graph.
        given: What both sides start from, in the order the shadow was told.
    """

    def __init__(
        self,
        calls: Sequence[ModuleCall],
        outputs: Mapping[OutputKey, str],
        values: Mapping[str, torch.Tensor],
        uses: ValueUses,
        given: Sequence[torch.Tensor],
    ) -> None:
        self._calls = calls
        self._outputs = outputs
        self._values = values
        self._uses = uses
        self._given = given
        self._found: dict[tuple[str, int], list[OrtInput] | None] = {}
        self._accounted: dict[str, set[str]] = {}
        for call in calls:
            names = self._accounted.setdefault(call.module, set())
            for each in call.arguments.inputs if call.arguments else ():
                name = self._produced(each)
                if name is not None:
                    names.add(name)

    def of(self, call: ModuleCall) -> list[OrtInput] | None:
        """One per tensor that the call was given; None when one of them cannot be found.

        Args:
            call: One of the shadow's.
        """
        key = (call.module, call.call)
        if key not in self._found:
            self._found[key] = self._of(call)
        return self._found[key]

    def _of(self, call: ModuleCall) -> list[OrtInput] | None:
        if call.arguments is None or not call.arguments.complete:
            return None
        taken: set[str] = set()
        found = []
        for each in call.arguments.inputs:
            one = self._find(call.module, each, taken)
            if one is None:
                return None
            taken.add(one.value_name)
            found.append(one)
        return found

    def _find(self, module: str, wanted: CallInput, taken: set[str]) -> OrtInput | None:
        if wanted.given is not None:
            given = self._given[wanted.given].detach()
            return OrtInput(given, needs_grad=wanted.needs_grad)
        name = self._produced(wanted)
        if name is None and not self._is_made_inside(module, wanted):
            name = self._entering(module, wanted, taken)
        if name is not None:
            return OrtInput(self._values[name], name, needs_grad=wanted.needs_grad)
        eager = wanted.intact()
        # Indices and masks that the model computes are exact on both sides.
        if eager is not None and not eager.is_floating_point():
            return OrtInput(eager)
        return None

    def _produced(self, wanted: CallInput) -> str | None:
        if wanted.producer is None:
            return None
        index, slot = wanted.producer
        call = self._calls[index]
        name = self._outputs.get((call.module, call.call, slot))
        return name if name is not None and self._fits(name, wanted) else None

    def _is_made_inside(self, module: str, wanted: CallInput) -> bool:
        """Whether an earlier call of the same module made it: it enters from nowhere, then."""
        if wanted.producer is None:
            return False
        return f"{self._calls[wanted.producer[0]].module}.".startswith(f"{module}.")

    def _entering(self, module: str, wanted: CallInput, taken: set[str]) -> str | None:
        fitting = [name for name in self._candidates(module, taken) if self._fits(name, wanted)]
        eager = self._eager(wanted)
        if len(fitting) < 2 or eager is None:
            return fitting[0] if fitting else None
        return min(fitting, key=lambda name: _distance(eager, self._values[name]))

    def _candidates(self, module: str, taken: set[str]) -> Iterator[str]:
        accounted = self._accounted.get(module, set())
        for name in self._uses.entering.get(module, ()):
            if name not in taken and name not in accounted:
                yield name

    def _eager(self, wanted: CallInput) -> torch.Tensor | None:
        if wanted.producer is None:
            return wanted.intact()
        index, slot = wanted.producer
        return self._calls[index].outputs[slot]

    def _fits(self, name: str, wanted: CallInput) -> bool:
        value = self._values.get(name)
        return value is not None and value.shape == wanted.shape and value.dtype == wanted.dtype


def _distance(eager: torch.Tensor, value: torch.Tensor) -> float:
    """Largest difference of elements that are finite on both sides; infinite if none is."""
    difference = (eager.double() - value.to(eager.device).double()).abs()
    finite = difference[torch.isfinite(difference)]
    if difference.numel() == 0:
        return 0.0
    return float(finite.max()) if finite.numel() else float("inf")
