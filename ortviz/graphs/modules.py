"""Which module each node of one graph came from, by its names and the nodes around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from typing import NamedTuple

import onnx

from ortviz.graphs.scopes import ModuleScopes, forward_node_name
from ortviz.graphs.shared_scopes import shared_scopes
from ortviz.graphs.skipped_scopes import skipped_scopes

YIELD_OP = "YieldOp"

Found = tuple["str | None", str]
"""A module and the evidence for it; None and nothing where nothing tells."""


class PlainNode(NamedTuple):
    """What a node's message says, taken out of it once: each look at a message copies the text."""

    name: str
    op_type: str
    domain: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    message: onnx.NodeProto

    @property
    def attribute(self) -> Sequence[onnx.AttributeProto]:
        """Its attributes, which few look at."""
        found: Sequence[onnx.AttributeProto] = self.message.attribute
        return found


Node = onnx.NodeProto | PlainNode


def plain_nodes(nodes: Iterable[onnx.NodeProto]) -> list[PlainNode]:
    """All of them, in their order."""
    return [
        PlainNode(
            node.name,
            node.op_type,
            node.domain,
            tuple(node.input),
            tuple(node.output),
            node,
        )
        for node in nodes
    ]


_BACKWARD = "__backwardpass"
"""ORT's own mark on what gradient building made, in the execution model."""
_REARRANGE = frozenset({"Transpose", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Split"})
DOUBTFUL = "doubtful_name"
"""Evidence: the name is that of a module, and that of another one's second call."""
_NOTHING: Found = (None, "")
_GRADIENT = re.compile(r"^(.+)_grad(?:_\d+)?$", re.DOTALL)
_FUSION = re.compile(r"/[^/]+/$")
_SUM = "AccumulateGrad_"
_MOST_FUSIONS = 8
"""Fusions whose marks are taken off one name; a made-up name may have thousands."""


def gradient_target(value: str) -> str | None:
    """The tensor whose gradient a value is, by its name: of ``X_grad_1`` it is ``X``."""
    match = _GRADIENT.match(value)
    return None if match is None else match[1]


def sums_gradients(node_name: str) -> bool:
    """Whether a node of that name sums the gradients a tensor gets from all that use it."""
    return node_name.startswith(_SUM)


def trace_modules(
    nodes: Sequence[Node],
    scopes: ModuleScopes,
    outputs: Collection[str] = (),
    backward: set[int] | None = None,
) -> list[Found]:
    """The module of each node, with the evidence; see ``NodeRecord.evidence``.

    Args:
        nodes: The graph's nodes, in its order.
        scopes: The names of the model's modules.
        outputs: The graph's own outputs.
        backward: What :func:`backward_indices` found, where it is known.
    """
    search = _Search(nodes, scopes, backward_indices(nodes) if backward is None else backward)
    handed = [name for node in nodes if node.op_type == YIELD_OP for name in node.input]
    leaving = frozenset((*outputs, *handed))
    gradients = sorted(search.gradients)
    found = [search.forward(node, leaving) for node in nodes]
    for index in gradients:
        found[index] = search.backward(nodes[index], found)
    found = _from_consumers(nodes, found)
    for index in gradients:
        made_from = search.forward_node(nodes[index])
        if found[index][1] == "neighbour" and made_from is not None:
            found[index] = (found[made_from][0], "neighbour")
    return found


def backward_indices(nodes: Sequence[Node]) -> set[int]:
    """Nodes that run after the YieldOp, and those that only prepare a gradient."""
    after_yield: set[str] = set()
    found: set[int] = set()
    names = {name for node in nodes for name in _names(node)}
    backward_built = any(node.op_type == YIELD_OP for node in nodes)
    for index, node in enumerate(nodes):
        if node.op_type == YIELD_OP:
            after_yield.update(filter(None, node.output))
        elif not after_yield.isdisjoint(node.input):
            after_yield.update(filter(None, node.output))
            found.add(index)
        elif any(attribute.name == _BACKWARD for attribute in node.attribute):
            found.add(index)
        elif backward_built and forward_node_name(node.name) in names:
            # A module may be called ``a_Grad`` too, so the forward node has to be there.
            found.add(index)
    return found


class _Search:
    """Looks a graph's nodes up by their names and values."""

    def __init__(self, nodes: Sequence[Node], scopes: ModuleScopes, gradients: set[int]) -> None:
        self._nodes = nodes
        self._scopes = scopes
        self.gradients = gradients
        self._weights = weight_owners(nodes, scopes)
        self._shared = shared_scopes(
            (
                name
                for index, node in enumerate(nodes)
                for name in node.output[:1]
                if index not in gradients and node.op_type != "Constant"
            ),
            scopes,
        )
        self._skipped = skipped_scopes(
            (
                (node.output[0], node.input)
                for index, node in enumerate(nodes)
                if index not in gradients and node.op_type != "Constant" and node.output
            ),
            scopes,
            self._weights,
        )
        self._told: dict[str, Found | None] = {}
        self._by_name: dict[str, int] = {}
        self._maker: dict[str, int] = {}
        self._users: dict[str, list[int]] = {}
        self._used_by: dict[str, frozenset[Found]] = {}
        for index, node in enumerate(nodes):
            for name in _names(node):
                self._by_name.setdefault(name, index)
            for name in filter(None, node.output):
                self._maker.setdefault(name, index)
            if node.op_type != YIELD_OP:
                for name in filter(None, node.input):
                    self._users.setdefault(name, []).append(index)

    def forward(self, node: Node, outputs: Collection[str]) -> Found:
        """By a node's own names."""
        for output in node.output:
            found = self._by_scope(output, node, "output_name")
            if found is not None:
                return found
            owner = self._scopes.parameter_owner(output)
            if owner is not None:
                return owner, "output_name"
        found = self._by_scope(node.name, node, "node_name")
        if found is not None:
            return found
        # What hands a result out, and the YieldOp, stand outside of all modules but the model.
        hands_out = node.op_type == "Identity" and any(name in outputs for name in node.output)
        if hands_out or node.op_type == YIELD_OP:
            return "", "model_output"
        return _NOTHING

    def forward_node(self, node: Node) -> int | None:
        """The forward node whose gradient a node makes by its name, where it is in the graph."""
        name = forward_node_name(node.name)
        return None if name is None else self._by_name.get(name)

    def backward(self, node: Node, found: Sequence[Found]) -> Found:
        """By the forward node whose gradient a node makes, or belongs to."""
        name = forward_node_name(node.name)
        skipped = self._in_skipped(name or "", "gradient_of")
        if skipped is not None:
            return skipped
        readings = frozenset[str]() if name is None else self._scopes.readings(name)
        if len(readings) == 1:
            return next(iter(readings)), "gradient_of"
        made_from = self.forward_node(node)
        if len(readings) > 1 and name is not None:
            forward_nodes = [] if made_from is None else [self._nodes[made_from]]
            return self._read(name, readings, [node, *forward_nodes], "gradient_of")
        if made_from is not None:
            module, why = found[made_from]
            return module, DOUBTFUL if why == DOUBTFUL else "gradient_of" if module else why
        targets = [target for output in node.output if (target := gradient_target(output))]
        if sums_gradients(node.name):
            told = {self._made_in(target, found) for target in targets}
        else:
            told = {each for target in targets for each in self._used_in(target, found)}
        modules = {module for module, _ in told} - {None}
        if len(modules) == 1:
            doubtful = any(why == DOUBTFUL for _, why in told)
            return modules.pop(), DOUBTFUL if doubtful else "gradient_of"
        return _NOTHING if targets else self.forward(node, ())

    def _by_scope(self, name: str, node: Node, evidence: str) -> Found | None:
        """By the scope in a name; where it may be of several modules, by the node's weights."""
        module = self._scopes.module_of(name)
        if module is None:
            return None
        skipped = self._in_skipped(name, evidence)
        if skipped is not None:
            return skipped
        if not self._scopes.has_doubtful_names:
            return module, evidence
        readings = self._scopes.readings(name)
        if len(readings) < 2:
            return module, evidence
        return self._read(name, readings, [node], evidence)

    def _in_skipped(self, name: str, evidence: str) -> Found | None:
        """By what is known of scopes inside containers that are not called."""
        text = self._scopes.scope_text(name)
        if text is None:
            return None
        if text not in self._told:
            self._told[text] = self._told_of(text)
        told = self._told[text]
        return told if told is None or told[1] else (told[0], evidence)

    def _told_of(self, text: str) -> Found | None:
        """The module of a scope in such a container; no evidence where it is the name's own."""
        scope = text
        while scope and scope not in self._skipped:
            # An optimiser puts names of its own behind a node's.
            scope = scope.rpartition("/")[0]
        known = self._skipped.get(scope)
        if known is not None and known.module is not None:
            return known.module, "" if known.by_weights else "neighbour"
        possible = self._scopes.unread(text) if known is None else known.possible
        return (common_module(sorted(possible)), DOUBTFUL) if possible else None

    def _read(self, name: str, readings: Set[str], nodes: Iterable[Node], evidence: str) -> Found:
        """One of several modules that a name may point at, by the weights that nodes take."""
        weights = self._weights
        owners = {weights[each] for node in nodes for each in node.input if each in weights}
        if len(owners & readings) == 1:
            return (owners & readings).pop(), evidence
        place = self._scopes.place_of(name)
        shared = place is not None and place.scope in self._shared
        return common_module(sorted(readings)) if shared else self._scopes.module_of(name), DOUBTFUL

    def _used_in(self, value: str, found: Sequence[Found]) -> frozenset[Found]:
        """Modules of the forward nodes that use a value; looked up once for all its gradients."""
        known = self._used_by.get(value)
        if known is None:
            users = (user for user in self._users.get(value, ()) if user not in self.gradients)
            known = self._used_by[value] = frozenset(found[user] for user in users)
        return known

    def _made_in(self, value: str, found: Sequence[Found]) -> Found:
        skipped = self._in_skipped(value, "gradient_of")
        if skipped is not None:
            return skipped
        module = self._scopes.module_of(value)
        if module is None:
            module = self._scopes.parameter_owner(value)
        if module is None and value in self._maker:
            return found[self._maker[value]]
        return module, "gradient_of"


def _names(node: Node) -> Iterator[str]:
    """A node's name, and those an optimiser made it from: ``…/MatMul/MatmulTransposeFusion/``."""
    name = node.name
    yield name
    for _ in range(_MOST_FUSIONS):
        match = _FUSION.search(name) if name.endswith("/") else None
        if match is None:
            return
        name = name[: match.start()]
        yield name


def weight_owners(nodes: Sequence[Node], scopes: ModuleScopes) -> dict[str, str]:
    """Parameters, and what is only rearranged from one -> the module they belong to."""
    found: dict[str, str] = {}
    for node in nodes:
        for name in node.input:
            owner = None if name in found else scopes.parameter_owner(name)
            if owner is not None:
                found[name] = owner
        if node.op_type in _REARRANGE and node.input and node.input[0] in found:
            found.update(dict.fromkeys(filter(None, node.output), found[node.input[0]]))
    return found


def _from_consumers(nodes: Sequence[Node], found: Iterable[Found]) -> list[Found]:
    """Give nodes of which nothing tells the innermost module around all their consumers."""
    consumers: dict[str, list[int]] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            consumers.setdefault(name, []).append(index)
    result = list(found)
    for index in range(len(nodes) - 1, -1, -1):
        if result[index][0] is not None:
            continue
        users = {user for output in nodes[index].output for user in consumers.get(output, ())}
        modules = [module for user in users if (module := result[user][0]) is not None]
        if modules:
            result[index] = (common_module(modules), "neighbour")
    return result


def common_module(modules: Sequence[str]) -> str:
    """The innermost module that contains all of these; the root in doubt."""
    parts = [module.split(".") if module else [] for module in modules]
    shared: list[str] = []
    for places in zip(*parts, strict=False):
        if len(set(places)) > 1:
            break
        shared.append(places[0])
    return ".".join(shared)
