"""Which stage came before which, and what became of nodes between them."""

from __future__ import annotations

from ortviz.graphs.lineage import trace_lineage
from ortviz.record import Mode, Stage, StageLineage
from ortviz.session.graph_sources import GraphSource


def stage_lineage(source: GraphSource, mode: Mode | str, stage: Stage | str) -> StageLineage:
    """The newest export of a stage against the saved stage before it in the same mode.

    Args:
        source: A run or ONNX files.
        mode: Training or inference.
        stage: The later stage.

    Raises:
        UnknownNameError: It was not saved.
        OrtvizError: One of the two files is no ONNX model.
    """
    graph = source.graph(mode, stage)
    previous = _before(source, graph.mode, graph.stage)
    return trace_lineage(None if previous is None else source.graph(mode, previous), graph)


def stages_up_to(source: GraphSource, mode: Mode, stage: Stage) -> tuple[Stage, ...]:
    """The saved stages of a mode, the given one last."""
    order = list(Stage)
    saved = [kept.graph.stage for kept in source.graphs() if kept.graph.mode is mode]
    return tuple(each for each in saved if order.index(each) <= order.index(stage))


def _before(source: GraphSource, mode: Mode, stage: Stage) -> Stage | None:
    earlier = [each for each in stages_up_to(source, mode, stage) if each is not stage]
    # A lone file's graph is no stage of ORTModule's and comes after none of them.
    return earlier[-1] if earlier and stage is not Stage.MODEL else None
