"""Sites for the values inside modules: which module, which name, which call."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import onnx

from ortviz.graphs.read import backward_indices, node_modules
from ortviz.graphs.scopes import ModuleScopes, Place
from ortviz.record import Direction, Site

_GRADIENT = "_grad"
_CALL_NUMBER = re.compile(r"_(\d+)$")


def value_sites(
    nodes: Sequence[onnx.NodeProto],
    names: Iterable[str],
    scopes: ModuleScopes,
    more_names: Iterable[str] = (),
) -> dict[str, Site]:
    """Give values of a graph their addresses.

    The module is the one in whose scope the value's name is; a value without a scope belongs to
    the module of the node that makes it, or of those that use it. The slot is the rest of the
    name; of a gradient ``X_grad`` it is that of ``X``. Values of the second call of a module
    have call 1.

    Args:
        nodes: The graph's nodes, in its order.
        names: Values that need a site, each made by one of ``nodes``.
        scopes: The names of the model's modules.
        more_names: Further names of the same export, which tell how often modules are called.

    Returns:
        Value name -> site, all different, in the order of ``names``.
    """
    wanted = list(names)
    producer = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    backward = backward_indices(nodes)
    modules = node_modules(nodes, scopes)
    calls = _calls(scopes, (*more_names, *producer))
    sites: dict[str, Site] = {}
    taken: set[Site] = set()
    for name in wanted:
        index = producer.get(name)
        place = scopes.place_of(name)
        if place is None:
            owner = None if index is None else modules[index]
            place = Place(owner or "", "", name)
        direction = Direction.BACKWARD if index in backward else Direction.FORWARD
        call = calls.get(place.scope, 0)
        sites[name] = site = _free(direction, place, call, taken)
        taken.add(site)
    return sites


def _free(direction: Direction, place: Place, call: int, taken: set[Site]) -> Site:
    """The first of the site's possible slots that no other value has."""
    whole = place.local.replace("#", "_") or "value"
    slots = [whole]
    if direction is Direction.BACKWARD and whole.endswith(_GRADIENT):
        slots.insert(0, whole.removesuffix(_GRADIENT))
    number = 1
    while True:
        for slot in slots:
            site = Site(direction, place.module, slot, call)
            if slot and site not in taken:
                return site
        number += 1
        slots = [f"{whole}~{number}"]


def _calls(scopes: ModuleScopes, names: Iterable[str]) -> Mapping[str, int]:
    """Scope -> which call of its module it stands for.

    The exporter numbers the scopes of a module's calls in their order: ``fc``, ``fc_1``, ….
    """
    by_module: dict[str, set[str]] = {}
    for name in names:
        place = scopes.place_of(name)
        if place is not None and place.scope:
            by_module.setdefault(place.module, set()).add(place.scope)
    return {
        scope: call
        for found in by_module.values()
        for call, scope in enumerate(sorted(found, key=lambda scope: (_numbers(scope), scope)))
    }


def _numbers(scope: str) -> tuple[int, ...]:
    matches = (_CALL_NUMBER.search(part) for part in scope.split("/"))
    return tuple(int(match[1]) if match else -1 for match in matches)
