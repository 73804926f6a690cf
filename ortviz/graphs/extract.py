"""Some nodes of a graph as an ONNX model of their own.

``onnx.utils.Extractor`` takes names of tensors in place of nodes, wants every one of them to have a
type, and in onnx 1.16 needs time quadratic in the nodes; a training graph has thousands of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from ortviz.errors import OrtvizError
from ortviz.graphs.element_types import NOT_A_TENSOR, element_types

MAX_INITIALIZER_BYTES = 2**20
"""Larger values become inputs of the part."""

_GRADIENT = "_grad"


@dataclass(frozen=True, slots=True)
class GraphPart:
    """A part of a graph.

    Attributes:
        model_bytes: Serialised ModelProto.
        node_count: Nodes in it.
        notes: Sentences for a person: what was added, what became an input, what is assumed.
    """

    model_bytes: bytes
    node_count: int
    notes: tuple[str, ...]


def extract(model: onnx.ModelProto, chosen: Iterable[int]) -> GraphPart:
    """Take nodes out of a graph; nothing is run.

    Inputs are the values that enter, outputs those that leave. Nodes on a way from one chosen node
    to another are taken too, since a graph must not enter itself; so are nodes that make constants.

    Args:
        model: With its values; not changed.
        chosen: Places in ``model.graph.node``; at least one.

    Raises:
        OrtvizError: What came out cannot be written.
    """
    flow = _Flow(model.graph)
    wanted = set(chosen)
    between = flow.between(wanted)
    constants = flow.constants_of(wanted | between)
    taken = sorted(wanted | between | constants)
    part = _Part(model, flow, taken)
    notes = [
        *_added(
            len(between - constants),
            "node between the chosen ones was",
            "between the chosen ones were",
        ),
        *part.notes,
    ]
    built = part.build()
    notes.extend(_objections(built))
    try:
        content = built.SerializeToString()
    except Exception as error:
        raise OrtvizError(f"This part of the graph cannot be written: {error}.") from error
    return GraphPart(content, len(taken), tuple(notes))


def _few(names: Sequence[str]) -> str:
    return ", ".join(name[:80] for name in names[:3]) + (", …" if len(names) > 3 else "")


def _added(count: int, one: str, many: str) -> list[str]:
    if not count:
        return []
    return [f"1 {one} added." if count == 1 else f"{count} nodes {many} added."]


class _Flow:
    """Who makes and who uses each value of a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = list(graph.node)
        self.uses = [tuple(dict.fromkeys(_used_by(node))) for node in self.nodes]
        self.maker: dict[str, int] = {}
        self.users: dict[str, list[int]] = {}
        for index, node in enumerate(self.nodes):
            for name in filter(None, node.output):
                self.maker.setdefault(name, index)
            for name in self.uses[index]:
                self.users.setdefault(name, []).append(index)

    def between(self, chosen: set[int]) -> set[int]:
        """Nodes that follow from a chosen one and that another chosen one follows from."""
        after = self._reached(chosen, self._following)
        before = self._reached(chosen, self._leading)
        return (after & before) - chosen

    def constants_of(self, taken: set[int]) -> set[int]:
        """Constant nodes that are used by taken ones and are not among them."""
        makers = {self.maker.get(name) for index in taken for name in self.uses[index]}
        return {
            index
            for index in makers
            if index is not None and index not in taken and self.nodes[index].op_type == "Constant"
        }

    def _following(self, index: int) -> Iterator[int]:
        for name in self.nodes[index].output:
            yield from self.users.get(name, ())

    def _leading(self, index: int) -> Iterator[int]:
        for name in self.uses[index]:
            maker = self.maker.get(name)
            if maker is not None:
                yield maker

    @staticmethod
    def _reached(start: set[int], step: Callable[[int], Iterable[int]]) -> set[int]:
        found: set[int] = set()
        waiting = list(start)
        while waiting:
            for index in step(waiting.pop()):
                if index not in found:
                    found.add(index)
                    waiting.append(index)
        return found


