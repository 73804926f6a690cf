"""The modules of a model, as the graphs that ORTModule saved tell of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import onnx

from ortviz.graphs.element_types import dtype_name
from ortviz.graphs.scope_parts import REPEATED_CALL, ROOT
from ortviz.graphs.scopes import ModuleScopes

_OUTPUT = "_output_"
"""Before the number of an output. Values keep their names through all stages; nodes get names of
what fused them."""
_NUMBERED_OUTPUT = re.compile(rf"{_OUTPUT}\d")
_MOST_LEVELS = 64
"""Modules inside each other that are followed; a made-up name may have thousands."""


def is_ortmodule_graph(model: onnx.ModelProto) -> bool:
    """Whether names in a graph are those that ORTModule gives."""
    return any(each.name.startswith(f"{ROOT}.") for each in model.graph.input) or any(
        node.name.startswith(f"/{ROOT}/") for node in model.graph.node
    )


def parameters_of(model: onnx.ModelProto) -> dict[str, tuple[tuple[int, ...], str]]:
    """Parameters and buffers that a graph is given: fully qualified name -> shape and dtype."""
    found = {}
    for each in model.graph.input:
        if each.name.startswith(f"{ROOT}."):
            kind = each.type.tensor_type
            shape = tuple(size.dim_value for size in kind.shape.dim)
            found[each.name[len(ROOT) + 1 :]] = shape, dtype_name(kind.elem_type)
    return found


def module_names(models: Iterable[onnx.ModelProto]) -> tuple[str, ...]:
    """Fully qualified names of the modules that parameters and scopes of some graphs tell of.

    A module without parameters that adds no node (an identity) is not among them. Whether
    ``fc_1`` is the second call of ``fc`` or a module of that name is told by whether there are
    parameters of that name.

    Args:
        models: Stages of one model.

    Returns:
        The root ``""`` first, then in the order of their first mention, parents before children.
    """
    names: dict[str, None] = {"": None}
    scopes: dict[str, None] = {}
    # From stage to stage most values keep their names: each is looked at once.
    seen: set[str] = set()
    for model in models:
        for each in model.graph.input:
            if each.name.startswith(f"{ROOT}.") and each.name not in seen:
                seen.add(each.name)
                _add(names, each.name[len(ROOT) + 1 :].rpartition(".")[0])
        for node in model.graph.node:
            for output in node.output:
                if output not in seen:
                    seen.add(output)
                    if _is_made_by_exporter(output):
                        scopes[output.rpartition("/")[0]] = None
    _add_from_scopes(names, scopes)
    return tuple(names)


def _is_made_by_exporter(value: str) -> bool:
    if not value.startswith(f"/{ROOT}/"):
        return False
    # Not one expression for all: there are tens of thousands of names.
    before, _, number = value.rpartition(_OUTPUT)
    return number.isdecimal() and before != f"/{ROOT}/" and not _NUMBERED_OUTPUT.search(before)


def _add(names: dict[str, None], module: str) -> None:
    parts = module.split(".")[:_MOST_LEVELS] if module else []
    for length in range(1, len(parts) + 1):
        names.setdefault(".".join(parts[:length]))


def _add_from_scopes(names: dict[str, None], scopes: Collection[str]) -> None:
    """Modules without parameters: what a scope has beyond those that are known."""
    known = ModuleScopes(names)
    texts = [text for scope in scopes if (text := known.scope_text(f"{scope}/")) is not None]
    called = frozenset().union(*map(known.modules_along, texts))
    for scope, text in zip(scopes, texts, strict=True):
        inside, left = known.followed(text, called)
        if len(inside) > 1 or not left:
            # Below containers that are not called: what is left is in each of them.
            if len(left) == 1:
                last = text.split("/")[-2]
                for module in sorted(inside):
                    _add(names, _child(names, module, last, left[0]))
            continue
        # A scope stands before the node's own name, of which there is none here.
        place = known.place_of(f"{scope}/")
        rest = [part for part in (place.local if place else "").split("/") if part]
        if place is None or not rest:
            continue
        module, last = place.module, place.scope.rpartition("/")[2]
        for part in rest:
            module = _child(names, module, last, part)
            last = part
        _add(names, module)


def _child(names: dict[str, None], module: str, last: str, part: str) -> str:
    """The module that a component below ``module`` stands for."""
    inside = f"{module}." if module else ""
    if part.startswith(f"{last}."):
        # A Sequential repeats its own name: "c/c.1" is c.1.
        return f"{inside}{part[len(last) + 1 :]}"
    repeated = REPEATED_CALL.match(part)
    if repeated is not None and f"{inside}{repeated[1]}" in names:
        return f"{inside}{repeated[1]}"
    return f"{inside}{part}"
