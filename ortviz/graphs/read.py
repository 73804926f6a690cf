"""An ONNX file that ORTModule saved -> GraphRecord."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import onnx
from google.protobuf.message import DecodeError

from ortviz.errors import OrtvizError
from ortviz.graphs.scopes import ModuleScopes, forward_node_name
from ortviz.record import GraphRecord, Half, Mode, NodeRecord, Stage

YIELD_OP = "YieldOp"


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
    nodes = list(model.graph.node)
    backward = backward_indices(nodes)
    traced = _from_consumers(nodes, [_trace(node, scopes) for node in nodes])
    return GraphRecord(
        mode=mode,
        stage=stage,
        nodes=tuple(
            NodeRecord(
                index=index,
                name=node.name,
                op_type=node.op_type,
                domain=node.domain,
                inputs=tuple(node.input),
                outputs=tuple(node.output),
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
    """The module of each node, by its names or by its consumers'; None where nothing tells."""
    traced = _from_consumers(nodes, [_trace(node, scopes) for node in nodes])
    return [module for module, _ in traced]


def backward_indices(nodes: Sequence[onnx.NodeProto]) -> set[int]:
    """Nodes that run after the YieldOp, and those that only prepare a gradient."""
    after_yield: set[str] = set()
    found: set[int] = set()
    for index, node in enumerate(nodes):
        if node.op_type == YIELD_OP:
            after_yield.update(filter(None, node.output))
        elif any(name in after_yield for name in node.input):
            after_yield.update(filter(None, node.output))
            found.add(index)
        elif forward_node_name(node.name) is not None:
            found.add(index)
    return found


def _trace(node: onnx.NodeProto, scopes: ModuleScopes) -> tuple[str | None, str]:
    """The module of one node by its own names, with the evidence."""
    made_from = forward_node_name(node.name)
    if made_from is not None:
        module = scopes.module_of(made_from)
        if module is not None:
            return module, "gradient_of"
    for output in node.output:
        module = scopes.module_of(output)
        if module is not None:
            return module, "output_name"
        owner = scopes.parameter_owner(output)
        if owner is not None:
            return owner, "output_name"
    module = scopes.module_of(node.name)
    if module is not None:
        return module, "node_name"
    return None, ""


def _from_consumers(
    nodes: Sequence[onnx.NodeProto], traced: list[tuple[str | None, str]]
) -> list[tuple[str | None, str]]:
    """Give nameless nodes the module of their consumers where those agree."""
    consumers: dict[str, list[int]] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            consumers.setdefault(name, []).append(index)
    result = list(traced)
    for index in range(len(nodes) - 1, -1, -1):
        if result[index][0] is not None:
            continue
        users = {
            result[user][0] for output in nodes[index].output for user in consumers.get(output, ())
        }
        users.discard(None)
        if len(users) == 1:
            result[index] = (users.pop(), "neighbour")
    return result
