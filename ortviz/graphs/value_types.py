"""Which type and shape each tensor of a model has, as far as the file or onnx can tell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto, shape_inference

from ortviz.graphs.element_types import dtype_name, element_types
from ortviz.graphs.flat import graphs_in_order, initializers
from ortviz.graphs.texts import type_text

MAX_INFERRED_NODES = 3000
"""Larger graphs show the shapes in the file only: inference takes long and copies the model."""
MAX_INFERRED_BYTES = 32 * 2**20

Shape = tuple[str, ...]
_MAX_AXES = 64
_MAX_DEPTH = 100
"""Functions and bodies inside each other."""


@dataclass(slots=True)
class GraphTypes:
    """The tensors of one graph, by name.

    Attributes:
        given: Inputs of the graph.
        constants: What lies in the file.
        infos: What the file, or inference, says of the others.
        element_types: Members of ``TensorProto.DataType`` where only those are known.
    """

    given: dict[str, onnx.ValueInfoProto] = field(default_factory=dict)
    constants: dict[str, TensorProto] = field(default_factory=dict)
    infos: dict[str, onnx.ValueInfoProto] = field(default_factory=dict)
    element_types: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str) -> tuple[Shape | None, str]:
        """Shape and dtype; None and empty where nothing is known."""
        constant = self.constants.get(name)
        if constant is not None:
            sizes = tuple(str(size) for size in constant.dims[:_MAX_AXES])
            return sizes, dtype_name(constant.data_type)
        info = self.infos.get(name) or self.given.get(name)
        if info is not None and info.type.WhichOneof("value"):
            return _shape(info.type), type_text(info.type)
        return None, dtype_name(self.element_types.get(name, 0))


def graph_types(model: onnx.ModelProto, *, may_infer: bool) -> list[GraphTypes]:
    """The tensors of the main graph, then of its subgraphs in :func:`flat.graphs_in_order`.

    Args:
        model: Any ONNX model.
        may_infer: Whether onnx may infer what the file does not say; it does so for models of
            moderate size only.
    """
    tables = [_of_graph(graph) for graph, _ in graphs_in_order(model.graph)]
    if may_infer and _is_small(model):
        for table, (graph, _) in zip(tables, graphs_in_order(_inferred(model)), strict=False):
            for info in (*graph.value_info, *graph.output):
                known = table.infos.get(info.name)
                if known is None or not known.type.WhichOneof("value"):
                    table.infos[info.name] = info
    tables[0].element_types = element_types(model)
    return tables


def _is_small(model: onnx.ModelProto) -> bool:
    if len(model.graph.node) > MAX_INFERRED_NODES or model.ByteSize() > MAX_INFERRED_BYTES:
        return False
    return _Inlined(model).count() <= MAX_INFERRED_NODES


class _Inlined:
    """Counts the nodes that inference goes through: those of bodies, and functions at every call.

    A few dozen functions that call each other twice are more calls than can ever be made.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._functions = {(each.domain, each.name): each for each in model.functions}
        self._known: dict[tuple[str, str], float] = {}

    def count(self) -> float:
        """Infinite where a function calls itself, or calls go very deep."""
        return self._of_nodes(self._model.graph.node, 0)

    def _of_nodes(self, nodes: Iterable[onnx.NodeProto], depth: int) -> float:
        count = 0.0
        for node in nodes:
            count += 1 + self._of_function((node.domain, node.op_type), depth + 1)
            for attribute in node.attribute:
                bodies = (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ()))
                count += sum(self._of_nodes(body.node, depth + 1) for body in bodies)
        return count

    def _of_function(self, key: tuple[str, str], depth: int) -> float:
        function = self._functions.get(key)
        if function is None:
            return 0
        if key not in self._known:
            # Also what a call of it from inside of it finds.
            self._known[key] = math.inf
            if depth <= _MAX_DEPTH:
                self._known[key] = self._of_nodes(function.node, depth)
        return self._known[key]


def _inferred(model: onnx.ModelProto) -> onnx.GraphProto:
    """The main graph with what onnx finds out; without it where the model is not valid."""
    try:
        return shape_inference.infer_shapes(model).graph
    except Exception:  # noqa: BLE001 - onnx's errors have no class of their own in common
        return model.graph


def _of_graph(graph: onnx.GraphProto) -> GraphTypes:
    return GraphTypes(
        given={each.name: each for each in graph.input},
        constants={each.name: each for each in initializers(graph)},
        infos={each.name: each for each in (*graph.value_info, *graph.output)},
    )


def _shape(kind: onnx.TypeProto) -> Shape | None:
    which = kind.WhichOneof("value")
    if which not in ("tensor_type", "sparse_tensor_type"):
        return None
    tensor = getattr(kind, which)
    if not tensor.HasField("shape"):
        return None
    return tuple(_size(each) for each in tensor.shape.dim[:_MAX_AXES])


def _size(dimension: onnx.TensorShapeProto.Dimension) -> str:
    which = dimension.WhichOneof("value")
    if which == "dim_value":
        return str(dimension.dim_value)
    return dimension.dim_param[:200] or "?"
