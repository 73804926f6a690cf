"""ModelProto -> GraphStructure: the hierarchy that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ortviz.graphs.flat import FlatGraph, flatten, initializers
from ortviz.graphs.fold import fold_repeats
from ortviz.graphs.order import node_order
from ortviz.graphs.parts import split_crowded
from ortviz.graphs.paths import ScopePaths, module_paths
from ortviz.graphs.read import YIELD_OP, backward_indices
from ortviz.graphs.scope_parts import ROOT
from ortviz.graphs.structure_notes import structure_notes
from ortviz.graphs.tree import Tree, build_tree
from ortviz.record.graphs import GraphRecord, Half
from ortviz.record.structures import GraphStructure, GroupRecord


@dataclass(frozen=True, slots=True)
class ModelNames:
    """The names of a model's parts, as PyTorch gives them.

    Attributes:
        modules: In the order of ``named_modules()``; empty for a file of unknown origin.
        tensors: Full names of parameters and buffers.
    """

    modules: tuple[str, ...] = ()
    tensors: frozenset[str] = frozenset()

    def is_parameter(self, name: str) -> bool:
        """Whether an input of a graph is a parameter or buffer of the model."""
        return name.startswith(f"{ROOT}.") or name in self.tensors


def read_structure(
    model: onnx.ModelProto, record: GraphRecord | None = None, names: ModelNames | None = None
) -> GraphStructure:
    """Make the hierarchy of a graph.

    Without the names of modules, nodes are grouped by the scopes in their own names.

    Args:
        model: Any ONNX model, also an invalid one.
        record: The same graph with each node's module and half; None where nothing is known.
        names: The names of the model's parts; None where they are not known.
    """
    names = names or ModelNames()
    nodes = model.graph.node
    trains = any(node.op_type == YIELD_OP for node in nodes)
    records = None if record is None else record.nodes
    flat = flatten(model, names.is_parameter, draw_outputs=not trains, nodes=records)
    by_module = record is not None and bool(set(names.modules) - {""})
    halves = _halves(nodes, record, trains=trains)
    if by_module and record is not None:
        ranks = {name: place for place, name in enumerate(names.modules)}
        paths = module_paths([node.module for node in record.nodes])
        tree = build_tree(flat, halves, paths, ranks, modules=True)
    else:
        scopes = ScopePaths(nodes, {tensor.name for tensor in initializers(model.graph)})
        tree = build_tree(flat, halves, scopes, scopes.ranks, modules=False)
    fold_repeats(tree, flat)
    order = node_order(flat)
    split_crowded(tree, order.places)
    notes = structure_notes(model, flat, order, draw_outputs=not trains)
    return _structure(flat, tree, notes)


def _halves(
    nodes: Sequence[onnx.NodeProto], record: GraphRecord | None, *, trains: bool
) -> list[Half | None]:
    """Of each node of the file; None for what joins the two."""
    if record is not None:
        found: list[Half | None] = [node.half for node in record.nodes]
    else:
        backward = backward_indices(nodes)
        found = [
            Half.BACKWARD if index in backward else Half.FORWARD for index in range(len(nodes))
        ]
    if trains:
        for index, node in enumerate(nodes):
            if node.op_type == YIELD_OP:
                found[index] = None
    return found


def _structure(flat: FlatGraph, tree: Tree, notes: Iterable[str]) -> GraphStructure:
    node_group = np.full(len(flat.node_names), -1, dtype=np.int32)
    walked = list(tree.walk())
    counts = [0] * len(walked)
    for place, (_, group) in enumerate(walked):
        node_group[group.nodes] = place - 1
        counts[place] = len(group.nodes)
    for place in range(len(walked) - 1, 0, -1):
        counts[walked[place][0]] += counts[place]
    groups = tuple(
        GroupRecord(
            parent=parent - 1,
            kind=group.kind,
            label=group.label,
            module=group.module,
            half=group.half,
            count=group.count,
            owner=group.owner,
            node_count=counts[place],
        )
        for place, (parent, group) in enumerate(walked)
        if group.kind is not None
    )
    edge_value, edge_to = _edges(flat)
    return GraphStructure(
        file_node_count=flat.file_node_count,
        groups=groups,
        ops=tuple(flat.ops),
        node_op=np.array(flat.node_op, dtype=np.int32),
        node_kind=np.array(flat.node_kind, dtype=np.uint8),
        node_group=node_group,
        node_names=tuple(flat.node_names),
        value_names=tuple(flat.value_names),
        value_node=np.array(flat.value_node, dtype=np.int32),
        edge_value=edge_value,
        edge_to=edge_to,
        notes=tuple(notes),
    )


def _edges(flat: FlatGraph) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """One for each value and user, by user; a value that goes into two slots is one edge."""
    users, _, values = flat.uses()
    inner = values >= 0
    pairs = np.stack([users[inner], values[inner]], axis=1)
    if len(pairs):
        pairs = np.unique(pairs, axis=0)
    return np.ascontiguousarray(pairs[:, 1]), np.ascontiguousarray(pairs[:, 0])
