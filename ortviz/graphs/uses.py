"""Who uses which value of the exported graph, and which values enter a module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import onnx

from ortviz.graphs.scope_parts import ROOT
from ortviz.graphs.scopes import ModuleScopes

_NO_GRADIENT_OPS = frozenset({"Shape", "Size"})
"""They look at a value without its elements, so nothing flows back through them."""


@dataclass(frozen=True, slots=True)
class ValueUses:
    """Uses of values, by module.

    Attributes:
        entering: Fully qualified module name -> values used inside that module and made outside
            of it, the model's inputs included, parameters and constants not; in graph order.
        users: Value name -> the module of each node that uses its elements; the root for the
            model's output, None for nodes of no known module.
    """

    entering: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

    def only_inside(self, value: str, module: str) -> bool:
        """Whether every use of a value is inside a module."""
        users = self.users.get(value, ())
        return bool(users) and all(user is not None and _inside(user, module) for user in users)


def value_uses(
    exported: onnx.ModelProto,
    optimized_forward: Sequence[onnx.NodeProto],
    scopes: ModuleScopes,
    module_names: Iterable[str],
) -> ValueUses:
    """Find them in the graph as torch exported it, where modules are whole.

    Values that enter a module under another name once ORT's optimiser has moved operations in
    front of it come after those.

    Args:
        exported: Stage ``torch_exported``.
        optimized_forward: Nodes of the forward half of stage ``optimized``.
        scopes: The names of the model's modules.
        module_names: Fully qualified names; the root is left out.
    """
    known = frozenset(module_names) - {""}
    given = [each.name for each in exported.graph.input]
    fixed = {each.name for each in exported.graph.initializer}
    entering: dict[str, dict[str, None]] = {}
    for nodes in (list(exported.graph.node), optimized_forward):
        for module, name in _entering(nodes, given, fixed, scopes):
            if module in known:
                entering.setdefault(module, {})[name] = None
    users: dict[str, list[str | None]] = {}
    outputs = {output.name for output in exported.graph.output}
    for node in exported.graph.node:
        if node.op_type not in _NO_GRADIENT_OPS:
            owner = scopes.module_of(node.name)
            # What only hands a value out as the model's output has no scope in its name.
            if owner is None and outputs.intersection(node.output):
                owner = ""
            for name in filter(None, node.input):
                users.setdefault(name, []).append(owner)
    for name in outputs:
        users.setdefault(name, []).append("")
    return ValueUses(
        {module: tuple(names) for module, names in entering.items()},
        {name: tuple(found) for name, found in users.items()},
    )


def _entering(
    nodes: Sequence[onnx.NodeProto],
    given: Iterable[str],
    fixed: Set[str],
    scopes: ModuleScopes,
) -> Iterator[tuple[str, str]]:
    """(module, value) for every use inside a module of what was made outside of it."""
    made_in: dict[str, str | None] = dict.fromkeys(given)
    for node in nodes:
        owner = scopes.module_of(node.name)
        if node.op_type != "Constant":
            made_in.update(dict.fromkeys(filter(None, node.output), owner))
        if node.op_type in _NO_GRADIENT_OPS:
            continue
        for name in filter(None, node.input):
            if name in fixed or name.startswith(f"{ROOT}.") or name not in made_in:
                continue
            maker = made_in[name]
            for module in _enclosing(owner):
                if maker is None or not _inside(maker, module):
                    yield module, name


def _inside(inner: str, outer: str) -> bool:
    return not outer or inner == outer or inner.startswith(f"{outer}.")


def _enclosing(module: str | None) -> list[str]:
    parts = module.split(".") if module else []
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
