"""A ModelProto with its subgraphs as plain lists and arrays of numbers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray

from ortviz.record.graphs import NodeRecord
from ortviz.record.structures import GRAPH_INPUT, GRAPH_OUTPUT, OPERATOR

MAX_DRAWN_INPUTS = 50
"""Inputs of a graph that become nodes; as many of its outputs."""

OUTSIDE, ABSENT, NOWHERE = -1, -2, -3
"""In place of a value: a parameter, constant or input; left out; made nowhere."""

_GRAPH_ATTRIBUTE = int(onnx.AttributeProto.GRAPH)
_GRAPH_ATTRIBUTES = (_GRAPH_ATTRIBUTE, int(onnx.AttributeProto.GRAPHS))


@dataclass(frozen=True, slots=True)
class Body:
    """A subgraph: nodes ``first`` to ``last - 1`` are its own, those of inner ones not included.

    Attributes:
        owner: The node whose attribute it is.
        label: The attribute's name.
    """

    owner: int
    label: str
    first: int
    last: int


@dataclass(slots=True)
class FlatGraph:
    """Nodes of the file first, then those of bodies, then inputs and outputs of the graph.

    Attributes:
        node_names: By node.
        node_op: By node; place in ``ops``, -1 for inputs and outputs of the graph.
        node_kind: By node.
        file_node_count: How many are the main graph's own.
        operator_count: How many are operators; the inputs and outputs come after them.
        ops: (operator, domain).
        bodies: Those of outer ones before those of inner ones.
        value_names: By value.
        value_node: By value: the node that makes it.
        use_node: By use, in ascending order: the node.
        use_slot: By use: which of its inputs.
        use_value: By use: the value, or ``OUTSIDE``, ``ABSENT``, ``NOWHERE``.
        repeated_names: Tensors made more than once in one graph.
        nowhere_names: Tensors used that nothing makes.
        undrawn_input_count: Inputs that did not become nodes.
        undrawn_output_count: Likewise outputs.
    """

    node_names: list[str] = field(default_factory=list)
    node_op: list[int] = field(default_factory=list)
    node_kind: list[int] = field(default_factory=list)
    file_node_count: int = 0
    operator_count: int = 0
    ops: dict[tuple[str, str], int] = field(default_factory=dict)
    bodies: list[Body] = field(default_factory=list)
    value_names: list[str] = field(default_factory=list)
    value_node: list[int] = field(default_factory=list)
    use_node: list[int] = field(default_factory=list)
    use_slot: list[int] = field(default_factory=list)
    use_value: list[int] = field(default_factory=list)
    repeated_names: dict[str, None] = field(default_factory=dict)
    nowhere_names: dict[str, None] = field(default_factory=dict)
    undrawn_input_count: int = 0
    undrawn_output_count: int = 0

    def uses(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """``use_node``, ``use_slot`` and ``use_value`` as int32 (use)."""
        return _int32(self.use_node), _int32(self.use_slot), _int32(self.use_value)


def flatten(
    model: onnx.ModelProto,
    is_parameter: Callable[[str], bool],
    *,
    draw_outputs: bool = True,
    nodes: Sequence[NodeRecord] | None = None,
) -> FlatGraph:
    """Read all nodes, tensors and uses of tensors. Weights and attributes are not decoded.

    Args:
        model: Any ONNX model; need not be valid.
        is_parameter: Whether an input of the graph is a parameter or buffer, which is no node.
        draw_outputs: Whether outputs of the graph become nodes.
        nodes: The file's nodes where they were read before: names are taken from them, as each
            look at a message copies the text.
    """
    return _Reader(is_parameter).read(model.graph, nodes, draw_outputs=draw_outputs)


@dataclass(frozen=True, slots=True)
class _Scope:
    """The tensors of a graph by name, and the graph around it."""

    values: dict[str, int]
    around: _Scope | None

    def find(self, name: str) -> int:
        scope: _Scope | None = self
        while scope is not None:
            found = scope.values.get(name)
            if found is not None:
                return found
            scope = scope.around
        return NOWHERE


_Waiting = tuple[int, str, onnx.GraphProto, "_Scope", Sequence[str]]
"""Owner, label, body, the scope around it and the owner's inputs."""


