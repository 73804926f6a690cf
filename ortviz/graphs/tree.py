"""Which group each node of a graph stands in, before neighbours are folded or split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ortviz.graphs.flat import Body, FlatGraph
from ortviz.record.graphs import Half
from ortviz.record.structures import GroupKind

Paths = Callable[[int], Sequence[str]]
"""Node -> full names of the groups around it, the outermost first."""


@dataclass(slots=True, eq=False)
class Group:
    """A group that is being built.

    Attributes:
        kind: What for; None is the graph itself.
        label: Short name.
        half: Its pass.
        module: Fully qualified name, if it is one module.
        owner: The node whose body it is; else -1.
        count: Modules in a ``repeat``, else 1.
        nodes: Its own nodes, in the file's order.
        groups: Its own groups, without the bodies of its nodes.
        rank: Place among siblings of the same kind.
    """

    kind: GroupKind | None
    label: str
    half: Half
    module: str | None = None
    owner: int = -1
    count: int = 1
    nodes: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    rank: int = 0


@dataclass(slots=True)
class Tree:
    """A whole graph.

    Attributes:
        root: Stands for the graph itself; what has no group around it is in here.
        bodies: Node -> its subgraphs, which stand beside it wherever it stands.
    """

    root: Group
    bodies: dict[int, list[Group]]

    def children(self, group: Group) -> list[Group]:
        """Its own groups and the bodies of its nodes."""
        if not self.bodies:
            return group.groups
        inner = [body for node in group.nodes for body in self.bodies.get(node, ())]
        return [*group.groups, *inner]

    def walk(self) -> Iterator[tuple[int, Group]]:
        """(place of the parent in this order, group), parents first; the root is first, at -1."""
        waiting = [(-1, self.root)]
        place = 0
        while waiting:
            parent, group = waiting.pop()
            yield parent, group
            waiting.extend((place, child) for child in reversed(self.children(group)))
            place += 1


def build_tree(
    flat: FlatGraph,
    halves: Sequence[Half | None],
    paths: Paths,
    ranks: Mapping[str, int],
    *,
    modules: bool,
) -> Tree:
    """Put every node in its place.

    Args:
        flat: The graph.
        halves: Node of the file -> its pass; None for what joins the two and stands in neither.
        paths: Node of the file -> the groups around it, by full names that are unique.
        ranks: Full name -> place among its siblings; those without come last, as they occur.
        modules: Whether full names are those of nn.Modules; else they are scopes with slashes.
    """
    root = Group(None, "", Half.FORWARD)
    tree = Tree(root, {})
    both = Half.BACKWARD in halves
    tops = {half: _half(root, half) if both else root for half in (Half.FORWARD, Half.BACKWARD)}
    groups: dict[tuple[Half, str], Group] = {}
    for node in range(flat.file_node_count):
        half = halves[node]
        if half is None:
            root.nodes.append(node)
            continue
        group = tops[half]
        for name in paths(node):
            inner = groups.get((half, name))
            if inner is None:
                label = _label(name, modules=modules)
                inner = Group(GroupKind.MODULE, label, half, name if modules else None)
                inner.rank = ranks.get(name, len(ranks))
                groups[half, name] = inner
                group.groups.append(inner)
            group = inner
        group.nodes.append(node)
    for inner in groups.values():
        inner.groups.sort(key=lambda each: each.rank)
    for top in tops.values():
        top.groups.sort(key=lambda each: each.rank)
    root.groups = [group for group in root.groups if group.nodes or group.groups]
    _add_bodies(tree, flat, halves)
    return tree


def _label(name: str, *, modules: bool) -> str:
    if modules:
        return name.rpartition(".")[2]
    outer, _, scope = name.rpartition("/")
    # Below a Sequential the exporter repeats its name: "encoder/encoder.0".
    return scope.removeprefix(f"{outer.rpartition('/')[2]}.") or scope


def _half(root: Group, half: Half) -> Group:
    group = Group(GroupKind.HALF, half.value, half)
    root.groups.append(group)
    return group


def _add_bodies(tree: Tree, flat: FlatGraph, halves: Sequence[Half | None]) -> None:
    half_of: dict[int, Half] = {}
    for body in flat.bodies:
        half = half_of.get(body.owner) or _half_of(body, halves)
        group = Group(GroupKind.SUBGRAPH, body.label, half, owner=body.owner)
        group.nodes = list(range(body.first, body.last))
        half_of.update(dict.fromkeys(group.nodes, half))
        tree.bodies.setdefault(body.owner, []).append(group)


def _half_of(body: Body, halves: Sequence[Half | None]) -> Half:
    return (halves[body.owner] if body.owner < len(halves) else None) or Half.FORWARD
