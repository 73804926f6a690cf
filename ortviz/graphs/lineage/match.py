"""Where each node of the later stage came from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ortviz.graphs.lineage import evidence
from ortviz.graphs.lineage.fates import Fates
from ortviz.graphs.lineage.gradients import Gradients
from ortviz.graphs.lineage.index import GraphIndex
from ortviz.graphs.lineage.names import RECOMPUTED, origins_by_name
from ortviz.graphs.lineage.regions import Region, Regions
from ortviz.graphs.lineage.values import EqualValues
from ortviz.record import LinkKind


class Matcher:
    """Goes through the later stage from what is certain to what has to be concluded.

    Args:
        previous: The earlier stage.
        graph: The later stage.
        values: Which of their values are equal.
        fates: Takes what is found.
    """

    def __init__(
        self, previous: GraphIndex, graph: GraphIndex, values: EqualValues, fates: Fates
    ) -> None:
        self._previous, self._graph = previous, graph
        self._values = values
        self._fates = fates
        self._regions = Regions(previous, graph, values)
        self._keys = [values.key_before(operation) for operation in previous.operations]
        self._by_key: dict[Hashable, list[int]] = {}
        self._by_name_and_key: dict[tuple[str, Hashable], int] = {}
        for number, key in enumerate(self._keys):
            self._by_key.setdefault(key, []).append(number)
            self._by_name_and_key.setdefault((previous.operations[number].name, key), number)
        self._free: dict[Hashable, int] = {}

    def run(self) -> None:
        """Decide about every node of the later stage."""
        every = range(len(self._graph.operations))
        left = [node for node in every if not self._is_the_same(node)]
        left = [node for node in left if not self._computes_the_same(node)]
        left = Gradients(self._previous, self._graph, self._fates).take(left)
        new = {node for node in left if not self._producers(node)}
        for node in left:
            if node not in new:
                self._takes_place(node, new)
        left = [node for node in sorted(new) if self._fates.origin_kind(node) is None]
        left = self._made_from_gone(left)
        for node in left:
            self._inserted(node)

    def _is_the_same(self, node: int) -> bool:
        """A node that computes the same and has kept its output's or its own name."""
        operation = self._graph.operations[node]
        key = self._values.key_after(operation)
        if key not in self._by_key:
            return False
        producer = self._previous.producer
        makers = [producer[name] for name in operation.outputs if name in producer]
        same = next((maker for maker in makers if self._keys[maker] == key), None)
        if same is None and operation.name:
            same = self._by_name_and_key.get((operation.name, key))
        if same is None:
            return False
        self._same(same, node)
        return True

    def _computes_the_same(self, node: int) -> bool:
        """One that has not, and stands for a node that nothing else stands for."""
        key = self._values.key_after(self._graph.operations[node])
        candidates = self._by_key.get(key)
        if candidates is None:
            return False
        at = self._free.get(key, 0)
        while at < len(candidates) and self._fates.is_used(candidates[at]):
            at += 1
        self._free[key] = at
        if at < len(candidates):
            self._same(candidates[at], node)
        else:
            self._fates.link(LinkKind.ADDED, candidates[:1], [node], evidence.COMPUTED_AGAIN)
        return True

    def _same(self, earlier: int, node: int) -> None:
        operation, other = self._graph.operations[node], self._previous.operations[earlier]
        if (other.name, other.outputs) != (operation.name, operation.outputs):
            self._fates.link(LinkKind.RENAMED, [earlier], [node], evidence.RENAMED)
        elif other.inputs == operation.inputs:
            self._fates.link(LinkKind.SAME, [earlier], [node], evidence.SAME)
        else:
            self._fates.link(LinkKind.SAME, [earlier], [node], evidence.SAME_EQUAL_INPUTS)

    def _producers(self, node: int) -> list[int]:
        """Nodes of the earlier stage that made what this one makes."""
        found: dict[int, None] = {}
        for name in filter(None, self._graph.operations[node].outputs):
            maker = self._previous.producer.get(name)
            if maker is not None:
                found[maker] = None
        return list(found)

    def _takes_place(self, node: int, new: set[int]) -> None:
        """A node that makes a tensor of the earlier stage in another way."""
        operation = self._graph.operations[node]
        producers = self._producers(node)
        first = self._previous.operations[producers[0]]
        alike = len(producers) == 1 and first.op == operation.op
        if alike and first.attributes == operation.attributes:
            alone = self._regions.replaced_by([node], producers)
            if len(alone.nodes) < 2 or alone.leaks:
                self._fates.link(LinkKind.CHANGED, producers, [node], evidence.CHANGED_INPUTS)
                return
        together = [node] if alike else [*self._feeding(node, new), node]
        region = self._regions.replaced_by(together, producers)
        if len(together) > 1:
            several = len(region.nodes) > 1
            kind = LinkKind.FUSED if several else LinkKind.SPLIT
            why = evidence.FUSED_MANY if several else evidence.SPLIT_CONE
            self._fates.link(kind, region.nodes, together, why)
        elif len(region.nodes) > 1:
            self._fates.link(LinkKind.FUSED, region.nodes, [node], _why_fused(region, producers))
        else:
            why = evidence.CHANGED_ATTRIBUTES if alike else evidence.CHANGED_OP
            self._fates.link(LinkKind.CHANGED, region.nodes, [node], why)

    def _feeding(self, node: int, new: set[int]) -> list[int]:
        """New nodes that a node's inputs come from, in file order."""
        found: set[int] = set()
        waiting = [node]
        while waiting:
            for name in self._graph.operations[waiting.pop()].uses:
                maker = self._graph.producer.get(name, -1)
                if maker not in new or maker in found or self._fates.origin_kind(maker):
                    continue
                found.add(maker)
                waiting.append(maker)
        return sorted(found)

    def _made_from_gone(self, nodes: Sequence[int]) -> list[int]:
        """New nodes in whose place a node stood that is gone; returns the others."""
        made: dict[int, list[int]] = {}
        left = []
        stands_for = {new: old for old, new in self._values.substituted.items()}
        for node in nodes:
            operation = self._graph.operations[node]
            found = origins_by_name(operation, self._previous)
            if not found:
                values = (stands_for.get(name, "") for name in operation.outputs)
                makers = (self._previous.producer.get(value) for value in values if value)
                found = tuple(maker for maker in makers if maker is not None)[:1]
            if found and not self._fates.is_used(found[0]):
                made.setdefault(found[0], []).append(node)
            else:
                left.append(node)
        for earlier, later in made.items():
            op = self._previous.operations[earlier].op
            if len(later) > 1:
                self._fates.link(LinkKind.SPLIT, [earlier], later, evidence.SPLIT_NAMES)
            elif self._graph.operations[later[0]].op == op:
                self._fates.link(LinkKind.CHANGED, [earlier], later, evidence.CHANGED_PLACE)
            else:
                self._fates.link(LinkKind.CHANGED, [earlier], later, evidence.SPLIT_PLACE)
        return left

    def _inserted(self, node: int) -> None:
        """A new node that nothing stood in place of."""
        operation = self._graph.operations[node]
        named = origins_by_name(operation, self._previous)
        if named:
            again = operation.name.endswith(RECOMPUTED)
            why = evidence.COMPUTED_AGAIN if again else evidence.INSERTED_NAME
            self._fates.link(LinkKind.ADDED, named, [node], why)
            return
        users = {user for name in operation.outputs for user in self._graph.users.get(name, ())}
        served = {each for user in users for each in self._fates.origins(user)}
        if served:
            self._fates.link(LinkKind.ADDED, sorted(served), [node], evidence.INSERTED_BEFORE)
            return
        makers = {self._graph.producer.get(name) for name in operation.uses} - {None}
        behind = {
            each for maker in makers if maker is not None for each in self._fates.origins(maker)
        }
        if behind:
            self._fates.link(LinkKind.ADDED, sorted(behind), [node], evidence.INSERTED_AFTER)
        else:
            self._fates.unknown(node, evidence.UNTRACED_NEW)


def _why_fused(region: Region, producers: Sequence[int]) -> str:
    if region.leaks:
        return evidence.FUSED_LEAK
    if region.copied:
        return evidence.FUSED_COPY
    return evidence.FUSED_OUTPUTS if len(producers) > 1 else evidence.FUSED_CONE
