"""Who uses which value of the exported graph, and which values enter a module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import onnx

from ortviz.graphs.scopes import ROOT, ModuleScopes

_NO_GRADIENT_OPS = frozenset({"Shape", "Size"})
"""They look at a value without its elements, so nothing flows back through them."""


@dataclass(frozen=True, slots=True)
class ValueUses:
    """Uses of values, by module.

    Attributes:
        entering: Fully qualified module name -> values used inside that module and made outside
            of it, the model's inputs included, parameters and constants not; in graph order.
        users: Value name -> the module of each node that uses its elements; None for the model's
            output and for nodes of no known module.
    """

    entering: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)

    def only_inside(self, value: str, module: str) -> bool:
        """Whether every use of a value is inside a module."""
        users = self.users.get(value, ())
        return bool(users) and all(user is not None and _inside(user, module) for user in users)

    def home(self, value: str) -> str | None:
        """The innermost module inside which all uses of a value are; None when none is known."""
        users = self.users.get(value, ())
        if not users or any(user is None for user in users):
            return None
        home = users[0] or ""
        while not all(_inside(user or "", home) for user in users):
            home = home.rpartition(".")[0]
        return home


def value_uses(
    model: onnx.ModelProto, scopes: ModuleScopes, module_names: Iterable[str]
) -> ValueUses:
    """Find them in the graph as torch exported it, where modules are whole.

    Args:
        model: Stage ``torch_exported``.
        scopes: The names of the model's modules.
        module_names: Fully qualified names; the root is left out.
    """
    known = set(module_names) - {""}
    nodes = list(model.graph.node)
    owners = [scopes.module_of(node.name) for node in nodes]
    made_in: dict[str, str | None] = {each.name: None for each in model.graph.input}
    users: dict[str, list[str | None]] = {}
    entering: dict[str, dict[str, None]] = {}
    fixed = {each.name for each in model.graph.initializer}
    for node, owner in zip(nodes, owners, strict=True):
        if node.op_type == "Constant":
            fixed.update(node.output)
        made_in.update(dict.fromkeys(filter(None, node.output), owner))
        for name in filter(None, node.input):
            if node.op_type not in _NO_GRADIENT_OPS:
                users.setdefault(name, []).append(owner)
            if name in fixed or name.startswith(f"{ROOT}.") or name not in made_in:
                continue
            maker = made_in[name]
            for module in _enclosing(owner):
                if module in known and (maker is None or not _inside(maker, module)):
                    entering.setdefault(module, {})[name] = None
    for output in model.graph.output:
        users.setdefault(output.name, []).append(None)
    return ValueUses(
        {module: tuple(names) for module, names in entering.items()},
        {name: tuple(found) for name, found in users.items()},
    )


def _inside(inner: str, outer: str) -> bool:
    return not outer or inner == outer or inner.startswith(f"{outer}.")


def _enclosing(module: str | None) -> list[str]:
    parts = module.split(".") if module else []
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
