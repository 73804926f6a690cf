"""An order of nodes in which what looks alike is told apart by what it takes."""

from __future__ import annotations

from collections.abc import Sequence

Use = tuple[int, int, int, int]
"""User, slot, maker and the maker's output; a maker outside is negative."""


def resolved_order(groups: Sequence[int], labels: Sequence[int], uses: Sequence[Use]) -> list[int]:
    """Order nodes by group, and in each by depth, label and the places of what they take.

    Of branches that are alike any may come first; all that follows from one comes as it does.

    Args:
        groups: Node -> its group.
        labels: Node -> a number that is the same for nodes that look alike.
        uses: What the nodes take, by user and slot.

    Returns:
        New place -> node; nodes on a cycle come last, as they are.
    """
    takes: list[list[Use]] = [[] for _ in groups]
    users: list[list[int]] = [[] for _ in groups]
    missing = [0] * len(groups)
    for use in uses:
        user, _, maker, _ = use
        takes[user].append(use)
        if maker >= 0:
            users[maker].append(user)
            missing[user] += 1
    rank = [len(groups)] * len(groups)
    count = 0
    layer = [node for node, needs in enumerate(missing) if not needs]

    def key(node: int) -> tuple[int, int, list[tuple[int, int, int]], int]:
        taken = [
            (slot, output, rank[maker] if maker >= 0 else maker)
            for _, slot, maker, output in takes[node]
        ]
        return groups[node], labels[node], taken, node

    while layer:
        layer.sort(key=key)
        following = []
        for node in layer:
            rank[node] = count
            count += 1
            for user in users[node]:
                missing[user] -= 1
                if not missing[user]:
                    following.append(user)
        layer = following
    return sorted(range(len(groups)), key=lambda node: (groups[node], rank[node], node))
