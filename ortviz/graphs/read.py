"""An ONNX file that ORTModule saved -> GraphRecord."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import onnx
from google.protobuf.message import DecodeError

from ortviz.errors import OrtvizError
from ortviz.graphs.modules import YIELD_OP, backward_indices, plain_nodes, trace_modules
from ortviz.graphs.scopes import ModuleScopes
from ortviz.record import GraphRecord, Half, Mode, NodeRecord, Stage

__all__ = ["YIELD_OP", "backward_indices", "node_modules", "parse_model", "read_graph"]


def parse_model(model_bytes: bytes, what: str) -> onnx.ModelProto:
    """Parse an ONNX file.

    Args:
        model_bytes: The serialised ModelProto.
        what: How to name it in an error, for example ``training/optimized``.

    Raises:
        OrtvizError: It is truncated or no ONNX model.
    """
    try:
        model = onnx.load_model_from_string(model_bytes)
    except DecodeError as error:
        raise OrtvizError(
            f"The graph {what} cannot be read: {error}.", "Is the file complete?"
        ) from error
    if not model.graph.node and not model.graph.input:
        raise OrtvizError(f"The graph {what} is empty.", "It is not an ONNX model.")
    return model


def read_graph(
    model_bytes: bytes,
    mode: Mode,
    stage: Stage,
    scopes: ModuleScopes,
    export_index: int = 0,
) -> GraphRecord:
    """Read one stage and trace each of its nodes to a module where that is possible.

    Args:
        model_bytes: The serialised ModelProto.
        mode: Training or inference.
        stage: Which of the five it is.
        scopes: The names of the model's modules.
        export_index: How many exports of this mode came before.

    Raises:
        OrtvizError: It is no ONNX model.
    """
    model = parse_model(model_bytes, f"{mode.value}/{stage.value}")
    nodes = plain_nodes(model.graph.node)
    backward = backward_indices(nodes)
    outputs = {each.name for each in model.graph.output}
    traced = trace_modules(nodes, scopes, outputs, backward)
    return GraphRecord(
        mode=mode,
        stage=stage,
        nodes=tuple(
            NodeRecord(
                index=index,
                name=node.name,
                op_type=node.op_type,
                domain=node.domain,
                inputs=node.input,
                outputs=node.output,
                half=Half.BACKWARD if index in backward else Half.FORWARD,
                module=traced[index][0],
                evidence=traced[index][1],
            )
            for index, node in enumerate(nodes)
        ),
        op_counts=tuple(Counter(node.op_type for node in nodes).most_common()),
        model_bytes=model_bytes,
        export_index=export_index,
    )


def node_modules(nodes: Sequence[onnx.NodeProto], scopes: ModuleScopes) -> list[str | None]:
    """The module of each node, by its names or the nodes around it; None where nothing tells."""
    return [module for module, _ in trace_modules(plain_nodes(nodes), scopes)]
