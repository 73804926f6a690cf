"""What happened between two stages, in sentences that count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ortviz.graphs.lineage import evidence
from ortviz.graphs.lineage.index import GraphIndex
from ortviz.record import LineageSentence, LinkKind, NodeFate

_REMOVED = {
    evidence.REMOVED_STORED: ("its value lies in the file", "their values lie in the file"),
    evidence.REMOVED_EQUAL_CONSTANT: (
        "an equal constant is used in its place",
        "equal constants are used in their place",
    ),
    evidence.REMOVED_AHEAD: ("it was computed ahead", "they were computed ahead"),
    evidence.REMOVED_NOTHING: ("it does nothing here", "they do nothing here"),
    evidence.REMOVED_TWIN: (
        "another node computes the same",
        "other nodes compute the same",
    ),
    evidence.REMOVED_REPLACED: (
        "another value is used in its place",
        "other values are used in their place",
    ),
    evidence.REMOVED_DEAD: ("nothing that is left uses it", "nothing that is left uses them"),
}
_GRADIENT = frozenset(
    {evidence.GRADIENT_NAME, evidence.GRADIENT_SUM, evidence.GRADIENT_TENSOR}
    | {evidence.GRADIENT_PARAMETER, evidence.GRADIENT_USER, evidence.YIELD}
)


_WAS = {
    LinkKind.SAME: "the same",
    LinkKind.RENAMED: "renamed",
    LinkKind.FUSED: "fused",
    LinkKind.SPLIT: "split",
    LinkKind.CHANGED: "changed",
    LinkKind.ADDED: "added",
    LinkKind.REMOVED: "removed",
    LinkKind.UNTRACED: "not traced",
}

MAX_SENTENCES = 200
"""Sentences about one pair of stages; what is rarest is folded."""
_MAX_OPS = 12
_MAX_OP_LENGTH = 80


@dataclass(slots=True)
class _Happening:
    kind: LinkKind
    singular: str
    plural: str
    count: int = 0
    nodes: list[int] = field(default_factory=list)
    previous_nodes: list[int] = field(default_factory=list)


class Sentences:
    """Counts what happened in the same way.

    Args:
        previous: The earlier stage.
        graph: The later stage.
        links: Pairs (earlier, later).
        later: Fates of the later stage's nodes.
        earlier: Fates of the earlier stage's nodes.
    """

    def __init__(
        self,
        previous: GraphIndex,
        graph: GraphIndex,
        links: Iterable[tuple[int, int]],
        later: Sequence[NodeFate],
        earlier: Sequence[NodeFate],
    ) -> None:
        self._previous, self._graph = previous, graph
        self._later, self._earlier = later, earlier
        self._sources: dict[int, list[int]] = {}
        self._targets: dict[int, list[int]] = {}
        for old, new in links:
            if earlier[old].kind is not LinkKind.REMOVED or later[new].kind is LinkKind.ADDED:
                self._sources.setdefault(new, []).append(old)
            if later[new].kind is not LinkKind.ADDED:
                self._targets.setdefault(old, []).append(new)
        self._found: dict[tuple[LinkKind, str], _Happening] = {}

    def write(self) -> tuple[LineageSentence, ...]:
        """All of them, most frequent first; what stayed the same comes last."""
        grouped: dict[tuple[int, ...], list[int]] = {}
        for node, fate in enumerate(self._later):
            if fate.kind in (LinkKind.FUSED, LinkKind.SPLIT):
                grouped.setdefault(tuple(self._sources.get(node, ())), []).append(node)
            else:
                self._one(node, fate)
        for sources, nodes in grouped.items():
            before = _listed(self._ops(self._previous, sources))
            after = _listed(self._ops(self._graph, nodes))
            text = f"{before} became {after}"
            self._add(self._later[nodes[0]].kind, text, text, nodes, sources)
        for node, fate in enumerate(self._earlier):
            self._gone(node, fate)
        ordered = sorted(_bounded(list(self._found.values())), key=_order)
        return tuple(
            LineageSentence(
                each.kind,
                f"{each.count} {each.singular if each.count == 1 else each.plural}",
                each.count,
                tuple(dict.fromkeys(each.nodes)),
                tuple(dict.fromkeys(each.previous_nodes)),
            )
            for each in ordered
        )

    def _one(self, node: int, fate: NodeFate) -> None:
        op = _op(self._graph, node)
        sources = self._sources.get(node, [])
        if fate.kind is LinkKind.SAME:
            self._add(fate.kind, "node is the same", "nodes are the same", [node], sources)
        elif fate.kind is LinkKind.RENAMED:
            self._add(
                fate.kind, f"{op} has another name", f"{op} have other names", [node], sources
            )
        elif fate.kind is LinkKind.CHANGED:
            singular, plural = self._change(node, op, sources, fate.evidence)
            self._add(fate.kind, singular, plural, [node], sources)
        elif fate.kind is LinkKind.ADDED and fate.evidence in _GRADIENT:
            self._add(
                fate.kind,
                "node was added by gradient building",
                "nodes were added by gradient building",
                [node],
                sources,
            )
        elif fate.kind is LinkKind.ADDED:
            singular, plural = "was inserted by an optimiser", "were inserted by an optimiser"
            self._add(fate.kind, f"{op} {singular}", f"{op} {plural}", [node], sources)
        else:
            text = f"{op} could not be traced back"
            self._add(fate.kind, text, text, [node], [])

    def _change(self, node: int, op: str, sources: Sequence[int], why: str) -> tuple[str, str]:
        before = self._ops(self._previous, sources)
        if before != [op]:
            text = f"{_listed(before)} became {op}"
            return text, text
        if why == evidence.CHANGED_ATTRIBUTES:
            return f"{op} has other attributes", f"{op} have other attributes"
        return f"{op} takes another input", f"{op} take other inputs"

    def _gone(self, node: int, fate: NodeFate) -> None:
        op = _op(self._previous, node)
        if fate.kind is LinkKind.UNTRACED:
            text = f"{op} could not be traced further"
            self._add(fate.kind, text, text, [], [node])
        elif fate.kind is LinkKind.REMOVED:
            one, many = _REMOVED[fate.evidence]
            self._add(
                fate.kind,
                f"{op} was removed: {one}",
                f"{op} were removed: {many}",
                self._targets.get(node, []),
                [node],
            )

    def _add(
        self,
        kind: LinkKind,
        singular: str,
        plural: str,
        nodes: Iterable[int],
        previous_nodes: Iterable[int],
    ) -> None:
        found = self._found.setdefault((kind, plural), _Happening(kind, singular, plural))
        found.count += 1
        found.nodes.extend(nodes)
        found.previous_nodes.extend(previous_nodes)

    def _ops(self, graph: GraphIndex, nodes: Iterable[int]) -> list[str]:
        return [_op(graph, node) for node in nodes]


def _op(graph: GraphIndex, node: int) -> str:
    op = graph.operations[node].op_type
    return op if len(op) <= _MAX_OP_LENGTH else f"{op[: _MAX_OP_LENGTH - 1]}…"


def _order(happening: _Happening) -> tuple[bool, int, str]:
    return happening.kind is LinkKind.SAME, -happening.count, happening.plural


def _bounded(found: list[_Happening]) -> list[_Happening]:
    """At most :data:`MAX_SENTENCES`; what is rarest is told of together, by kind."""
    found.sort(key=_order)
    kept = found[: MAX_SENTENCES - len(LinkKind)] if len(found) > MAX_SENTENCES else found
    folded: dict[LinkKind, _Happening] = {}
    for each in found[len(kept) :]:
        was = _WAS[each.kind]
        one, many = f"further node was {was}", f"further nodes were {was}"
        rest = folded.setdefault(each.kind, _Happening(each.kind, one, many))
        rest.nodes += each.nodes
        rest.previous_nodes += each.previous_nodes
        gone = each.kind is LinkKind.REMOVED or not each.nodes
        rest.count += len(each.previous_nodes if gone else each.nodes)
    return [*kept, *folded.values()]


def _listed(ops: Sequence[str]) -> str:
    """``Slice × 3 + Concat``: each operator once, in the order of the first."""
    counts = list(Counter(ops).items())
    shown = [op if count == 1 else f"{op} × {count}" for op, count in counts[:_MAX_OPS]]
    more = len(counts) - len(shown)
    return " + ".join([*shown, f"{more} other operators"] if more else shown)
