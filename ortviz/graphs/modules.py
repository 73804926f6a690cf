"""Which module each node of one graph came from, by its names and the nodes around it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

import onnx

from ortviz.graphs.scopes import ModuleScopes, forward_node_name

YIELD_OP = "YieldOp"

Found = tuple["str | None", str]
"""A module and the evidence for it; None and nothing where nothing tells."""

_NOTHING: Found = (None, "")
_GRADIENT = re.compile(r"^(.+)_grad(?:_\d+)?$", re.DOTALL)
_SUM = "AccumulateGrad_"


def gradient_target(value: str) -> str | None:
    """The tensor whose gradient a value is, by its name: of ``X_grad_1`` it is ``X``."""
    match = _GRADIENT.match(value)
    return None if match is None else match[1]


def sums_gradients(node_name: str) -> bool:
    """Whether a node of that name sums the gradients a tensor gets from all that use it."""
    return node_name.startswith(_SUM)


def trace_modules(
    nodes: Sequence[onnx.NodeProto], scopes: ModuleScopes, outputs: Collection[str] = ()
) -> list[Found]:
    """The module of each node, with the evidence; see ``NodeRecord.evidence``.

    Args:
        nodes: The graph's nodes, in its order.
        scopes: The names of the model's modules.
        outputs: The graph's own outputs.
    """
    search = _Search(nodes, scopes)
    handed = [name for node in nodes if node.op_type == YIELD_OP for name in node.input]
    leaving = frozenset((*outputs, *handed))
    found = [search.forward(node, leaving) for node in nodes]
    for index, node in enumerate(nodes):
        if _is_gradient(node):
            found[index] = search.backward(node, found)
    return _from_consumers(nodes, found)


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


class _Search:
    """Looks a graph's nodes up by their names and values."""

    def __init__(self, nodes: Sequence[onnx.NodeProto], scopes: ModuleScopes) -> None:
        self._scopes = scopes
        self._by_name: dict[str, int] = {}
        self._maker: dict[str, int] = {}
        self._users: dict[str, list[int]] = {}
        for index, node in enumerate(nodes):
            self._by_name.setdefault(node.name, index)
            for name in filter(None, node.output):
                self._maker.setdefault(name, index)
            if not _is_gradient(node) and node.op_type != YIELD_OP:
                for name in filter(None, node.input):
                    self._users.setdefault(name, []).append(index)

    def forward(self, node: onnx.NodeProto, outputs: Collection[str]) -> Found:
        """By a node's own names."""
        for output in node.output:
            module = self._scopes.module_of(output)
            if module is None:
                module = self._scopes.parameter_owner(output)
            if module is not None:
                return module, "output_name"
        module = self._scopes.module_of(node.name)
        if module is not None:
            return module, "node_name"
        # What hands a result out, and the YieldOp, stand outside of all modules but the model.
        hands_out = node.op_type == "Identity" and any(name in outputs for name in node.output)
        if hands_out or node.op_type == YIELD_OP:
            return "", "model_output"
        return _NOTHING

    def backward(self, node: onnx.NodeProto, found: Sequence[Found]) -> Found:
        """By the forward node whose gradient a node makes, or belongs to."""
        name = forward_node_name(node.name)
        if name is not None:
            module = self._scopes.module_of(name)
            if module is None and name in self._by_name:
                module = found[self._by_name[name]][0]
            if module is not None:
                return module, "gradient_of"
        targets = [target for output in node.output if (target := gradient_target(output))]
        if sums_gradients(node.name):
            modules = {self._made_in(target, found) for target in targets}
        else:
            users = (user for target in targets for user in self._users.get(target, ()))
            modules = {found[user][0] for user in users}
        if len(modules - {None}) == 1:
            return (modules - {None}).pop(), "gradient_of"
        return self.forward(node, ())

    def _made_in(self, value: str, found: Sequence[Found]) -> str | None:
        module = self._scopes.module_of(value)
        if module is None:
            module = self._scopes.parameter_owner(value)
        if module is None and value in self._maker:
            module = found[self._maker[value]][0]
        return module


def _is_gradient(node: onnx.NodeProto) -> bool:
    if node.op_type == YIELD_OP:
        return False
    return (
        forward_node_name(node.name) is not None
        or sums_gradients(node.name)
        or any(gradient_target(output) for output in node.output)
    )


def _from_consumers(nodes: Sequence[onnx.NodeProto], found: Iterable[Found]) -> list[Found]:
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
