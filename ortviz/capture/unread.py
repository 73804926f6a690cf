"""Values that are left unread because reading them changes how ORT rounds the user's results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

import onnx

from ortviz.capture.plan import TapPlan

_ROUNDS = 2
"""Further graphs that are tried before all is read again, beside."""


@dataclass(slots=True)
class Unread:
    """Looks for the values without which the watched graph gives what the plain one gives.

    A value that is read must be made, so ORT's session can no longer work around it, for example
    sum the transposed tensor for a bias's gradient. Those nearest to a result that came out
    differently are left out, and the graph is checked again.

    Attributes:
        reasons: Name of each value left out -> why, a sentence for a person.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    _rounds: int = 0

    def blame(self, model: onnx.ModelProto, plan: TapPlan, different: Mapping[str, str]) -> bool:
        """Leave out what may have made results differ.

        Args:
            model: The optimised training graph.
            plan: What was read.
            different: Results that were not the same: value name -> what a person calls it.

        Returns:
            Whether another graph is worth a try; if not, nothing is left out.
        """
        if self._rounds > _ROUNDS:
            return False
        self._rounds += 1
        read = frozenset((*plan.forward_names, *plan.backward_names))
        found = {
            name: f"Not read: reading it changes how ORT rounds {what}."
            for result, what in different.items()
            for name in nearest_read(model, result, read)
        }
        if not found or self._rounds > _ROUNDS:
            another_try = bool(self.reasons)
            self.reasons = {}
            self._rounds = _ROUNDS + 1
            return another_try
        self.reasons |= found
        return True

    def without(self, plan: TapPlan) -> TapPlan:
        """The plan that leaves them out."""
        return replace(
            plan,
            forward_names=_others(plan.forward_names, self.reasons),
            backward_names=_others(plan.backward_names, self.reasons),
            unread=dict(self.reasons),
        )


def nearest_read(model: onnx.ModelProto, result: str, read: Set[str]) -> frozenset[str]:
    """The values of ``read`` that a result is computed from, with none of them in between."""
    makers = {name: node for node in model.graph.node for name in node.output if name}
    found: set[str] = set()
    seen = {result}
    waiting = [result]
    while waiting:
        node = makers.get(waiting.pop())
        for name in node.input if node is not None else ():
            if name in read:
                found.add(name)
            elif name and name not in seen:
                seen.add(name)
                waiting.append(name)
    return frozenset(found)


def _others(names: Iterable[str], without: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in without)
