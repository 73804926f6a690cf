"""Parts of saved graphs, by what ``graph_structure`` numbers."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from ortviz.errors import OrtvizError, UnknownNameError
from ortviz.graphs import parse_model
from ortviz.graphs.extract import GraphPart, extract
from ortviz.record import GraphStructure, Mode, Stage
from ortviz.record.structures import OPERATOR
from ortviz.session.graph_sources import GraphSource
from ortviz.session.structures import structure_of


def extract_nodes(
    source: GraphSource, mode: Mode | str, stage: Stage | str, nodes: Sequence[int]
) -> GraphPart:
    """Some nodes of a stage as an ONNX model of their own.

    Args:
        source: Where the graph is.
        mode: Training or inference.
        stage: Which stage.
        nodes: Numbers of nodes; inputs and outputs of the graph among them are passed over.

    Raises:
        UnknownNameError: There is no such stage or node.
        OrtvizError: No operator is among the nodes, or one that is inside of another.
    """
    structure = structure_of(source, mode, stage)
    chosen = [node for node in nodes if _is_operator(structure, node)]
    if not chosen:
        raise OrtvizError(
            "No operator is chosen: inputs and outputs of a graph are no part of it.",
            "Choose at least one operator.",
        )
    inside = next((node for node in chosen if node >= structure.file_node_count), None)
    if inside is not None:
        raise OrtvizError(
            f"Node {inside} ({_op(structure, inside)}) is in the body of another node and cannot "
            "be taken out of it.",
            "Choose the node around it.",
        )
    return extract(whole_model(source, mode, stage), chosen)


def whole_model(source: GraphSource, mode: Mode | str, stage: Stage | str) -> onnx.ModelProto:
    """The ONNX file of a stage, parsed, with all values; those kept of a lone file lack large ones.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file cannot be read.
    """
    return parse_model(source.model_bytes(mode, stage), f"{mode!s}/{stage!s}")


def _is_operator(structure: GraphStructure, node: int) -> bool:
    count = len(structure.node_kind)
    if not 0 <= node < count:
        raise UnknownNameError(
            f"There is no node {node} in this graph.", f"Its nodes are 0 to {count - 1}."
        )
    return int(structure.node_kind[node]) == OPERATOR


def _op(structure: GraphStructure, node: int) -> str:
    return structure.ops[int(structure.node_op[node])][0]