class _Reader:
    def __init__(self, is_parameter: Callable[[str], bool]) -> None:
        self._flat = FlatGraph()
        self._is_parameter = is_parameter
        self._waiting: deque[_Waiting] = deque()

    def read(
        self,
        graph: onnx.GraphProto,
        records: Sequence[NodeRecord] | None,
        *,
        draw_outputs: bool,
    ) -> FlatGraph:
        flat = self._flat
        fixed = _initializer_names(graph)
        given = dict.fromkeys(each.name for each in graph.input if each.name not in fixed)
        scope = _Scope(dict.fromkeys((*fixed, *given), OUTSIDE), None)
        # Values are numbered by node, and inputs are the last nodes: their numbers follow later.
        drawn = [name for name in given if not self._is_parameter(name)]
        flat.undrawn_input_count = max(len(drawn) - MAX_DRAWN_INPUTS, 0)
        drawn = drawn[:MAX_DRAWN_INPUTS]
        later = {name: -10 - place for place, name in enumerate(drawn)}
        scope.values.update(later)
        self._nodes(graph.node, scope, records)
        flat.file_node_count = len(flat.node_names)
        while self._waiting:
            self._body(*self._waiting.popleft())
        flat.operator_count = len(flat.node_names)
        first_value = len(flat.value_names)
        if later:
            flat.use_value = [
                first_value - 10 - value if value <= -10 else value for value in flat.use_value
            ]
        for place, name in enumerate(drawn):
            self._add_value(name, self._add_end(name, GRAPH_INPUT))
            if scope.values[name] == later[name]:
                scope.values[name] = first_value + place
        if draw_outputs:
            self._outputs(graph, scope)
        return flat

    def _outputs(self, graph: onnx.GraphProto, scope: _Scope) -> None:
        names = [each.name for each in graph.output]
        self._flat.undrawn_output_count = max(len(names) - MAX_DRAWN_INPUTS, 0)
        for name in names[:MAX_DRAWN_INPUTS]:
            self._use(self._add_end(name, GRAPH_OUTPUT), 0, name, scope)

    def _add_end(self, name: str, kind: int) -> int:
        flat = self._flat
        flat.node_names.append(name)
        flat.node_op.append(-1)
        flat.node_kind.append(kind)
        return len(flat.node_names) - 1

    def _add_value(self, name: str, node: int) -> int:
        self._flat.value_names.append(name)
        self._flat.value_node.append(node)
        return len(self._flat.value_names) - 1

    def _nodes(
        self,
        nodes: Sequence[onnx.NodeProto],
        scope: _Scope,
        records: Sequence[NodeRecord] | None = None,
    ) -> None:
        """All of one graph: first what is made, then what is used, in whatever order."""
        flat, first = self._flat, len(self._flat.node_names)
        ops, made = flat.ops, scope.values
        own: set[str] = set()
        inputs: list[Sequence[str]] = []
        texts = _texts(nodes, records)
        for index, (node, (name, op, taken, given)) in enumerate(
            zip(nodes, texts, strict=True), first
        ):
            flat.node_names.append(name)
            flat.node_op.append(ops.setdefault(op, len(ops)))
            for output in given:
                if not output:
                    continue
                value = self._add_value(output, index)
                if output in own:
                    flat.repeated_names[output] = None
                else:
                    own.add(output)
                    made[output] = value
            inputs.append(taken)
            if node.attribute:
                self._find_bodies(index, node, scope)
        flat.node_kind.extend([OPERATOR] * len(inputs))
        for index, names in enumerate(inputs, first):
            for slot, name in enumerate(names):
                self._use(index, slot, name, scope)

    def _use(self, node: int, slot: int, name: str, scope: _Scope) -> None:
        flat = self._flat
        if name:
            value = scope.values.get(name)
            if value is None:
                value = scope.find(name)
                if value == NOWHERE:
                    flat.nowhere_names[name] = None
        else:
            value = ABSENT
        flat.use_node.append(node)
        flat.use_slot.append(slot)
        flat.use_value.append(value)

    def _find_bodies(self, owner: int, node: onnx.NodeProto, scope: _Scope) -> None:
        for attribute in node.attribute:
            if attribute.type not in _GRAPH_ATTRIBUTES:
                continue
            given = list(node.input)
            if node.op_type == "Loop":
                # What its body takes first is the number of the iteration, not how many there are.
                given[:1] = [""]
            if attribute.type == _GRAPH_ATTRIBUTE:
                self._waiting.append((owner, attribute.name, attribute.g, scope, given))
            for place, body in enumerate(attribute.graphs):
                label = f"{attribute.name}[{place}]"
                self._waiting.append((owner, label, body, scope, given))

    def _body(
        self,
        owner: int,
        label: str,
        graph: onnx.GraphProto,
        around: _Scope,
        given: Sequence[str],
    ) -> None:
        # What a Loop or Scan is given enters its body in the same order; those of If take none.
        own = {
            inner.name: around.find(outer) if outer else OUTSIDE
            for inner, outer in zip(graph.input, given, strict=False)
        }
        own.update({each.name: OUTSIDE for each in graph.input if each.name not in own})
        own.update(dict.fromkeys(_initializer_names(graph), OUTSIDE))
        first = len(self._flat.node_names)
        self._nodes(graph.node, _Scope(own, around))
        self._flat.bodies.append(Body(owner, label, first, len(self._flat.node_names)))


_Texts = tuple[str, tuple[str, str], Sequence[str], Sequence[str]]
"""A node's name, operator with domain, inputs and outputs."""


def _texts(
    nodes: Iterable[onnx.NodeProto], records: Iterable[NodeRecord] | None
) -> Iterator[_Texts]:
    if records is None:
        for node in nodes:
            yield node.name, (node.op_type, node.domain), node.input, node.output
    else:
        for each in records:
            yield each.name, (each.op_type, each.domain), each.inputs, each.outputs


def graphs_in_order(graph: onnx.GraphProto) -> Iterator[tuple[onnx.GraphProto, int]]:
    """A graph and all subgraphs in it, in the order in which their nodes are numbered.

    Yields:
        The graph and the place of the one around it, from 0; -1 for the first.
    """
    waiting = deque([(graph, -1)])
    place = 0
    while waiting:
        each, around = waiting.popleft()
        yield each, around
        for node in each.node:
            for attribute in node.attribute:
                if attribute.type == _GRAPH_ATTRIBUTE:
                    waiting.append((attribute.g, place))
                waiting.extend((body, place) for body in attribute.graphs)
        place += 1


def initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All of a graph's own, sparse ones by their values."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield sparse.values


def bodies_by_owner(bodies: Iterable[Body]) -> Mapping[int, list[Body]]:
    """The bodies of each node that has any, in the order of its attributes."""
    found: dict[int, list[Body]] = {}
    for body in bodies:
        found.setdefault(body.owner, []).append(body)
    return found


def _initializer_names(graph: onnx.GraphProto) -> set[str]:
    return {each.name for each in initializers(graph)}


def _int32(numbers: Sequence[int]) -> NDArray[np.int32]:
    return np.array(numbers, dtype=np.int32)
