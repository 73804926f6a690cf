"""Values of the exported graph that the optimised graph has not, and what became of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import onnx

from ortviz.graphs.element_types import FLOATING, element_types
from ortviz.record import SiteStatus

_CONSTANTS = ("Constant", "ConstantOfShape")


@dataclass(frozen=True, slots=True)
class LostValue:
    """A value that does not exist in the optimised graph.

    Attributes:
        name: Its name in the exported graph.
        status: FUSED_AWAY, or NOT_CAPTURED where nothing computes it any more.
        reason: One sentence: what became of it.
        near: A value of the optimised graph that follows from it; empty when there is none.
    """

    name: str
    status: SiteStatus
    reason: str
    near: str = ""


def lost_values(exported: onnx.ModelProto, optimized: onnx.ModelProto) -> tuple[LostValue, ...]:
    """Find the floating-point values that optimisation removed, in the exported graph's order.

    What follows from constants alone is left out.

    Args:
        exported: Stage ``post_processed`` (or ``torch_exported``), whose values have types.
        optimized: Stage ``optimized``.
    """
    types = element_types(exported)
    search = _Search(exported, optimized)
    constant = _constants(exported)
    return tuple(
        search.explain(node, name)
        for node in exported.graph.node
        for name in node.output
        if name
        and name not in search.surviving
        and name not in constant
        and types.get(name) in FLOATING
    )


def _constants(model: onnx.ModelProto) -> set[str]:
    found = {initializer.name for initializer in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in _CONSTANTS or (
            node.input and all(name in found or not name for name in node.input)
        ):
            found.update(filter(None, node.output))
    return found


class _Search:
    """Follows values of the exported graph to where they still exist."""

    def __init__(self, exported: onnx.ModelProto, optimized: onnx.ModelProto) -> None:
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in exported.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._producer = {
            name: node for node in optimized.graph.node for name in node.output if name
        }
        self._computed_ahead = {initializer.name for initializer in optimized.graph.initializer}
        inputs = {each.name for each in optimized.graph.input}
        self.surviving = {*self._producer, *self._computed_ahead, *inputs}

    def explain(self, node: onnx.NodeProto, name: str) -> LostValue:
        """What became of ``name``, which ``node`` made."""
        found = self._follow(name)
        operation = f"{node.op_type} ({node.name})" if node.name else node.op_type
        if found is None:
            return LostValue(
                name,
                SiteStatus.NOT_CAPTURED,
                f"Nothing needs what this {operation} gives, so ORT does not compute it.",
            )
        last, user, survivor = found
        return LostValue(
            name,
            SiteStatus.FUSED_AWAY,
            f"{self._fate(name, last, user, survivor)} Made by {operation} in the exported graph.",
            survivor,
        )

    def _fate(self, name: str, last: str, user: onnx.NodeProto, survivor: str) -> str:
        if survivor in self._computed_ahead:
            return f"ORT computed {survivor} ahead of training, and this value with it."
        maker = self._producer[survivor]
        place = list(user.input).index(last)
        unchanged = maker.op_type == user.op_type and len(maker.input) == len(user.input)
        if unchanged and maker.input[place] != last:
            other = maker.input[place]
            known = "computed ahead of training" if other in self._computed_ahead else "the same"
            if last == name:
                return f"ORT uses {other} in its place ({known})."
            return f"ORT takes {other} for what followed from it ({known})."
        return f"ORT merged it into the {maker.op_type} that makes {survivor}."

    def _follow(self, name: str) -> tuple[str, onnx.NodeProto, str] | None:
        """(last lost value, exported node that used it, surviving value that node made)."""
        waiting = deque([name])
        seen = {name}
        while waiting:
            value = waiting.popleft()
            for user in self._users.get(value, ()):
                for output in filter(None, user.output):
                    if output in self.surviving:
                        return value, user, output
                    if output not in seen:
                        seen.add(output)
                        waiting.append(output)
        return None
