"""ONNX models made by hand, and their hierarchies as lines that a test can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx
from onnx import TensorProto, helper

from ortviz.graphs import ModelNames, read_structure
from ortviz.graphs.read import backward_indices
from ortviz.record import GraphRecord, GraphStructure, Half, Mode, NodeRecord, Stage


def node(
    op: str,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    name: str = "",
    domain: str = "",
    **attributes: object,
) -> onnx.NodeProto:
    """A node; its first output has its name unless said otherwise."""
    outs = list(outputs) or [name or "out"]
    return helper.make_node(op, list(inputs), outs, name=name, domain=domain, **attributes)


def value(name: str, shape: Sequence[int | str | None] | None = (2,)) -> onnx.ValueInfoProto:
    """A float32 tensor."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    initializers: Sequence[TensorProto] = (),
    name: str = "g",
) -> onnx.GraphProto:
    """A graph of float32 tensors."""
    return helper.make_graph(
        list(nodes),
        name,
        [value(each) for each in inputs],
        [value(each) for each in outputs],
        initializer=list(initializers),
    )


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Iterable[str] = ("x",),
    outputs: Iterable[str] = (),
    initializers: Sequence[TensorProto] = (),
) -> onnx.ModelProto:
    """A model of operator set 17."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph(nodes, inputs, outputs, initializers), opset_imports=opsets)


def chain(
    count: int, op: str = "Relu", first: str = "x", prefix: str = "n"
) -> list[onnx.NodeProto]:
    """Nodes in a row: ``n0``, ``n1``, …."""
    names = [f"{prefix}{place}" for place in range(count)]
    return [
        node(op, [before], name=name)
        for before, name in zip([first, *names[:-1]], names, strict=True)
    ]


def record_of(made: onnx.ModelProto, modules: Mapping[str, str | None]) -> GraphRecord:
    """The record of a model whose nodes came from known modules, by their names."""
    nodes = list(made.graph.node)
    backward = backward_indices(nodes)
    rows = tuple(
        NodeRecord(
            index=index,
            name=each.name,
            op_type=each.op_type,
            domain=each.domain,
            inputs=tuple(each.input),
            outputs=tuple(each.output),
            half=Half.BACKWARD if index in backward else Half.FORWARD,
            module=modules.get(each.name),
            evidence="node_name" if modules.get(each.name) is not None else "",
        )
        for index, each in enumerate(nodes)
    )
    return GraphRecord(Mode.TRAINING, Stage.EXECUTION_MODEL, rows, (), b"")


def structure_of(
    made: onnx.ModelProto, modules: Mapping[str, str | None], names: Sequence[str]
) -> GraphStructure:
    """The hierarchy of a model whose nodes came from known modules.

    Args:
        made: The model.
        modules: Node name -> module.
        names: As ``named_modules()`` gives them, without the root.
    """
    return read_structure(made, record_of(made, modules), ModelNames(("", *names)))


def outline(structure: GraphStructure) -> list[str]:
    """A line for each group, and one for nodes of each that stand in no inner one.

    ``module 0 ×1 (2): a b`` is a module with two nodes, both its own.
    """
    lines: list[str] = []

    def nodes_in(group: int) -> str:
        members = [
            name
            for name, where in zip(structure.node_names, structure.node_group, strict=True)
            if where == group
        ]
        return " ".join(members)

    def add(group: int, depth: int) -> None:
        for place, each in enumerate(structure.groups):
            if each.parent == group:
                count = f" ×{each.count}" if each.count > 1 else ""
                own = nodes_in(place)
                lines.append(
                    f"{'  ' * depth}{each.kind} {each.label}{count} ({each.node_count})"
                    + (f": {own}" if own else "")
                )
                add(place, depth + 1)

    if top := nodes_in(-1):
        lines.append(top)
    add(-1, 0)
    return lines


def edges(structure: GraphStructure) -> list[tuple[str, str, str]]:
    """(maker, value, user) by names."""
    return [
        (
            structure.node_names[structure.value_node[of]],
            structure.value_names[of],
            structure.node_names[to],
        )
        for of, to in zip(structure.edge_value, structure.edge_to, strict=True)
    ]
