"""Modules of nodes that neither their names nor their neighbours tell, by where they came from."""

from __future__ import annotations

from dataclasses import replace

from ortviz.graphs.lineage.trace import trace_lineage
from ortviz.record import GraphRecord, LinkKind, NodeRecord, StageLineage

_CERTAIN = frozenset({"output_name", "gradient_of", "model_output"})
"""Evidence that no other outweighs. The name of a fused node is that of the first, not of the last
of those it was made from."""
_EVIDENCE = "lineage"


def with_lineage(graph: GraphRecord, previous: GraphRecord | None) -> GraphRecord:
    """The same graph, with the modules that the stage before it tells.

    Args:
        graph: One stage.
        previous: The stage that was saved before it in the same export, with its modules; None
            for the first.
    """
    if previous is None or all(node.evidence in _CERTAIN for node in graph.nodes):
        return graph
    lineage = trace_lineage(previous, graph)
    origins = _origins(lineage)
    return replace(
        graph, nodes=tuple(_told(node, origins[node.index], previous) for node in graph.nodes)
    )


def _told(node: NodeRecord, origins: list[int], previous: GraphRecord) -> NodeRecord:
    if node.evidence in _CERTAIN:
        return node
    # Of nodes that were fused the last one makes the output, after which a node is called.
    for origin in reversed(origins):
        module = previous.nodes[origin].module
        if module is not None:
            return replace(node, module=module, evidence=_EVIDENCE)
    return node


def _origins(lineage: StageLineage) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in lineage.nodes]
    for old, new in lineage.links:
        removed = lineage.previous_nodes[old].kind is LinkKind.REMOVED
        if not removed or lineage.nodes[new].kind is LinkKind.ADDED:
            found[new].append(old)
    return found
