"""What became of nodes from stage to stage, as a person at a prompt asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ortviz.errors import UnknownNameError
from ortviz.graphs import ROOT
from ortviz.graphs.lineage import trace_lineage
from ortviz.record import (
    GraphRecord,
    LineageSentence,
    LinkKind,
    Mode,
    NodeFate,
    NodeRecord,
    Stage,
    StageLineage,
)
from ortviz.session.graph_sources import GraphSource
from ortviz.session.tables import text_table

_SHOWN_NODES = 4


@dataclass(frozen=True, slots=True)
class TraceStep:
    """The nodes that a trace goes through in one stage.

    Attributes:
        stage: Which stage.
        nodes: Its nodes, in file order; empty where nothing is left, or nothing was yet.
        fates: By node: looking back, where it came from; looking forward, what became of it.
        serves: Whether the node that was asked for does not come from these (or they from it),
            but was added for them: for their gradient, or in front of them.
    """

    stage: Stage
    nodes: tuple[NodeRecord, ...]
    fates: tuple[NodeFate, ...]
    serves: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """One node through the stages; iterate for its steps, the node itself first."""

    steps: tuple[TraceStep, ...]

    def __iter__(self) -> Iterator[TraceStep]:
        return iter(self.steps)

    def __getitem__(self, stage: str) -> tuple[NodeRecord, ...]:
        for step in self.steps:
            if step.stage == stage:
                return step.nodes
        raise UnknownNameError(
            f"This trace does not go through {stage!r}.",
            f"It goes through {', '.join(step.stage for step in self.steps)}.",
        )

    @property
    def end(self) -> TraceStep:
        """The last step at which there are nodes: the origin, or the last successors."""
        return next(step for step in reversed(self.steps) if step.nodes)

    def __repr__(self) -> str:
        rows = []
        for step in self.steps:
            kinds = dict.fromkeys(fate.kind.value for fate in step.fates)
            names = [f"{node.op_type} {_short(node.name)}".strip() for node in step.nodes]
            shown = ", ".join(names[:_SHOWN_NODES])
            more = f" and {len(names) - _SHOWN_NODES} more" if len(names) > _SHOWN_NODES else ""
            text = f"{'for ' if step.serves and names else ''}{shown}{more}" or "–"
            rows.append((step.stage.value, ", ".join(kinds), text))
        return text_table(("stage", "", "nodes"), rows)


@dataclass(frozen=True, slots=True, repr=False)
class Lineage:
    """One stage against the one before it, and its nodes through all stages of its mode.

    Attributes:
        mode: Training or inference.
        stage: Which stage.
        previous: The stage before it that was saved; None for the first.
        links: Pairs (node of the previous stage, node of this one), as
            :class:`ortviz.record.StageLineage` says.
        kinds: By node of this stage.
        evidences: By node of this stage: a sentence.
        previous_kinds: By node of the previous stage.
        previous_evidences: By node of the previous stage.
        sentences: What happened, counted, in words.
    """

    mode: Mode
    stage: Stage
    previous: Stage | None
    links: tuple[tuple[int, int], ...]
    kinds: tuple[LinkKind, ...]
    evidences: tuple[str, ...]
    previous_kinds: tuple[LinkKind, ...]
    previous_evidences: tuple[str, ...]
    sentences: tuple[LineageSentence, ...]
    _graphs: tuple[GraphRecord, ...] = field(repr=False)
    _chain: tuple[StageLineage, ...] = field(repr=False)

    def origin_of(self, node: int | str) -> Trace:
        """Where a node of this stage came from, back to the first stage.

        Args:
            node: Its number, its name, or the name of a tensor that it makes.

        Raises:
            UnknownNameError: There is no such node, or several of that name.
        """
        place = self._place()
        numbers, serves = [self._number(node)], False
        steps = []
        for at in range(place, -1, -1):
            lineage = self._chain[at]
            fates = tuple(lineage.nodes[each] for each in numbers) if lineage.nodes else ()
            steps.append(self._step(at, numbers, fates, serves=serves))
            serves = serves or any(fate.kind is LinkKind.ADDED for fate in fates)
            numbers = origins(lineage, numbers)
        return Trace(tuple(steps))

    def successors_of(self, node: int | str) -> Trace:
        """What became of a node of this stage, up to the last stage.

        Args:
            node: As :meth:`origin_of` takes it.

        Raises:
            UnknownNameError: There is no such node, or several of that name.
        """
        numbers = [self._number(node)]
        steps = []
        for at in range(self._place(), len(self._graphs)):
            following = self._chain[at + 1] if at + 1 < len(self._chain) else None
            fates = tuple(following.previous_nodes[each] for each in numbers) if following else ()
            steps.append(self._step(at, numbers, fates))
            numbers = successors(following, numbers) if following else []
        return Trace(tuple(steps))

    def _step(
        self, at: int, numbers: Iterable[int], fates: tuple[NodeFate, ...], *, serves: bool = False
    ) -> TraceStep:
        graph = self._graphs[at]
        return TraceStep(graph.stage, tuple(graph.nodes[each] for each in numbers), fates, serves)

    def _place(self) -> int:
        return [graph.stage for graph in self._graphs].index(self.stage)

    def _number(self, node: int | str) -> int:
        nodes = self._graphs[self._place()].nodes
        if isinstance(node, int):
            if 0 <= node < len(nodes):
                return node
            raise UnknownNameError(
                f"There is no node {node} in {self.stage.value}.",
                f"Its nodes have the numbers 0 to {len(nodes) - 1}.",
            )
        found = [each.index for each in nodes if each.name == node]
        found = found or [each.index for each in nodes if node in each.outputs]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} nodes of that name" if found else "no node or tensor of that name"
        raise UnknownNameError(
            f"In {self.stage.value} there are {what}: {node!r}.",
            "run.graphs[…].record.nodes lists them; a node's number always works.",
        )

    def __repr__(self) -> str:
        if self.previous is None:
            return f"<Lineage of {self.stage.value} ({self.mode.value}): the first stage>"
        head = f"{self.previous.value} → {self.stage.value} ({self.mode.value})"
        return "\n".join([head, *(f"  {sentence.text}" for sentence in self.sentences)])


def _short(name: str) -> str:
    """A node's name without what all names of an export begin with."""
    return name.replace(f"/{ROOT}/", "", 1)


