"""Collects what is found out about the nodes of two stages."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.graphs.lineage import evidence
from ortviz.record import LinkKind, NodeFate

_KEEPS_EARLIER = frozenset({LinkKind.ADDED, LinkKind.REMOVED})
"""Kinds whose links do not say that the earlier node lives on in the later one."""


class Fates:
    """One decision for each node.

    Args:
        previous_count: Nodes of the earlier stage.
        count: Nodes of the later stage.
    """

    def __init__(self, previous_count: int, count: int) -> None:
        self._earlier: list[NodeFate | None] = [None] * previous_count
        self._later: list[NodeFate | None] = [None] * count
        self._origins: list[tuple[int, ...]] = [()] * count
        self._links: set[tuple[int, int]] = set()

    @property
    def links(self) -> tuple[tuple[int, int], ...]:
        """All pairs (earlier, later), sorted."""
        return tuple(sorted(self._links))

    def link(self, kind: LinkKind, earlier: Iterable[int], later: Iterable[int], why: str) -> None:
        """Nodes of the later stage come from, or serve, nodes of the earlier one.

        A node of the earlier stage keeps the first kind it was given, since what remains as it
        was may also have been copied into another.
        """
        fate = NodeFate(kind, why)
        sources = tuple(earlier)
        for node in later:
            self._later[node] = fate
            self._origins[node] = sources
            self._links.update((source, node) for source in sources)
        if kind not in _KEEPS_EARLIER:
            for source in sources:
                self._earlier[source] = self._earlier[source] or fate

    def gone(self, earlier: int, why: str, instead: int | None = None) -> None:
        """A node of the earlier stage has no counterpart; ``instead`` takes its place."""
        self._earlier[earlier] = NodeFate(LinkKind.REMOVED, why)
        if instead is not None:
            self._links.add((earlier, instead))

    def lost(self, earlier: int, why: str) -> None:
        """Nothing tells what became of a node of the earlier stage."""
        self._earlier[earlier] = NodeFate(LinkKind.UNTRACED, why)

    def unknown(self, later: int, why: str) -> None:
        """Nothing tells where a node of the later stage came from."""
        self._later[later] = NodeFate(LinkKind.UNTRACED, why)

    def is_used(self, earlier: int) -> bool:
        """Whether a node of the earlier stage lives on."""
        return self._earlier[earlier] is not None

    def origin_kind(self, later: int) -> LinkKind | None:
        """What is known of a node of the later stage so far."""
        fate = self._later[later]
        return None if fate is None else fate.kind

    def origins(self, later: int) -> tuple[int, ...]:
        """Nodes of the earlier stage that a node comes from, or serves."""
        return self._origins[later]

    def finished(self) -> tuple[tuple[NodeFate, ...], tuple[NodeFate, ...]]:
        """Fates of the later and of the earlier nodes."""
        new = NodeFate(LinkKind.UNTRACED, evidence.UNTRACED_NEW)
        gone = NodeFate(LinkKind.UNTRACED, evidence.UNTRACED_GONE)
        return (
            tuple(fate or new for fate in self._later),
            tuple(fate or gone for fate in self._earlier),
        )
