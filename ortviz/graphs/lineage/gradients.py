"""Nodes that gradient building added: which forward node each of them serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from ortviz.graphs.lineage import evidence
from ortviz.graphs.lineage.fates import Fates
from ortviz.graphs.lineage.index import GraphIndex, Operation
from ortviz.graphs.lineage.names import is_gradient_name
from ortviz.graphs.modules import YIELD_OP, gradient_target, sums_gradients
from ortviz.graphs.scopes import forward_node_name
from ortviz.record import LinkKind

_MOST_SERVED = 64
"""Forward nodes that one node is said to serve, so that links stay as many as the nodes, where
thousands use one tensor."""


class Gradients:
    """Finds them, where the later stage is the first to have a backward half.

    Args:
        previous: The earlier stage.
        graph: The later stage.
        fates: Takes what is found.
    """

    def __init__(self, previous: GraphIndex, graph: GraphIndex, fates: Fates) -> None:
        self._previous, self._graph = previous, graph
        self._fates = fates
        self._built = not _yields(previous) and _yields(graph)

    def take(self, nodes: Sequence[int]) -> list[int]:
        """Decide about what gradient building added among ``nodes``; returns the others."""
        if not self._built:
            return list(nodes)
        left = [node for node in nodes if not self._by_names(node)]
        return [node for node in reversed(left) if not self._by_users(node)][::-1]

    def _by_names(self, node: int) -> bool:
        operation = self._graph.operations[node]
        if any(name in self._previous.producer for name in operation.outputs if name):
            return False
        if operation.op_type == YIELD_OP:
            return self._serves(node, self._makers(operation.inputs), evidence.YIELD)
        if sums_gradients(operation.name):
            return self._serves(node, self._owners(_targets(operation)), evidence.GRADIENT_SUM)
        forward = forward_node_name(operation.name)
        found = self._previous.by_name.get(forward, []) if forward else []
        if found:
            return self._serves(node, found, evidence.GRADIENT_NAME)
        targets = _targets(operation)
        users = self._forward_users(targets)
        if users:
            parameter = not any(name in self._previous.producer for name in targets)
            why = evidence.GRADIENT_PARAMETER if parameter else evidence.GRADIENT_TENSOR
            return self._serves(node, users, why)
        return is_gradient_name(operation) and self._serves(node, [], evidence.GRADIENT_USER)

    def _by_users(self, node: int) -> bool:
        operation = self._graph.operations[node]
        if any(name in self._previous.producer for name in operation.outputs if name):
            return False
        users = {user for name in operation.outputs for user in self._graph.users.get(name, ())}
        if not users or any(self._fates.origin_kind(user) is not LinkKind.ADDED for user in users):
            return False
        served = sorted({each for user in users for each in self._fates.origins(user)})
        return self._serves(node, served, evidence.GRADIENT_USER)

    def _makers(self, names: Iterable[str]) -> list[int]:
        found = {self._previous.producer.get(name) for name in names}
        return sorted(each for each in found if each is not None)

    def _owners(self, names: Sequence[str]) -> list[int]:
        """The nodes that make values; of parameters, those that use them."""
        wanted = [name for name in names if name]
        return self._makers(wanted) or self._forward_users(wanted)

    def _forward_users(self, names: Iterable[str]) -> list[int]:
        users = self._previous.users
        return sorted({user for name in names for user in users.get(name, ())[:_MOST_SERVED]})

    def _serves(self, node: int, forward: Iterable[int], why: str) -> bool:
        self._fates.link(LinkKind.ADDED, islice(forward, _MOST_SERVED), [node], why)
        return True


def _yields(graph: GraphIndex) -> bool:
    return any(operation.op_type == YIELD_OP for operation in graph.operations)


def _targets(operation: Operation) -> list[str]:
    """The tensors whose gradients a node gives, by their names."""
    return [gradient_target(name) or "" for name in operation.outputs]
