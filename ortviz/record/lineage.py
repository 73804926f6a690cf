"""What became of each node of a graph from one saved stage to the next."""

from __future__ import annotations

from dataclasses import dataclass

from ortviz.record._enum import StrEnum
from ortviz.record.graphs import Stage
from ortviz.record.steps import Mode


class LinkKind(StrEnum):
    """What happened to a node between two stages.

    ``same``: operator, attributes, inputs and names are as before. ``renamed``: only names differ.
    ``changed``: it took the place of one node, with another operator, attributes or inputs.
    ``fused``: it does what several nodes did. ``split``: one node became several. ``added``: it
    has no counterpart before. ``removed``: it has none after. ``untraced``: nothing tells.
    """

    SAME = "same"
    RENAMED = "renamed"
    FUSED = "fused"
    SPLIT = "split"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    UNTRACED = "untraced"


@dataclass(frozen=True, slots=True)
class NodeFate:
    """What became of one node, or where it came from.

    Attributes:
        kind: What happened.
        evidence: A sentence: what this was concluded from.
    """

    kind: LinkKind
    evidence: str


@dataclass(frozen=True, slots=True)
class LineageSentence:
    """What happened to many nodes in the same way.

    Attributes:
        kind: What happened.
        text: For example ``12 Gelu + Add became BiasGelu``.
        count: How often.
        nodes: Of the later stage.
        previous_nodes: Of the earlier stage.
    """

    kind: LinkKind
    text: str
    count: int
    nodes: tuple[int, ...]
    previous_nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StageLineage:
    """One saved stage against the one before it.

    A link is a pair (node of the previous stage, node of this one). Where the later node was
    ``added``, the earlier one is what it serves: the node whose gradient it makes, or the one it
    was inserted for; of very many that use one tensor, 64. Where the earlier node was
    ``removed``, the later one takes its place. Elsewhere the later node comes from the earlier one.

    Attributes:
        mode: Training or inference.
        stage: The later one.
        previous: The one before it that was saved; None for the first, where all else is empty.
        links: Sorted, each once.
        nodes: By node of this stage: where it came from.
        previous_nodes: By node of the previous stage: what became of it.
        sentences: The same in words, most frequent first; what stayed the same comes last.
    """

    mode: Mode
    stage: Stage
    previous: Stage | None
    links: tuple[tuple[int, int], ...] = ()
    nodes: tuple[NodeFate, ...] = ()
    previous_nodes: tuple[NodeFate, ...] = ()
    sentences: tuple[LineageSentence, ...] = ()
