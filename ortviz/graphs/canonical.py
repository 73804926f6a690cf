"""All nodes of a graph in an order that does not depend on names, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ortviz.graphs.flat import FlatGraph
from ortviz.graphs.ties import resolved_order
from ortviz.graphs.tree import Group, Tree
from ortviz.record.structures import GroupKind

_ROUNDS = 4
"""How far the order of nodes looks along tensors. What it leaves open is the file's order."""
_KINDS = list(GroupKind)


_Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A group with all in it. Nodes and groups are counted from its first ones.

    Attributes:
        kinds: By inner group.
        parents: By inner group.
        owners: By group: the node whose body it is, or -1.
        ops: By node.
        labels: By node; uint64.
        groups: By node.
        users: By use, in ascending order: the node.
        slots: By use.
        makers: By use: the node, or a negative number where it is outside.
        outputs: By use: which output of the maker.
    """

    kinds: _Numbers
    parents: _Numbers
    owners: _Numbers
    ops: _Numbers
    labels: NDArray[np.uint64]
    groups: _Numbers
    users: _Numbers
    slots: _Numbers
    makers: _Numbers
    outputs: _Numbers

    def outline(self) -> bytes:
        """The same for groups that are equal, and for few others."""
        return _bytes(self.kinds, self.parents, self.groups, self.labels)

    def content(self) -> bytes:
        """The same only for groups that are equal, with their nodes in the same order."""
        return _bytes(
            np.array([len(self.ops), len(self.kinds)]),
            self.owners,
            self.ops,
            self.groups,
            self.users,
            self.slots,
            self.makers,
            self.outputs,
        )

    def resolved(self) -> _Piece:
        """With nodes that look alike in an order that follows from what they take."""
        columns = (self.users, self.slots, self.makers, self.outputs)
        uses = list(zip(*(column.tolist() for column in columns), strict=True))
        order = np.array(
            resolved_order(self.groups.tolist(), self.labels.tolist(), uses), dtype=np.int64
        )
        place = np.empty(len(order) + 1, dtype=np.int64)
        place[order] = np.arange(len(order))
        users = place[self.users]
        by_user = np.lexsort((self.slots, users))
        makers = np.where(self.makers >= 0, place[self.makers], self.makers)
        return replace(
            self,
            owners=np.where(self.owners >= 0, place[self.owners], -1),
            ops=self.ops[order],
            labels=self.labels[order],
            groups=self.groups[order],
            users=users[by_user],
            slots=self.slots[by_user],
            makers=makers[by_user],
            outputs=self.outputs[by_user],
        )


def _bytes(*parts: NDArray[Any]) -> bytes:
    return b"".join(part.tobytes() for part in parts)


class CanonicalOrder:
    """All nodes in one row, so that those of a group and of all in it are one piece of it.

    Args:
        tree: Every node's group; may be changed afterwards.
        flat: The graph.
    """

    def __init__(self, tree: Tree, flat: FlatGraph) -> None:
        self._index: dict[int, int] = {}
        """id of a group -> its place among the groups."""
        walked = list(tree.walk())
        for place, (_, group) in enumerate(walked):
            self._index[id(group)] = place
        self._parent = np.array([parent for parent, _ in walked], dtype=np.int64)
        self._kind = np.array(
            [-1 if group.kind is None else _KINDS.index(group.kind) for _, group in walked]
        )
        group_of = np.zeros(len(flat.node_names), dtype=np.int64)
        for place, (_, group) in enumerate(walked):
            group_of[group.nodes] = place
        self._last_group = _subtree_ends(self._parent)
        self._order(flat, group_of)
        owners = np.array([group.owner for _, group in walked])
        self._owner = np.where(owners >= 0, self._place[owners], -1)

    def _order(self, flat: FlatGraph, group_of: NDArray[np.int64]) -> None:
        count = flat.operator_count
        group_of = group_of[:count]
        ops = np.array(flat.node_op[:count], dtype=np.int64)
        node, slot, value = (each.astype(np.int64) for each in flat.uses())
        inner = node < count
        node, slot, value = node[inner], slot[inner], value[inner]
        value_node = np.array([*flat.value_node, -1], dtype=np.int64)
        maker = np.where(value >= 0, value_node[value], -1)
        maker[maker >= count] = -1
        output = _output_places(value_node[:-1])
        output = np.where(value >= 0, np.append(output, 0)[value], 0)
        labels = _labels(ops, group_of, (node, slot, maker, output, value))
        order = np.lexsort((np.arange(count), labels, group_of))
        self._place = np.empty(count, dtype=np.int64)
        self._place[order] = np.arange(count)
        self._ops, self._groups = ops[order], group_of[order]
        self._labels = labels[order]
        by_user = np.lexsort((slot, self._place[node]))
        self._user = self._place[node][by_user]
        self._slot, self._output = slot[by_user], output[by_user]
        self._maker = np.where(maker >= 0, self._place[maker], np.minimum(value, -1))[by_user]

    def are_equal(self, one: Group, other: Group) -> bool:
        """Whether the structure of two groups is the same."""
        first, second = self._piece(one), self._piece(other)
        if first.outline() != second.outline():
            return False
        return first.content() == second.content() or (
            first.resolved().content() == second.resolved().content()
        )

    def _piece(self, group: Group) -> _Piece:
        first = self._index[id(group)]
        last = int(self._last_group[first])
        start, end = self._span(first, last)
        uses = slice(*np.searchsorted(self._user, (start, end)))
        maker, owner = self._maker[uses], self._owner[first:last]
        inside = (maker >= start) & (maker < end)
        return _Piece(
            kinds=self._kind[first + 1 : last],
            parents=self._parent[first + 1 : last] - first,
            owners=np.where(owner >= 0, owner - start, -1),
            ops=self._ops[start:end],
            labels=self._labels[start:end],
            groups=self._groups[start:end] - first,
            users=self._user[uses] - start,
            slots=self._slot[uses],
            makers=np.where(inside, maker - start, np.minimum(maker, -1)),
            outputs=np.where(inside, self._output[uses], 0),
        )

    def neighbours(self, group: Group) -> list[set[int]]:
        """Which of a group's items use what others of them make.

        Items are the groups in it, numbered as in ``group.groups``, then its own nodes and
        their bodies.

        Returns:
            By item: the items that use what it makes, or what is made in it.
        """
        first = self._index[id(group)]
        start, end = self._span(first, int(self._last_group[first]))
        places = [self._index[id(each)] for each in group.groups]
        starts = [self._span(place, int(self._last_group[place])) for place in places]
        item_of = np.arange(end - start) + len(places)
        for item, (inner_start, inner_end) in enumerate(starts):
            item_of[inner_start - start : inner_end - start] = item
        uses = slice(*np.searchsorted(self._user, (start, end)))
        maker, user = self._maker[uses], self._user[uses]
        inside = (maker >= start) & (maker < end)
        pairs = np.stack([item_of[maker[inside] - start], item_of[user[inside] - start]], axis=1)
        found: list[set[int]] = [set() for _ in range(len(places) + end - start)]
        for source, target in np.unique(pairs, axis=0).tolist():
            if source != target:
                found[source].add(target)
        return found

    def _span(self, first: int, last: int) -> tuple[int, int]:
        """The places of the nodes in groups ``first`` to ``last - 1``."""
        start, end = np.searchsorted(self._groups, (first, last))
        return int(start), int(end)


def _subtree_ends(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group -> the place after its last inner group; groups are in depth-first order."""
    ends = np.arange(1, len(parent) + 1)
    for place in range(len(parent) - 1, 0, -1):
        ends[parent[place]] = max(ends[parent[place]], ends[place])
    return ends


