"""Why nodes of the earlier stage have no counterpart in the later one."""

from __future__ import annotations

from ortviz.graphs.lineage import evidence
from ortviz.graphs.lineage.fates import Fates
from ortviz.graphs.lineage.index import GraphIndex
from ortviz.graphs.lineage.values import EqualValues, does_nothing


class Removed:
    """Decides about what no node of the later stage comes from.

    Args:
        previous: The earlier stage.
        graph: The later stage.
        values: Which of their values are equal.
        fates: Has what lives on, and takes what is found.
    """

    def __init__(
        self, previous: GraphIndex, graph: GraphIndex, values: EqualValues, fates: Fates
    ) -> None:
        self._previous, self._graph = previous, graph
        self._values, self._fates = values, fates
        self._ahead: set[int] = set()
        self._dead: set[int] = set()

    def run(self) -> None:
        """From the graph's end to its beginning, so that users are known before makers."""
        for node in range(len(self._previous.operations) - 1, -1, -1):
            if not self._fates.is_used(node):
                why = self._instead(node)
                if why is None:
                    self._without_substitute(node)

    def _instead(self, node: int) -> str | None:
        """Why another value is used instead of this node's, if one is."""
        operation = self._previous.operations[node]
        outputs = [name for name in operation.outputs if name]
        if any(name in self._graph.initializers for name in outputs):
            self._ahead.add(node)
            return self._gone(node, evidence.REMOVED_STORED)
        for name in outputs:
            found = self._values.before(name)
            maker = self._values.maker.get(found)
            if maker is None and not self._substituted(name, found):
                continue
            if operation.inputs and found == self._values.before(operation.inputs[0]):
                return self._gone(node, evidence.REMOVED_NOTHING, maker)
            if maker is None:
                constant = self._previous.is_constant(node)
                self._ahead.add(node)
                why = evidence.REMOVED_EQUAL_CONSTANT if constant else evidence.REMOVED_REPLACED
                return self._gone(node, why)
            why = evidence.REMOVED_TWIN if self._alike(node, maker) else evidence.REMOVED_REPLACED
            return self._gone(node, why, maker)
        return None

    def _alike(self, node: int, maker: int) -> bool:
        """Whether what takes a node's place is, or came from, one that computes the same."""
        key = self._values.key_before(self._previous.operations[node])
        twins = (self._previous.operations[each] for each in self._fates.origins(maker))
        return self._values.key_after(self._graph.operations[maker]) == key or any(
            self._values.key_before(twin) == key for twin in twins
        )

    def _substituted(self, name: str, found: int) -> bool:
        return found in self._values.present or name in self._values.substituted

    def _without_substitute(self, node: int) -> None:
        operation = self._previous.operations[node]
        users = {user for name in operation.outputs for user in self._previous.users.get(name, ())}
        handed_out = any(name in self._previous.outputs for name in operation.outputs)
        left = users - self._dead
        if left and does_nothing(operation, self._previous):
            self._gone(node, evidence.REMOVED_NOTHING)
        elif not handed_out and not left:
            self._dead.add(node)
            self._gone(node, evidence.REMOVED_DEAD)
        elif not handed_out and left <= self._ahead:
            self._ahead.add(node)
            self._gone(node, evidence.REMOVED_AHEAD)
        elif not handed_out and all(map(self._is_done_without, left - self._ahead)):
            self._gone(node, evidence.REMOVED_DEAD)
        else:
            self._fates.lost(node, evidence.UNTRACED_GONE)

    def _is_done_without(self, user: int) -> bool:
        return self._fates.is_used(user)

    def _gone(self, node: int, why: str, instead: int | None = None) -> str:
        self._fates.gone(node, why, instead)
        return why
