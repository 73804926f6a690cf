"""The answer to ``graph_structure``."""

from __future__ import annotations

from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import GraphStructureView, GroupRow
from ortviz.protocol.wire import ModeName, StageName
from ortviz.record import GraphStructure, GroupRecord


def graph_structure_view(
    mode: ModeName, stage: StageName, structure: GraphStructure, buffers: Buffers
) -> GraphStructureView:
    """One stage as a hierarchy.

    Args:
        mode: Training or inference.
        stage: Which stage.
        structure: What it consists of.
        buffers: Takes the columns.
    """
    return {
        "mode": mode,
        "stage": stage,
        "file_node_count": structure.file_node_count,
        "groups": [_group_row(group) for group in structure.groups],
        "ops": [{"op_type": op_type, "domain": domain} for op_type, domain in structure.ops],
        "node_op": buffers.add(structure.node_op),
        "node_kind": buffers.add(structure.node_kind),
        "node_group": buffers.add(structure.node_group),
        "node_names": buffers.add_strings(structure.node_names),
        "value_names": buffers.add_strings(structure.value_names),
        "value_node": buffers.add(structure.value_node),
        "edge_value": buffers.add(structure.edge_value),
        "edge_to": buffers.add(structure.edge_to),
        "notes": list(structure.notes),
    }


def _group_row(group: GroupRecord) -> GroupRow:
    return {
        "parent": group.parent,
        "kind": group.kind.value,
        "label": group.label,
        "module": group.module,
        "half": group.half.value,
        "count": group.count,
        "owner": group.owner,
        "node_count": group.node_count,
    }
