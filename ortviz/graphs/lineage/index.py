"""One stage's graph, as lineage looks at it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from ortviz.graphs.element_types import FLOATING

RANDOM_OPS = frozenset(
    {"Dropout", "BiasDropout", "BitmaskDropout", "BitmaskBiasDropout", "BiasSoftmaxDropout"}
    | {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}
    | {"Multinomial", "Bernoulli", "PythonOp", "PythonOpGrad", "YieldOp"}
)
"""Two nodes of these with equal inputs do not give equal outputs."""

_ORT_MARK = "__"
"""ORT's notes to itself begin so: ``__backwardpass`` stands on nodes of the backward pass."""
_READ_ELEMENTS = 4096
"""Constants up to so many elements are compared by value, others by how they are stored."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One node.

    Attributes:
        name: As in the file; may be empty or repeated.
        op: Operator, with its domain where that is not ONNX's own.
        op_type: Operator alone.
        attributes: What differs from the operator's defaults, comparable.
        inputs: Value names; empty for optional ones left out.
        outputs: Value names.
        outer: Values of the graph around them that its subgraphs use.
    """

    name: str
    op: str
    op_type: str
    attributes: Hashable
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    outer: tuple[str, ...] = ()

    @property
    def uses(self) -> tuple[str, ...]:
        """All values it reads."""
        return tuple(filter(None, (*self.inputs, *self.outer)))


@dataclass(frozen=True, slots=True)
class GraphIndex:
    """A graph whose values can be looked up.

    Attributes:
        operations: Its nodes in file order.
        producer: Value -> the node that makes it.
        users: Value -> the nodes that read it.
        stored: Values that lie in the file, by initializer or Constant node -> their content.
        initializers: Names of those that are initializers.
        constant: Values that follow from stored ones alone, those included.
        inputs: The graph's own inputs that are not initializers.
        outputs: The graph's own outputs.
        by_name: Node name -> its nodes.
    """

    operations: tuple[Operation, ...]
    producer: dict[str, int]
    users: dict[str, list[int]]
    stored: dict[str, Hashable]
    initializers: frozenset[str]
    constant: frozenset[str]
    inputs: frozenset[str]
    outputs: frozenset[str]
    by_name: dict[str, list[int]] = field(default_factory=dict)

    def has(self, value: str) -> bool:
        """Whether the graph has this value."""
        return value in self.producer or value in self.initializers or value in self.inputs

    def is_constant(self, node: int) -> bool:
        """Whether all a node gives is known before the graph runs."""
        outputs = [name for name in self.operations[node].outputs if name]
        return bool(outputs) and all(name in self.constant for name in outputs)


def index_graph(model: onnx.ModelProto) -> GraphIndex:
    """Take a model's main graph apart.

    Args:
        model: Any stage. What is wrong in it (a value made twice, used before it is made, or never
            made) is taken as it comes.
    """
    graph = model.graph
    versions = {entry.domain: entry.version for entry in model.opset_import}
    operations = tuple(_operation(node, versions.get(node.domain, 1)) for node in graph.node)
    stored = {each.name: _tensor_content(each) for each in graph.initializer}
    initializers = frozenset(stored)
    producer: dict[str, int] = {}
    users: dict[str, list[int]] = {}
    by_name: dict[str, list[int]] = {}
    for number, operation in enumerate(operations):
        for value in dict.fromkeys(operation.uses):
            users.setdefault(value, []).append(number)
        for value in filter(None, operation.outputs):
            producer.setdefault(value, number)
        if operation.name:
            by_name.setdefault(operation.name, []).append(number)
        if operation.op == "Constant" and operation.outputs:
            stored.setdefault(operation.outputs[0], _constant_content(graph.node[number]))
    return GraphIndex(
        operations=operations,
        producer=producer,
        users=users,
        stored=stored,
        initializers=initializers,
        constant=frozenset(_constant_values(operations, stored)),
        inputs=frozenset(each.name for each in graph.input) - initializers,
        outputs=frozenset(each.name for each in graph.output),
        by_name=by_name,
    )


