"""Scopes of modules inside containers that are not called, such as a ModuleList of ModuleDicts.

The exporter leaves what is not called out of its scopes: ``h.0.norm`` and ``h.1.norm`` are called
``norm`` and ``norm_1``, like two calls of one module, even of the model's own ``norm``. Which call
is which is told by the weights that its nodes take; where there are none, by other modules in the
same containers that are called as often.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ortviz.graphs.scopes import ModuleScopes

_CALL = re.compile(r"^(.+)_(\d+)$", re.DOTALL)


@dataclass(slots=True)
class _Scope:
    """One call of some module.

    Attributes:
        base: The scope of the first call of that name.
        number: Which call, from 0.
        owners: Modules whose weights its nodes take.
        possible: Modules it may be a call of.
        module: The one it is, once that is known.
        by_weights: Whether weights, or the names alone, tell it.
    """

    base: str
    number: int
    owners: set[str] = field(default_factory=set)
    possible: frozenset[str] = frozenset()
    module: str | None = None
    by_weights: bool = False


@dataclass(frozen=True, slots=True)
class SkippedScope:
    """What is known of a scope that the names alone do not tell.

    Attributes:
        module: Fully qualified name; None where it may be any of ``possible``.
        possible: All that it may be.
        by_weights: Whether weights, or the names alone, tell it; else other modules' calls do.
    """

    module: str | None
    possible: frozenset[str]
    by_weights: bool


def skipped_scopes(
    nodes: Iterable[tuple[str, Iterable[str]]], scopes: ModuleScopes, weights: Mapping[str, str]
) -> dict[str, SkippedScope | None]:
    """Find out which modules such scopes stand for.

    Args:
        nodes: Of the forward half: the name of a value it makes, and what it takes.
        scopes: The names of the model's modules.
        weights: Parameter, or what was rearranged from one -> its module.

    Returns:
        By scope, without the slash before it; None for those that the names tell.
    """
    found: dict[str, _Scope] = {}
    for name, taken in nodes:
        text = scopes.scope_text(name)
        if text is None:
            continue
        scope = found.get(text)
        if scope is None:
            scope = found[text] = _split(text)
        scope.owners.update(weights[each] for each in taken if each in weights)
    called = frozenset().union(*(scopes.modules_along(text) for text in found))
    _find_possible(found, scopes, called)
    # What two modules' nodes are in is no one's; those are told apart by the weights of each.
    doubtful = {
        text: scope
        for text, scope in found.items()
        if scope.possible and len(scope.owners & scope.possible) < 2
    }
    _by_weights(doubtful)
    _by_other_calls(doubtful)
    told: dict[str, SkippedScope | None] = dict.fromkeys(found)
    for text, scope in doubtful.items():
        told[text] = SkippedScope(scope.module, scope.possible, scope.by_weights)
    return told


def _split(text: str) -> _Scope:
    call = _CALL.match(text)
    return _Scope(text, 0) if call is None else _Scope(call[1], int(call[2]))


def _find_possible(
    found: Mapping[str, _Scope], scopes: ModuleScopes, called: frozenset[str]
) -> None:
    """Of a scope that no module has, and of one that modules in skipped containers have too."""
    plain = {text: scopes.plain_readings(text) for text in found}
    wide = {
        text: scopes.wide_readings(text, called)
        for text, scope in found.items()
        if not plain[text] or not scope.owners <= plain[text]
    }
    skipped = {
        owner.rpartition(".")[0]
        for text, readings in wide.items()
        for owner in found[text].owners & readings - plain[text]
    }
    for text, scope in found.items():
        if not plain[text]:
            scope.possible = wide[text]
        elif skipped:
            readings = wide.get(text) or scopes.wide_readings(text, called)
            also = {each for each in readings if each.rpartition(".")[0] in skipped}
            scope.possible = plain[text] | also if also - plain[text] else frozenset()


def _by_weights(doubtful: Mapping[str, _Scope]) -> None:
    for scope in doubtful.values():
        only = scope.possible if len(scope.possible) == 1 else scope.owners & scope.possible
        if len(only) == 1:
            scope.module, scope.by_weights = next(iter(only)), True
    # Weights that modules share have the name of one of them.
    told = Counter(scope.module for scope in doubtful.values())
    for scope in doubtful.values():
        if told[scope.module] > 1 and any(not told[each] for each in scope.possible):
            scope.module, scope.by_weights = None, False


def _by_other_calls(doubtful: Mapping[str, _Scope]) -> None:
    """Of modules that are called as often, the n-th calls are in the same container."""
    groups: dict[str, dict[int, _Scope]] = {}
    for scope in doubtful.values():
        groups.setdefault(scope.base, {})[scope.number] = scope
    # What names alone tell, wherever it is, says nothing of what is in which container.
    told = [
        {number: scope.module for number, scope in group.items() if scope.module is not None}
        for group in groups.values()
        if all(scope.module is not None for scope in group.values())
        and any(len(scope.possible) > 1 for scope in group.values())
    ]
    for group in groups.values():
        if any(scope.module is not None for scope in group.values()):
            continue
        answers = {
            answer
            for modules in told
            if modules.keys() == group.keys() and (answer := _aligned(group, modules)) is not None
        }
        if len(answers) == 1:
            for number, module in next(iter(answers)):
                group[number].module = module


def _aligned(
    group: Mapping[int, _Scope], modules: Mapping[int, str]
) -> frozenset[tuple[int, str]] | None:
    """For each call the module that is nearest to that of another's call; None where two are."""
    nearby: dict[frozenset[str], _Nearby] = {}
    found = set()
    for number, scope in group.items():
        if scope.possible not in nearby:
            nearby[scope.possible] = _Nearby(scope.possible)
        nearest = nearby[scope.possible].of(modules[number])
        if nearest is None:
            return None
        found.add((number, nearest))
    return frozenset(found)


class _Nearby:
    """Some modules, to be asked which of them is nearest to another one.

    Args:
        modules: Fully qualified names.
    """

    def __init__(self, modules: frozenset[str]) -> None:
        self._modules = modules
        self._directly: dict[str, list[str]] = {}
        self._anywhere: dict[str, list[str]] = {}
        for module in modules:
            around = list(_around(module))[1:]
            self._directly.setdefault(around[0], []).append(module)
            for each in around:
                self._anywhere.setdefault(each, []).append(module)

    def of(self, module: str) -> str | None:
        """The only one in the innermost container that has any; None where there are several."""
        for container in _around(module):
            if container in self._modules:
                return container
            inside = self._directly.get(container) or self._anywhere.get(container)
            if inside:
                return inside[0] if len(inside) == 1 else None
        return None


def _around(module: str) -> Iterator[str]:
    """A module and all that contain it, the root last."""
    while module:
        yield module
        module = module.rpartition(".")[0]
    yield ""
