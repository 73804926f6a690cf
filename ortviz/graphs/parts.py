"""Splits groups that have too many boxes side by side into runs of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ortviz.graphs.fold import range_label
from ortviz.graphs.tree import Group, Tree
from ortviz.record.structures import GroupKind

MAX_CHILDREN = 120
"""Nodes and groups that may stand side by side in one group."""
PART_SIZE = 100
"""What a part holds at most."""

T = TypeVar("T")


def split_crowded(tree: Tree, order: Sequence[int] | None) -> None:
    """Put runs of neighbours into ``part`` groups until no group has too many children.

    Args:
        tree: What is changed.
        order: Node -> its place in topological order; None where that is the file's order.
    """
    for group in [group for _, group in tree.walk()]:
        # The inputs and outputs of the graph, few and without a group, are not counted.
        if len(group.nodes) + len(tree.children(group)) > MAX_CHILDREN:
            _split(group, tree, order)


def _split(group: Group, tree: Tree, order: Sequence[int] | None) -> None:
    nodes = group.nodes if order is None else sorted(group.nodes, key=order.__getitem__)
    group.nodes = []
    parts = [
        _part(f"{first}–{first + len(run) - 1}", group, nodes=run)
        for first, run in _node_runs(nodes, tree)
    ]
    groups = group.groups
    while len(groups) + len(parts) > MAX_CHILDREN:
        if len(parts) > len(groups):
            parts = _bundles(parts, group)
        else:
            groups = _bundles(groups, group)
    group.groups = [*groups, *parts]


def _node_runs(nodes: Sequence[int], tree: Tree) -> list[tuple[int, list[int]]]:
    """(place of the first from 1, run); a node's bodies stand beside it and count as well."""
    runs: list[tuple[int, list[int]]] = []
    size = PART_SIZE
    limit = _even_size(len(nodes)) if not tree.bodies else PART_SIZE
    for place, node in enumerate(nodes, 1):
        weight = 1 + len(tree.bodies.get(node, ()))
        if size + weight > limit:
            runs.append((place, []))
            size = 0
        runs[-1][1].append(node)
        size += weight
    return runs


def _bundles(groups: Sequence[Group], inside: Group) -> list[Group]:
    size = _even_size(len(groups))
    rows = [list(groups[start : start + size]) for start in range(0, len(groups), size)]
    return [_part(_bundle_label(row), inside, groups=row) for row in rows]


def _bundle_label(row: Sequence[Group]) -> str:
    first, last = row[0].label, row[-1].label
    return range_label(first.partition("–")[0], last.rpartition("–")[2])


def _even_size(count: int) -> int:
    """Of parts that are as few as possible and about equally long."""
    parts = -(-count // PART_SIZE)
    return -(-count // max(parts, 1))


def _part(
    label: str, inside: Group, *, nodes: list[int] | None = None, groups: list[Group] | None = None
) -> Group:
    return Group(GroupKind.PART, label, inside.half, nodes=nodes or [], groups=groups or [])
