"""Which type and shape each tensor of a model has, as far as the file or onnx can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import onnx
from onnx import TensorProto, shape_inference

from ortviz.graphs.element_types import element_types
from ortviz.graphs.flat import graphs_in_order, initializers
from ortviz.graphs.texts import dtype_name, type_text

MAX_INFERRED_NODES = 3000
"""Larger graphs show the shapes in the file only: inference takes long and copies the model."""
MAX_INFERRED_BYTES = 32 * 2**20

Shape = tuple[str, ...]
_MAX_AXES = 64


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
    return len(model.graph.node) <= MAX_INFERRED_NODES and model.ByteSize() <= MAX_INFERRED_BYTES


def _inferred(model: onnx.ModelProto) -> onnx.GraphProto:
    """The main graph with what onnx finds out; without it where the model is not valid."""
    try:
        return shape_inference.infer_shapes(model).graph
    except (shape_inference.InferenceError, ValueError, RuntimeError, TypeError):
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