def _constant_values(operations: tuple[Operation, ...], stored: dict[str, Hashable]) -> set[str]:
    found = set(stored)
    for operation in operations:
        uses = operation.uses
        if uses and operation.op_type not in RANDOM_OPS and found.issuperset(uses):
            found.update(filter(None, operation.outputs))
    return found


def _operation(node: onnx.NodeProto, version: int) -> Operation:
    domain = "" if node.domain == "ai.onnx" else node.domain
    attributes = tuple(
        sorted(
            (attribute.name, _attribute_content(attribute))
            for attribute in node.attribute
            if not attribute.name.startswith(_ORT_MARK)
            and not _is_default(attribute, node.op_type, domain, version)
        )
    )
    outer = tuple(
        dict.fromkeys(
            name
            for attribute in node.attribute
            for body in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else []))
            for name in _outer_values(body)
        )
    )
    return Operation(
        name=node.name,
        op=f"{domain}::{node.op_type}" if domain else node.op_type,
        op_type=node.op_type,
        attributes=attributes,
        inputs=tuple(node.input),
        outputs=tuple(node.output),
        outer=outer,
    )


def _outer_values(body: onnx.GraphProto) -> Iterator[str]:
    made = {each.name for each in (*body.input, *body.initializer)}
    for node in body.node:
        for name in node.input:
            if name and name not in made:
                yield name
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from (name for name in _outer_values(inner) if name not in made)
        made.update(node.output)
    yield from (each.name for each in body.output if each.name not in made)


def _attribute_content(attribute: AttributeProto) -> bytes:
    if not attribute.doc_string:
        return bytes(attribute.SerializeToString(deterministic=True))
    bare = AttributeProto()
    bare.CopyFrom(attribute)
    bare.ClearField("doc_string")
    return bytes(bare.SerializeToString(deterministic=True))


def _is_default(attribute: AttributeProto, op_type: str, domain: str, version: int) -> bool:
    default = _defaults(op_type, domain, version).get(attribute.name)
    return default is not None and default == _attribute_content(attribute)


@functools.lru_cache(maxsize=1024)
def _defaults(op_type: str, domain: str, version: int) -> dict[str, bytes]:
    """ORT writes out an operator's default attributes, the exporter leaves them out."""
    try:
        schema = onnx.defs.get_schema(op_type, version, domain)
    except onnx.defs.SchemaError:
        return {}
    found = {}
    for name, attribute in schema.attributes.items():
        default = attribute.default_value
        if default is not None and default.type:
            default.name = name
            found[name] = _attribute_content(default)
    return found


def _constant_content(node: onnx.NodeProto) -> Hashable:
    for attribute in node.attribute:
        if attribute.name == "value" and attribute.HasField("t"):
            return _tensor_content(attribute.t)
        return attribute.name, _attribute_content(attribute)
    return node.name


def _tensor_content(tensor: TensorProto) -> Hashable:
    head = (int(tensor.data_type), tuple(tensor.dims))
    count = int(np.prod(tensor.dims)) if tensor.dims else 1
    readable = tensor.data_location != TensorProto.EXTERNAL and (
        tensor.data_type in FLOATING
        or TensorProto.FLOAT < tensor.data_type < TensorProto.STRING
        or tensor.data_type in (TensorProto.BOOL, TensorProto.UINT64, TensorProto.UINT32)
    )
    if readable and count <= _READ_ELEMENTS:
        try:
            return (*head, numpy_helper.to_array(tensor).tobytes())
        except (ValueError, TypeError):
            pass
    bare = TensorProto()
    bare.CopyFrom(tensor)
    bare.ClearField("name")
    bare.ClearField("doc_string")
    return (*head, hashlib.blake2b(bare.SerializeToString(deterministic=True)).digest())