def _used_by(node: onnx.NodeProto) -> Iterator[str]:
    """Values a node takes, those that its subgraphs take from around them included."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            for body in (attribute.g, *attribute.graphs):
                inside = {each.name for each in (*body.input, *body.initializer)}
                for inner in body.node:
                    yield from (name for name in _used_by(inner) if name not in inside)
                    inside.update(inner.output)
                yield from (each.name for each in body.output if each.name not in inside)


class _Part:
    """The graph that is being built."""

    def __init__(self, model: onnx.ModelProto, flow: _Flow, taken: Sequence[int]) -> None:
        self._model = model
        self._flow = flow
        self._taken = taken
        self._own = frozenset(taken)
        graph = model.graph
        self._types = element_types(model)
        self._infos = {each.name: each for each in (*graph.value_info, *graph.input, *graph.output)}
        self._initializers = {each.name: each for each in graph.initializer}
        self._sparse = {each.values.name: each for each in graph.sparse_initializer}
        self._assumed: list[str] = []
        self._shapeless: list[str] = []
        self._large: list[str] = []
        self._outer = {each.name for each in graph.output}
        self._kept: list[TensorProto] = []
        self._kept_sparse: list[onnx.SparseTensorProto] = []
        made = [name for index in taken for name in filter(None, flow.nodes[index].output)]
        self._inputs = [self._info(name) for name in self._entering(set(made))]
        self._outputs = [self._info(name) for name in dict.fromkeys(made) if self._leaves(name)]
        inner = (name for name in dict.fromkeys(made) if not self._leaves(name))
        self._inner = [self._infos[name] for name in inner if name in self._infos]

    @property
    def notes(self) -> Iterator[str]:
        """What a person should know of it."""
        if self._large:
            what = "weight is an input" if len(self._large) == 1 else "weights are inputs"
            yield (
                f"{len(self._large)} {what} of the part, because the values are large or lie in "
                "another file."
            )
        if self._assumed:
            yield f"The graph does not tell the type of {_few(self._assumed)}; float32 is assumed."
        if self._shapeless:
            yield (
                f"The graph does not tell the shape of {_few(self._shapeless)}, so the part has "
                "none: ONNX Runtime takes it all the same, onnx's checker does not."
            )

    def build(self) -> onnx.ModelProto:
        """The model, nodes in the order of the file."""
        model = self._model
        nodes = [self._flow.nodes[index] for index in self._taken]
        graph = helper.make_graph(
            nodes,
            f"part of {model.graph.name}",
            self._inputs,
            self._outputs,
            initializer=self._kept,
            value_info=self._inner,
            sparse_initializer=self._kept_sparse,
        )
        return helper.make_model(
            graph,
            producer_name="ortviz",
            ir_version=model.ir_version,
            opset_imports=list(model.opset_import),
            functions=list(model.functions),
        )

    def _entering(self, made: set[str]) -> list[str]:
        """Values that come from outside and are not taken along, in the order of their use."""
        used = dict.fromkeys(name for index in self._taken for name in self._flow.uses[index])
        return [name for name in used if name not in made and not self._take_along(name)]

    def _take_along(self, name: str) -> bool:
        sparse = self._sparse.get(name)
        if sparse is not None:
            self._kept_sparse.append(sparse)
            return True
        tensor = self._initializers.get(name)
        if tensor is None:
            return False
        outside = tensor.data_location == TensorProto.EXTERNAL
        if outside or tensor.ByteSize() > MAX_INITIALIZER_BYTES:
            self._large.append(name)
            return False
        self._kept.append(tensor)
        return True

    def _leaves(self, name: str) -> bool:
        users = self._flow.users.get(name, ())
        return name in self._outer or not users or any(user not in self._own for user in users)

    def _info(self, name: str) -> onnx.ValueInfoProto:
        known = self._infos.get(name)
        if known is not None and known.HasField("type"):
            return helper.make_value_info(name, known.type)
        # A gradient has type and shape of what it is the gradient of.
        of = self._infos.get(name.partition(_GRADIENT)[0])
        if of is not None and of.HasField("type"):
            return helper.make_value_info(name, of.type)
        tensor = self._initializers.get(name)
        if tensor is not None:
            return helper.make_tensor_value_info(name, int(tensor.data_type), list(tensor.dims))
        self._shapeless.append(name)
        return helper.make_tensor_value_info(name, self._type(name), None)

    def _type(self, name: str) -> int:
        for each in (name, name.partition(_GRADIENT)[0]):
            found = self._types.get(each, NOT_A_TENSOR)
            if found != NOT_A_TENSOR:
                return found
        self._assumed.append(name)
        return int(TensorProto.FLOAT)


def _objections(model: onnx.ModelProto) -> list[str]:
    """What onnx's checker finds, but for shapes that are not known, which it asks for too."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for each in (*copy.graph.input, *copy.graph.output):
        kind = each.type.WhichOneof("value")
        if kind == "tensor_type" and not each.type.tensor_type.HasField("shape"):
            each.type.tensor_type.shape.dim.add()
    try:
        onnx.checker.check_model(copy)
    except Exception as error:  # noqa: BLE001 - of a graph that breaks the rules a part does too
        return [f"onnx's checker objects to it: {' '.join(str(error).split())[:300]}"]
    return []