def origins(lineage: StageLineage, nodes: Iterable[int]) -> list[int]:
    """Nodes of the previous stage that nodes come from, or serve where they were added."""
    wanted = set(nodes)
    return sorted(
        {
            old
            for old, new in lineage.links
            if new in wanted
            and (
                lineage.previous_nodes[old].kind is not LinkKind.REMOVED
                or lineage.nodes[new].kind is LinkKind.ADDED
            )
        }
    )


def successors(lineage: StageLineage, nodes: Iterable[int]) -> list[int]:
    """Nodes of the later stage that come from nodes, or take the place of removed ones."""
    wanted = set(nodes)
    return sorted(
        {
            new
            for old, new in lineage.links
            if old in wanted and lineage.nodes[new].kind is not LinkKind.ADDED
        }
    )


def stage_lineage(source: GraphSource, mode: Mode | str, stage: Stage | str) -> StageLineage:
    """The newest export of a stage against the saved stage before it in the same export.

    Args:
        source: A run or ONNX files.
        mode: Training or inference.
        stage: The later stage.

    Raises:
        UnknownNameError: It was not saved.
        OrtvizError: One of the two files is no ONNX model.
    """
    graph = source.graph(mode, stage)
    saved = _same_export(source, graph)
    before = saved[: saved.index(graph.stage)]
    return trace_lineage(source.graph(mode, before[-1]) if before else None, graph)


def lineage_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> Lineage:
    """The same, with all stages of that export, so that nodes can be followed through them.

    Args:
        source: A run or ONNX files.
        mode: Training or inference.
        stage: The stage to begin from.

    Raises:
        UnknownNameError: It was not saved.
        OrtvizError: A file is no ONNX model.
    """
    graph = source.graph(mode, stage)
    graphs = tuple(source.graph(mode, each) for each in _same_export(source, graph))
    chain = tuple(
        trace_lineage(before, after) for before, after in zip((None, *graphs), graphs, strict=False)
    )
    own = chain[[each.stage for each in graphs].index(graph.stage)]
    return Lineage(
        mode=graph.mode,
        stage=graph.stage,
        previous=own.previous,
        links=own.links,
        kinds=tuple(fate.kind for fate in own.nodes),
        evidences=tuple(fate.evidence for fate in own.nodes),
        previous_kinds=tuple(fate.kind for fate in own.previous_nodes),
        previous_evidences=tuple(fate.evidence for fate in own.previous_nodes),
        sentences=own.sentences,
        _graphs=graphs,
        _chain=chain,
    )


def _same_export(source: GraphSource, graph: GraphRecord) -> list[Stage]:
    """The stages that were saved together with a graph, in order, its own included."""
    if graph.stage is Stage.MODEL:
        # The graph of a lone file is none of ORTModule's stages and comes after none of them.
        return [graph.stage]
    order = list(Stage)
    saved = {
        kept.graph.stage
        for kept in source.graphs()
        if kept.graph.mode is graph.mode and kept.graph.export_index == graph.export_index
    }
    return sorted({*saved, graph.stage} - {Stage.MODEL}, key=order.index)
