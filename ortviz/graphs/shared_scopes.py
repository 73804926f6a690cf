"""Scopes in which nodes of two modules stand, because one is called as the other's second call is.

The exporter calls the scope of the second call of ``x`` ``x_1``, which may be a module's name too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ortviz.graphs.scopes import ModuleScopes

_CALL = re.compile(r"^(.+)_\d+$", re.DOTALL)
_OUTPUT = re.compile(r"_output_\d+$")
_NUMBER = re.compile(r"_\d+$")


def shared_scopes(names: Iterable[str], scopes: ModuleScopes) -> frozenset[str]:
    """Scopes that hold all that a module's first call holds, and more.

    Args:
        names: Of the values that the graph's forward nodes make.
        scopes: The names of the model's modules.

    Returns:
        As in ``Place.scope``.
    """
    if not scopes.has_doubtful_names:
        return frozenset()
    held: dict[str, Counter[str]] = {}
    for name in names:
        place = scopes.place_of(name)
        if place is not None and place.scope:
            kind = _NUMBER.sub("", _OUTPUT.sub("", place.local))
            held.setdefault(place.scope, Counter())[kind] += 1
    found = set()
    for scope, counts in held.items():
        call = _CALL.match(scope)
        first = held.get(call[1]) if call is not None else None
        if first is not None and first != counts and not first - counts:
            found.add(scope)
    return frozenset(found)
