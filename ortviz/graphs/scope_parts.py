"""What the parts of a scope may stand for: the modules below a module, by their names alone."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Sequence

ROOT = "_original_module"
"""The attribute under which ORTModule keeps the user's model."""
REPEATED_CALL = re.compile(r"^(.+)_\d+$")
"""The name of a module that is called again."""
_MOST_REMEMBERED = 32
"""Parts of a scope up to which it is remembered what they stand for."""

State = tuple[str, str]
"""A module, and the part of a scope that led to it."""
Readings = Callable[[str, str, str], list[State]]
"""What a part may stand for, of a module, the part that led to it, and the part."""


class ScopeParts:
    """The names of one model's modules as scopes have them.

    Args:
        names: Fully qualified, ``""`` for the root, aliases included.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)
        self._by_local_name: dict[str, list[str]] = {}
        for name in sorted(self.names - {""}):
            self._by_local_name.setdefault(_local_name(name), []).append(name)
        self._paths: dict[Hashable, dict[str, list[list[State]]]] = {}
        self._skipping: dict[tuple[str, str, frozenset[str]], list[str]] = {}

    @property
    def has_doubtful_names(self) -> bool:
        """Whether a module is called as another one's second call would be."""
        calls = map(REPEATED_CALL.match, self._by_local_name)
        return any(call is not None and call[1] in self._by_local_name for call in calls)

    def plain(self, name: str, last: str, part: str) -> list[State]:
        """What a part stands for if all containers are called."""
        found = []
        if part.startswith(f"{last}."):
            repeated = name + part[len(last) :] if name else part[len(last) + 1 :]
            if repeated in self.names:
                found.append((repeated, part))
        child = f"{name}.{part}" if name else part
        if child in self.names:
            found.append((child, part))
        return found

    def exact(self, name: str, last: str, part: str) -> list[State]:
        """Likewise, and below containers that are not called where only one module can be meant."""
        return self.plain(name, last, part) or self._skipped(name, part)

    def anywhere(self, name: str, last: str, part: str) -> list[State]:
        """As :meth:`exact`, with all that may be meant where that is in doubt."""
        return self.plain(name, last, part) or [
            (each, part) for each in self.inside(name, part, frozenset())
        ]

    def inside(self, name: str, part: str, called: frozenset[str]) -> list[str]:
        """Modules of that local name below containers of which none is ``called``."""
        found = self._skipping.get((name, part, called))
        if found is None:
            inside = f"{name}." if name else ""
            named = self._by_local_name.get(part, [])
            found = self._skipping[name, part, called] = []
            # They are sorted, so that those inside of one module follow each other.
            for place in range(bisect_left(named, inside), len(named)):
                if not named[place].startswith(inside):
                    break
                if not self._is_in(named[place], len(inside), called):
                    found.append(named[place])
        return found

    def along(self, scope: str, kind: Hashable, readings: Readings) -> list[list[State]]:
        """What each part of a scope may stand for, as far as its parts are modules.

        Args:
            scope: Without the slash before it.
            kind: Another one for other ``readings``. Scopes begin alike, so that of each beginning
                is remembered what it stands for.
            readings: What a part may stand for below a module.
        """
        parts = scope.split("/")
        known = self._paths.setdefault(kind, {})
        found: list[list[State]] = []
        # A made-up name may have thousands of parts.
        count = min(len(parts), _MOST_REMEMBERED)
        while count > 1:
            remembered = known.get("/".join(parts[:count]))
            if remembered is not None:
                found = remembered
                break
            count -= 1
        for length in range(count, len(parts)):
            if len(found) == length - 1:
                states = self.follow(found[-1] if found else [("", ROOT)], parts[length], readings)
                found = [*found, states] if states else found
            if length < _MOST_REMEMBERED:
                known["/".join(parts[: length + 1])] = found
        return found

    def follow(
        self,
        states: Sequence[State],
        part: str,
        readings: Readings,
    ) -> list[State]:
        """What the next part may stand for; a number behind a name may be that of a call.

        Args:
            states: What the parts before it may stand for.
            part: The part.
            readings: What a part may stand for below a module.
        """
        once = REPEATED_CALL.match(part)
        found = dict.fromkeys(
            state
            for name, last in states
            for each in ([part, once[1]] if once is not None else [part])
            for state in readings(name, last, each)
        )
        return list(found)

    def _is_in(self, module: str, start: int, called: frozenset[str]) -> bool:
        """Whether one of the modules around another, below a place in its name, is called."""
        at = module.find(".", start)
        while at >= 0:
            if module[:at] in called:
                return True
            at = module.find(".", at + 1)
        return False

    def _skipped(self, name: str, part: str) -> list[State]:
        """Below containers that are not called, such as a ModuleDict; nothing when in doubt."""
        below = self.inside(name, part, frozenset())
        return [(below[0], part)] if len(below) == 1 else []


def _local_name(name: str) -> str:
    """The part of a full name that the exporter writes into scopes."""
    parts = name.split(".")
    first = len(parts) - 1
    while first > 0 and parts[first].isdecimal():
        first -= 1
    return ".".join(parts[first:])
