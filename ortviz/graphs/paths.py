"""The groups around a node, by the names of modules or by scopes in node names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

import onnx

from ortviz.graphs.scope_parts import ROOT
from ortviz.graphs.scopes import forward_node_name

Path = tuple[str, ...]
"""Full names of the groups around a node, the outermost first."""

MAX_SCOPES = 32
"""Levels of scopes that are followed; a deeper node stands in the last of these."""

_DYNAMO_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where ``torch.onnx.export(dynamo=True)`` keeps the modules around a node, as a Python list."""


def module_paths(modules: Sequence[str | None]) -> Callable[[int], Path]:
    """Full names of a module and of those that contain it, the root left out.

    Args:
        modules: Node -> the module it came from; None for none.
    """
    known: dict[str, tuple[str, ...]] = {}

    def path(node: int) -> Path:
        module = modules[node]
        if not module:
            return ()
        found = known.get(module)
        if found is None:
            parts = module.split(".")
            names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
            found = known[module] = tuple(names)
        return found

    return path


class ScopePaths:
    """Scopes as torch.onnx writes them: ``/encoder/layer.0/MatMul``, or a list in the metadata.

    A gradient node has those of the forward node it was made from, one without a scope that
    follows from constants alone what those of its users have in common.

    Args:
        nodes: Of the main graph.
        fixed: Names of tensors that lie in the file.
    """

    def __init__(
        self, nodes: Sequence[onnx.NodeProto], fixed: AbstractSet[str] = frozenset()
    ) -> None:
        named = _named_paths(nodes)
        self._paths = [named(index) for index in range(len(nodes))]
        self.ranks: dict[str, int] = {}
        """Full name -> which it is in the order of the nodes that have it in their names."""
        for path in self._paths:
            for name in path:
                self.ranks.setdefault(name, len(self.ranks))
        constants = {
            output: index
            for index, node in enumerate(nodes)
            if not self._paths[index] and fixed >= set(node.input)
            for output in node.output
        }
        users: dict[int, list[Path]] = {}
        if constants:
            for index, node in enumerate(nodes):
                for name in node.input:
                    if name in constants:
                        users.setdefault(constants[name], []).append(self._paths[index])
        for index, paths in users.items():
            self._paths[index] = _shared(paths)

    def __call__(self, node: int) -> Path:
        """Names such as ``encoder`` and ``encoder/layer.0``."""
        return self._paths[node]


def _shared(paths: Sequence[Path]) -> Path:
    """What all of them begin with."""
    first, last = min(paths), max(paths)
    for place, name in enumerate(first):
        if place >= len(last) or last[place] != name:
            return first[:place]
    return first


def _named_paths(nodes: Sequence[onnx.NodeProto]) -> Callable[[int], Path]:
    """By what is written at the node itself."""
    known: dict[str, tuple[str, ...]] = {}

    def path(index: int) -> Path:
        node = nodes[index]
        scopes = _metadata_scopes(node)
        if scopes is not None:
            return scopes
        name = node.name
        if "/" not in name:
            return ()
        outer = name.rpartition("/")[0]
        found = known.get(outer)
        if found is None or "_Grad/" in name:
            found = known[outer] = _slash_scopes(name)
        return found

    return path


def _slash_scopes(name: str) -> tuple[str, ...]:
    text = forward_node_name(name) or name
    at = text.find(f"/{ROOT}/")
    if at >= 0:
        text = text[at + len(ROOT) + 1 :]
    elif not text.startswith("/") and " /" in text:
        # ORT puts a word before the name of what it fused: "fused /encoder/Gemm".
        text = text[text.index(" /") + 1 :]
    return _prefixes([part for part in text.split("/")[:-1] if part])


def _prefixes(parts: Sequence[str]) -> tuple[str, ...]:
    kept = parts[:MAX_SCOPES]
    return tuple("/".join(kept[:length]) for length in range(1, len(kept) + 1))


def _metadata_scopes(node: onnx.NodeProto) -> tuple[str, ...] | None:
    """None where the exporter wrote none, or where onnx is too old to have metadata of nodes."""
    for entry in getattr(node, "metadata_props", ()):
        if entry.key == _DYNAMO_SCOPES and len(entry.value) < 10_000:
            try:
                names = ast.literal_eval(entry.value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return None
            # The first is the root, the last the node itself; each is a full module name.
            if isinstance(names, list) and all(isinstance(name, str) for name in names):
                return _module_scopes(names[1:-1])
    return None


def _module_scopes(names: Sequence[str]) -> tuple[str, ...]:
    """Of ``blocks.0`` and ``blocks.0.attn`` the scopes ``blocks``, ``blocks/0``, ``…/attn``."""
    deepest = max(names, key=len, default="")
    return _prefixes([part for part in deepest.split(".") if part])
