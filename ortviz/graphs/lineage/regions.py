"""Which nodes of the earlier stage a changed node replaces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ortviz.graphs.lineage.index import GraphIndex
from ortviz.graphs.lineage.values import EqualValues, does_nothing

_MOST = 256
"""Nodes that one region may have; ORT's fusions have a few dozen at most."""
_MOST_COPIED = 32


@dataclass(frozen=True, slots=True)
class Region:
    """What was between a replacement's inputs and its outputs.

    Attributes:
        nodes: Of the earlier stage, in its order; what does nothing or only computes constants is
            left out.
        copied: Whether some of them remain for other users.
        leaks: Whether it takes something that the replacement does not.
    """

    nodes: tuple[int, ...]
    copied: bool
    leaks: bool


class Regions:
    """Finds regions by walking from outputs towards inputs.

    Args:
        previous: The earlier stage.
        graph: The later stage.
        values: Which of their values are equal.
    """

    def __init__(self, previous: GraphIndex, graph: GraphIndex, values: EqualValues) -> None:
        self._previous = previous
        self._graph = graph
        self._values = values

    def replaced_by(self, numbers: Iterable[int], producers: Iterable[int]) -> Region:
        """The nodes that end in ``producers`` and begin at the inputs of ``numbers``.

        Args:
            numbers: Nodes of the later stage that make together what ``producers`` made.
            producers: Nodes of the earlier stage.
        """
        inside = list(numbers)
        made = {name for each in inside for name in self._graph.operations[each].outputs}
        boundary = {
            self._values.after(name)
            for each in inside
            for name in self._graph.operations[each].uses
            if name not in made
        }
        found: dict[int, None] = {}
        copied = leaks = False
        waiting = list(producers)
        while waiting and len(found) < _MOST:
            node = waiting.pop()
            if node in found:
                continue
            found[node] = None
            for name in self._previous.operations[node].uses:
                if self._values.before(name) in boundary or name in self._previous.constant:
                    continue
                maker = self._previous.producer.get(name)
                if maker is None:
                    leaks = True
                elif not self._graph.has(name):
                    waiting.append(maker)
                elif (more := self._copied(maker, boundary)) is not None:
                    copied = True
                    found.update(dict.fromkeys(more))
                else:
                    leaks = True
        nodes = sorted(filter(self._counts, found))
        return Region(tuple(nodes or sorted(found)), copied, leaks)

    def _counts(self, node: int) -> bool:
        idle = does_nothing(self._previous.operations[node], self._previous)
        return not idle and not self._previous.is_constant(node)

    def _copied(self, start: int, boundary: set[int]) -> list[int] | None:
        """Nodes that remain but were also taken in, back to ``boundary``; None if they do not."""
        found: dict[int, None] = {}
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in found:
                continue
            found[node] = None
            if len(found) > _MOST_COPIED:
                return None
            for name in self._previous.operations[node].uses:
                if self._values.before(name) in boundary or name in self._previous.constant:
                    continue
                maker = self._previous.producer.get(name)
                if maker is None:
                    return None
                waiting.append(maker)
        return list(found)
