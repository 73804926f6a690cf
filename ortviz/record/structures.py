"""An ONNX graph as a hierarchy: what is drawn, and what all numbers of nodes and tensors mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ortviz.record._enum import StrEnum
from ortviz.record.graphs import Half

OPERATOR, GRAPH_INPUT, GRAPH_OUTPUT = 0, 1, 2
"""What ``GraphStructure.node_kind`` holds."""


class GroupKind(StrEnum):
    """Why nodes stand together."""

    HALF = "half"
    MODULE = "module"
    REPEAT = "repeat"
    PART = "part"
    SUBGRAPH = "subgraph"


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Nodes and groups that are drawn as one box until it is opened.

    Attributes:
        parent: Index of the group around it, less than its own; -1 is the graph itself.
        kind: ``half`` is a forward or backward pass, ``module`` an nn.Module or a scope of names,
            ``repeat`` several modules of equal structure in a row, ``part`` a run of neighbours,
            ``subgraph`` the body of a node.
        label: Short name, for example ``0``, ``attn`` or ``0–11``.
        module: Fully qualified name; None where it stands for no single module.
        half: The pass that all of it belongs to.
        count: Modules in a ``repeat``, else 1.
        owner: The node whose body a ``subgraph`` is; else -1.
        node_count: Operators in it and in its groups.
    """

    parent: int
    kind: GroupKind
    label: str
    module: str | None
    half: Half
    count: int
    owner: int
    node_count: int


@dataclass(frozen=True, slots=True, eq=False)
class GraphStructure:
    """One graph. *Node*, *value* and *group* are numbers: places in what is listed here.

    Attributes:
        file_node_count: Nodes of the main graph; they come first, in the file's order. Then come
            nodes of subgraphs, then inputs and outputs of the graph.
        groups: Parents first.
        ops: (operator, domain) that occur; the default domain is empty.
        node_op: int32 (node): place in ``ops``; -1 for inputs and outputs of the graph.
        node_kind: uint8 (node): ``OPERATOR``, ``GRAPH_INPUT`` or ``GRAPH_OUTPUT``.
        node_group: int32 (node): the innermost group; -1 stands in none.
        node_names: As in the file; may be empty or repeated.
        value_names: Tensors that nodes make, by node and output.
        value_node: int32 (value): the node that makes it.
        edge_value: int32 (edge): the tensor that is used.
        edge_to: int32 (edge): the node that uses it; one edge for each tensor and user.
        notes: Sentences for a person: what is unusual about the file, what is left out.
    """

    file_node_count: int
    groups: tuple[GroupRecord, ...]
    ops: tuple[tuple[str, str], ...]
    node_op: NDArray[np.int32]
    node_kind: NDArray[np.uint8]
    node_group: NDArray[np.int32]
    node_names: tuple[str, ...]
    value_names: tuple[str, ...]
    value_node: NDArray[np.int32]
    edge_value: NDArray[np.int32]
    edge_to: NDArray[np.int32]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"<GraphStructure: {self.file_node_count} nodes, {len(self.groups)} groups, "
            f"{len(self.edge_to)} edges>"
        )
