"""The answers to ``graphs``, ``graph_nodes`` and ``graph_model``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import (
    GraphModelView,
    GraphNodesView,
    GraphsView,
    ModuleNodeCount,
    NodeRow,
    StageKey,
    StageRow,
)
from ortviz.protocol.wire import ModeName, StageName
from ortviz.record import GraphRecord, Half, NodeRecord
from ortviz.record.store import StoredGraph

_LONGEST_STEM = 100
"""Characters of a run's name in a file's name."""


def graphs_view(
    graphs: Iterable[StoredGraph], notes: Sequence[str] = (), first: StageKey | None = None
) -> GraphsView:
    """What each stage consists of, by operator and by module.

    Args:
        graphs: The newest export of each mode and stage, in the order to show them in.
        notes: Sentences for a person, for example that ORTModule fell back.
        first: The one to show unless another is asked for; without it the training graph that
            runs, or what comes nearest to it.
    """
    rows = [_stage_row(stored) for stored in graphs]
    keys: list[StageKey] = [{"mode": row["mode"], "stage": row["stage"]} for row in rows]
    if first is None and keys:
        training = [key for key in keys if key["mode"] == "training"]
        first = (training or keys)[-1]
    return {"stages": rows, "first": first, "notes": list(notes)}


def graph_nodes_view(graph: GraphRecord) -> GraphNodesView:
    """All nodes of a stage in file order."""
    return {
        "mode": graph.mode.value,
        "stage": graph.stage.value,
        "nodes": [_node_row(node) for node in graph.nodes],
    }


def graph_model_view(
    mode: ModeName,
    stage: StageName,
    model: bytes,
    run_name: str,
    buffers: Buffers,
    *,
    part: str = "",
    notes: Sequence[str] = (),
) -> GraphModelView:
    """The ONNX file of a stage.

    Args:
        mode: Training or inference.
        stage: Which stage.
        model: The serialised ModelProto.
        run_name: Part of the file name.
        buffers: Takes the file.
        part: Which part of the stage, for the file name; empty for all of it.
        notes: Sentences for a person.
    """
    stem = re.sub(r"[^\w.-]+", "_", run_name).strip("_.")[:_LONGEST_STEM] or "model"
    return {
        "mode": mode,
        "stage": stage,
        "file_name": f"{stem}_{stage}_{mode}{part}.onnx",
        "model": buffers.add_bytes(model),
        "notes": list(notes),
    }


def module_node_counts(nodes: Iterable[NodeRecord]) -> list[ModuleNodeCount]:
    """Nodes per module, its children included, sorted by name; untraced nodes count nowhere."""
    forward: Counter[str] = Counter()
    backward: Counter[str] = Counter()
    for node in nodes:
        if node.module is not None:
            counts = forward if node.half is Half.FORWARD else backward
            counts.update(with_ancestors(node.module))
    return [
        {"module": module, "forward": forward[module], "backward": backward[module]}
        for module in sorted({*forward, *backward})
    ]


def with_ancestors(module: str) -> list[str]:
    """A module, the modules that contain it, and the root, the innermost first."""
    names = [module]
    while module:
        module = module.rpartition(".")[0]
        names.append(module)
    return names


def _stage_row(stored: StoredGraph) -> StageRow:
    graph = stored.graph
    forward_count = sum(node.half is Half.FORWARD for node in graph.nodes)
    return {
        "mode": graph.mode.value,
        "stage": graph.stage.value,
        "export_index": graph.export_index,
        "node_count": len(graph.nodes),
        "forward_count": forward_count,
        "backward_count": len(graph.nodes) - forward_count,
        "untraced_count": sum(node.module is None for node in graph.nodes),
        "size_bytes": stored.size_bytes,
        "op_counts": [{"op_type": op, "count": count} for op, count in graph.op_counts],
        "modules": module_node_counts(graph.nodes),
    }


def _node_row(node: NodeRecord) -> NodeRow:
    return {
        "index": node.index,
        "name": node.name,
        "op_type": node.op_type,
        "domain": node.domain,
        "half": node.half.value,
        "module": node.module,
        "evidence": node.evidence,
        "inputs": list(node.inputs),
        "outputs": list(node.outputs),
    }
