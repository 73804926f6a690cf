"""Which values of the exported graph leave a module: the candidates for its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx

from ortviz.graphs.scopes import ModuleScopes


@dataclass(frozen=True, slots=True)
class LeavingValues:
    """Values made inside each module and used outside of it, in graph order.

    Attributes:
        by_module: Fully qualified module name -> value names. A module that added no node to
            the graph (an identity, a dropout that is off) is absent.
    """

    by_module: Mapping[str, tuple[str, ...]]

    def of(self, module: str) -> tuple[str, ...]:
        """Values leaving ``module``; empty when it added nothing to the graph."""
        return self.by_module.get(module, ())


def leaving_values(
    model: onnx.ModelProto, scopes: ModuleScopes, module_names: Iterable[str]
) -> LeavingValues:
    """Find them in the graph as torch exported it, before any optimisation renames or fuses.

    Args:
        model: Stage ``torch_exported``.
        scopes: The names of the model's modules.
        module_names: Fully qualified names; the root is left out, its outputs are the graph's.
    """
    nodes = list(model.graph.node)
    owner = [scopes.module_of(node.name) for node in nodes]
    users: dict[str, list[str | None]] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            users.setdefault(name, []).append(owner[index])
    for output in model.graph.output:
        users.setdefault(output.name, []).append(None)
    known = set(module_names) - {""}
    found: dict[str, list[str]] = {}
    for index, node in enumerate(nodes):
        own = owner[index]
        if not own or node.op_type == "Constant":
            continue
        for value in filter(None, node.output):
            for module in _enclosing(own):
                if module in known and _used_outside(users.get(value, ()), module):
                    found.setdefault(module, []).append(value)
    return LeavingValues({module: tuple(values) for module, values in found.items()})


def _enclosing(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _used_outside(users: Sequence[str | None], module: str) -> bool:
    return any(
        user is None or not (user == module or user.startswith(f"{module}.")) for user in users
    )