def _output_places(value_node: NDArray[np.int64]) -> NDArray[np.int64]:
    """Value -> which of its node's outputs it is; values are numbered by node."""
    places = np.arange(len(value_node))
    new = np.ones(len(value_node), dtype=bool)
    new[1:] = value_node[1:] != value_node[:-1]
    return places - np.maximum.accumulate(np.where(new, places, 0))


_Uses = tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]
]


def _labels(ops: NDArray[np.int64], group_of: NDArray[np.int64], uses: _Uses) -> NDArray[np.uint64]:
    """Numbers that tell nodes of a group apart by what is around them in it (Weisfeiler-Lehman)."""
    node, slot, maker, output, value = uses
    near = (maker >= 0) & (group_of[maker] == group_of[node])
    code = (slot * 64 + output).astype(np.uint64)
    far = np.where(near, 0, np.minimum(value, -1) + 8).astype(np.uint64)
    labels = _mixed(ops.astype(np.uint64))
    np.add.at(labels, node, _mixed(far * np.uint64(977) + code))
    into, out_of, edge = node[near], maker[near], code[near]
    for _ in range(_ROUNDS):
        following = _mixed(labels)
        np.add.at(following, into, _mixed(labels[out_of] ^ _mixed(edge)))
        np.add.at(following, out_of, _mixed(labels[into] + _mixed(edge + np.uint64(1 << 32))))
        labels = following
    return labels


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64: near numbers become far ones; uint64 wraps around."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed, dtype=np.uint64)
