"""What single nodes of a graph are: attributes, tensors with shapes, where they came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import onnx

from ortviz.graphs.flat import graphs_in_order
from ortviz.graphs.schemas import operator_schema, opset_versions, slot_names
from ortviz.graphs.structure import ModelNames
from ortviz.graphs.texts import attribute_details, elements_text
from ortviz.graphs.value_types import GraphTypes, Shape, graph_types
from ortviz.record.graphs import GraphRecord
from ortviz.record.node_details import NodeDetails, OperatorSchema, ValueDetails, ValueKind
from ortviz.record.structures import GRAPH_INPUT, OPERATOR, GraphStructure

CHUNK_SIZE = 500
"""Nodes of one answer."""
MAX_SLOTS = 500
"""Inputs, and outputs, of one node that are told."""

_EVIDENCE = {
    "output_name": "The name of its output has the module's scope.",
    "gradient_of": "It computes the gradient of a node, or tensor, of that module.",
    "node_name": "Its own name has the module's scope.",
    "model_output": "It gives the model's output and stands in no module but the model itself.",
    "lineage": "The nodes that it was made from, in the stage before, are of that module.",
    "doubtful_name": "Its name may be another module's too.",
    "neighbour": "Its names tell nothing; all nodes that use its results are in that module.",
    "": "Neither its names nor the nodes around it tell of a module.",
}
_NO_MODULES = "Nothing is known of the modules of this file; the groups are scopes in names."


class DetailsReader:
    """Answers for the nodes of one graph.

    Args:
        model: The graph; not changed.
        structure: The same graph; its numbers of nodes are used.
        record: The same graph; its modules are used.
        names: The names of the model's parts.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        structure: GraphStructure,
        record: GraphRecord,
        names: ModelNames,
    ) -> None:
        self._model = model
        self._structure = structure
        self._record = record
        self._names = names
        self._nodes: list[tuple[onnx.NodeProto, int]] = []
        self._around: list[int] = []
        self._made: list[frozenset[str]] = []
        for place, (graph, around) in enumerate(graphs_in_order(model.graph)):
            self._nodes += [(node, place) for node in graph.node]
            self._around.append(around)
            self._made.append(frozenset(name for node in graph.node for name in node.output))
        self._types = graph_types(model, may_infer=_runs(structure))
        self._values_known: dict[tuple[int, str], tuple[ValueKind, Shape | None, str, str]] = {}
        self._schemas: dict[tuple[str, str], OperatorSchema] = {}
        self._versions = opset_versions(model)
        self._owners = self._body_owners()

    def chunk(self, number: int) -> tuple[NodeDetails, ...]:
        """Nodes ``number * CHUNK_SIZE`` and those after it; none beyond the last."""
        first = number * CHUNK_SIZE
        last = min(first + CHUNK_SIZE, len(self._structure.node_names))
        return tuple(self._details(node) for node in range(first, last))

    def _details(self, number: int) -> NodeDetails:
        kind = self._structure.node_kind[number]
        if kind != OPERATOR:
            name = self._structure.node_names[number]
            slot = "input" if kind == GRAPH_INPUT else "output"
            end = (self._value(slot, name, 0),)
            is_input = kind == GRAPH_INPUT
            return NodeDetails(
                number, None, "", (), () if is_input else end, end if is_input else ()
            )
        node, graph = self._nodes[number]
        module, evidence = self._module(number)
        schema = self._schema(node)
        inputs, outputs = list(node.input[:MAX_SLOTS]), list(node.output[:MAX_SLOTS])
        return NodeDetails(
            node=number,
            module=module,
            evidence=evidence,
            attributes=tuple(attribute_details(each) for each in node.attribute),
            inputs=self._values(slot_names(schema.inputs, len(inputs)), inputs, graph),
            outputs=self._values(slot_names(schema.outputs, len(outputs)), outputs, graph),
            note=_left_out(node),
        )

    def _schema(self, node: onnx.NodeProto) -> OperatorSchema:
        op = node.op_type, node.domain
        found = self._schemas.get(op)
        if found is None:
            found = self._schemas[op] = operator_schema(*op, self._versions)
        return found

    def _values(
        self, slots: Sequence[str], names: Sequence[str], graph: int
    ) -> tuple[ValueDetails, ...]:
        return tuple(
            self._value(slot, name, graph) for slot, name in zip(slots, names, strict=True)
        )

    def _value(self, slot: str, name: str, graph: int) -> ValueDetails:
        if not name:
            return ValueDetails(slot, "", ValueKind.ABSENT, None, "")
        known = self._values_known.get((graph, name))
        if known is None:
            known = self._values_known[graph, name] = self._look_up(name, graph)
        return ValueDetails(slot, name, *known)

    def _look_up(self, name: str, graph: int) -> tuple[ValueKind, Shape | None, str, str]:
        """Kind, shape, dtype and elements of a tensor that a node of a graph uses or makes."""
        for place in self._enclosing(graph):
            table = self._types[place]
            constant = table.constants.get(name)
            made = name in self._made[place]
            if not (made or constant is not None or name in table.given):
                continue
            shape, dtype = table.of(name)
            text = "" if constant is None else elements_text(constant)
            return self._kind(name, table, made=made, outer=place != graph), shape, dtype, text
        shape, dtype = self._types[graph].of(name)
        return ValueKind.VALUE, shape, dtype, ""

    def _kind(self, name: str, table: GraphTypes, *, made: bool, outer: bool) -> ValueKind:
        if made:
            return ValueKind.OUTER if outer else ValueKind.VALUE
        if self._names.is_parameter(name):
            return ValueKind.PARAMETER
        if name in table.constants:
            return ValueKind.CONSTANT
        return ValueKind.OUTER if outer else ValueKind.INPUT

    def _enclosing(self, graph: int) -> Iterator[int]:
        """A graph and those around it."""
        while graph >= 0:
            yield graph
            graph = self._around[graph]

    def _module(self, number: int) -> tuple[str | None, str]:
        if len(self._names.modules) <= 1 and not any(self._names.modules):
            return None, _NO_MODULES
        if number < self._structure.file_node_count:
            node = self._record.nodes[number]
            return node.module, _EVIDENCE.get(node.evidence, node.evidence)
        owner = self._owners.get(number, -1)
        module = self._record.nodes[owner].module if owner >= 0 else None
        return module, "It stands in the body of a node, and has that node's module."

    def _body_owners(self) -> dict[int, int]:
        """Node of a body -> the node of the main graph in which the body is, at whatever depth."""
        structure, found = self._structure, dict[int, int]()
        around = [group.owner for group in structure.groups]
        for place, group in enumerate(structure.groups):
            if group.owner < 0 and group.parent >= 0:
                around[place] = around[group.parent]
        for node in range(structure.file_node_count, len(self._nodes)):
            owner = around[int(structure.node_group[node])]
            found[node] = found.get(owner, owner)
        return found


def _left_out(node: onnx.NodeProto) -> str:
    return " ".join(
        f"The first {MAX_SLOTS} of its {len(names)} {what} are listed."
        for names, what in ((node.input, "inputs"), (node.output, "outputs"))
        if len(names) > MAX_SLOTS
    )


def _runs(structure: GraphStructure) -> bool:
    """Whether every node comes after those whose results it uses, as onnx takes for granted."""
    makers = structure.value_node[structure.edge_value]
    ends = (structure.node_kind[makers] != OPERATOR) | (
        structure.node_kind[structure.edge_to] != OPERATOR
    )
    return bool(((makers < structure.edge_to) | ends).all())
