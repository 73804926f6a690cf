"""In which order the nodes of a graph can run, if they can."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ortviz.graphs.flat import FlatGraph


@dataclass(frozen=True, slots=True)
class NodeOrder:
    """What is known of the order of the nodes.

    Attributes:
        places: Node -> its place in topological order; None where that is the file's order.
        on_cycle: A node that needs its own result, by way of others; None without a cycle.
    """

    places: list[int] | None
    on_cycle: int | None


def node_order(flat: FlatGraph) -> NodeOrder:
    """Find it; only a file that breaks ONNX's rule takes long."""
    users, _, values = flat.uses()
    inner = values >= 0
    users, makers = users[inner], np.array(flat.value_node, dtype=np.int32)[values[inner]]
    operators = (users < flat.operator_count) & (makers < flat.operator_count)
    users, makers = users[operators], makers[operators]
    if bool((makers < users).all()):
        return NodeOrder(None, None)
    return _sorted(users, makers, len(flat.node_names))


def _sorted(users: NDArray[np.int32], makers: NDArray[np.int32], count: int) -> NodeOrder:
    by_maker = np.argsort(makers, kind="stable")
    starts = np.searchsorted(makers[by_maker], np.arange(count + 1)).tolist()
    targets = users[by_maker].tolist()
    missing = np.bincount(users, minlength=count).tolist()
    ready = deque(node for node in range(count) if not missing[node])
    places = [-1] * count
    place = 0
    while ready:
        node = ready.popleft()
        places[node] = place
        place += 1
        for user in targets[starts[node] : starts[node + 1]]:
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    if place == count:
        return NodeOrder(places, None)
    stuck = [node for node in range(count) if places[node] < 0]
    for later, node in enumerate(stuck, place):
        places[node] = later
    return NodeOrder(places, _cycle_node(users, makers, set(stuck)))


def _cycle_node(users: NDArray[np.int32], makers: NDArray[np.int32], stuck: set[int]) -> int:
    """Going back from what cannot run to what it waits for must come round again."""
    waits_for = {
        user: maker
        for user, maker in zip(users.tolist(), makers.tolist(), strict=True)
        if user in stuck and maker in stuck
    }
    node: int = next(iter(waits_for))
    seen = set[int]()
    while node not in seen:
        seen.add(node)
        node = waits_for[node]
    return node
