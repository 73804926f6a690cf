"""From the names ORTModule gives nodes and tensors to the modules they came from.

The TorchScript exporter writes the stack of called modules into every name:
``/_original_module/blocks.0/attn/MatMul_output_0``. Of a module's full name the scope has the last
part that is no number, with the numbers after it: of ``blocks.0`` that is ``blocks.0``, of
``heads.left`` in a ModuleDict ``left``, of ``c.1`` inside a called Sequential again ``c.1``
(``c/c.1``), at the root too (``/_original_module/_original_module.2/Gemm``). A module called again
gets a number (``shared_1``). ORT's gradient builder appends ``_Grad/…`` to the
forward node's name and ``_grad`` to the tensor's.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

ROOT = "_original_module"
"""The attribute under which ORTModule keeps the user's model."""

_MOST_REMEMBERED = 32
"""Parts of a scope up to which it is remembered what they stand for."""
_REPEATED_CALL = re.compile(r"^(.+)_\d+$")
_State = tuple[str, str]
"""A module, and the part of a scope that led to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a node or tensor name says.

    Attributes:
        module: Fully qualified name of the module in whose scope it is.
        scope: The part of the name that names the module; another one for each of its calls.
        local: The rest, for example ``MatMul_output_0`` or ``weight_grad``.
    """

    module: str
    scope: str
    local: str


class ModuleScopes:
    """Resolves names of one model.

    Args:
        module_names: Fully qualified names as in ``named_modules()``; ``""`` is the root.
        aliases: Further names of modules registered more than once, each with the name that
            ``named_modules()`` gives it.
    """

    def __init__(
        self, module_names: Iterable[str], aliases: Mapping[str, str] | None = None
    ) -> None:
        self._aliases = dict(aliases or {})
        self._told: Mapping[str, str] = {}
        self._names = {*module_names, *self._aliases, ""}
        self._by_local_name: dict[str, list[str]] = {}
        self._modules: dict[str, str] = {}
        self._read: dict[str, frozenset[str]] = {}
        self._unread: dict[str, frozenset[str]] = {}
        self._paths: dict[Hashable, dict[str, list[list[_State]]]] = {}
        self._skipping: dict[tuple[str, str, frozenset[str]], list[str]] = {}
        for name in sorted(self._names - {""}):
            self._by_local_name.setdefault(_local_name(name), []).append(name)
        calls = map(_REPEATED_CALL.match, self._by_local_name)
        self.has_doubtful_names = any(
            call is not None and call[1] in self._by_local_name for call in calls
        )

    def with_told(self, told: Mapping[str, str]) -> ModuleScopes:
        """The same model, with scopes that are known to be those of certain modules.

        Args:
            told: Scope, without the slash before it -> fully qualified module name.
        """
        found = ModuleScopes(self._names, self._aliases)
        found._told = dict(told)
        return found

    def module_of(self, name: str) -> str | None:
        """The module a node or tensor name points at.

        Args:
            name: A node or tensor name of any stage, with any prefix a fusion put before it.

        Returns:
            The fully qualified name; ``""`` for the root; None when the name says nothing.
        """
        start = name.find(f"/{ROOT}/")
        if start >= 0:
            scope = name[start + 1 : name.rindex("/")]
            found = self._modules.get(scope)
            if found is None:
                found = self._modules[scope] = self._walk(scope.split("/"))[0]
            return found
        return None

    def readings(self, name: str) -> frozenset[str]:
        """All modules that a name may point at, also where :meth:`module_of` prefers one.

        ``x_1`` is the second call of ``x`` as well as a module called so.
        """
        start = name.find(f"/{ROOT}/")
        if start < 0:
            return frozenset()
        scope = name[start + 1 : name.rindex("/")]
        found = self._read.get(scope)
        if found is None:
            found = self._read[scope] = self._readings_of(scope.split("/"))
        return found

    def _readings_of(self, parts: list[str]) -> frozenset[str]:
        states: list[_State] = [("", ROOT)]
        for part in parts[1:]:
            once = _REPEATED_CALL.match(part)
            following = [
                state
                for known, last in states
                for each in ([part, once[1]] if once is not None else [part])
                for state in self._exact_readings(known, last, each)
            ]
            if not following:
                break
            states = following
        return frozenset(self._aliases.get(known, known) for known, _ in states)

    def scope_text(self, name: str) -> str | None:
        """The scope in a name, whether it is that of a module or not; None where it has none."""
        start = name.find(f"/{ROOT}/")
        return None if start < 0 else name[start + 1 : name.rindex("/")]

    def modules_along(self, scope: str) -> frozenset[str]:
        """All modules that a scope, or what it is in, may stand for; the root is left out."""
        return frozenset(
            known for states in self._along(scope, "any", self._below_any) for known, _ in states
        )

    def plain_readings(self, scope: str) -> frozenset[str]:
        """Modules that a whole scope stands for if all containers are called."""
        return self._meant(scope, self._along(scope, "plain", self._plain_readings))

    def wide_readings(self, scope: str, called: frozenset[str]) -> frozenset[str]:
        """Modules that a whole scope may stand for below containers that are not called."""

        def readings(name: str, last: str, part: str) -> list[_State]:
            skipped = [(each, part) for each in self._inside(name, part, called)]
            return [*self._plain_readings(name, last, part), *skipped]

        return self._meant(scope, self._along(scope, ("wide", called), readings))

    def followed(
        self, scope: str, called: frozenset[str]
    ) -> tuple[frozenset[str], tuple[str, ...]]:
        """As far as a scope's parts are modules: those it may stand for, and what is left of it.

        Args:
            scope: Without the slash before it.
            called: Modules inside which no other is reached without a part of its own.
        """

        def readings(name: str, last: str, part: str) -> list[_State]:
            skipped = ((each, part) for each in self._inside(name, part, called))
            return self._plain_readings(name, last, part) or list(skipped)

        along = self._along(scope, ("followed", called), readings)
        left = scope.split("/")[1 + len(along) :]
        return frozenset(known for known, _ in along[-1]) if along else frozenset({""}), tuple(left)

    def unread(self, scope: str) -> frozenset[str]:
        """Modules of which the names alone do not tell which one a part of a scope means."""
        known = self._unread.get(scope)
        if known is None:
            along = self._along(scope, "exact", self._exact_readings)
            left = scope.split("/")[1 + len(along) :]
            states = along[-1] if along else [("", ROOT)]
            found = self._follow(states, left[0], self._below_any) if left else []
            known = frozenset(self._aliases.get(each, each) for each, _ in found)
            self._unread[scope] = known
        return known

    def place_of(self, name: str) -> Place | None:
        """Take a name apart into the module, its scope and what is left.

        Args:
            name: A node or tensor name of any stage, or one made from a parameter's.

        Returns:
            None when the name says nothing.
        """
        start = name.find(f"/{ROOT}/")
        if start >= 0:
            parts = name[start + 1 :].split("/")
            module, count = self._walk(parts[:-1])
            return Place(module, "/".join(parts[:count]), "/".join(parts[count:]))
        owner = self.parameter_owner(name)
        if owner is None:
            return None
        local = name[len(ROOT) + 1 :]
        for known in (owner, *(alias for alias, of in self._aliases.items() if of == owner)):
            if known and local.startswith(f"{known}."):
                local = local[len(known) + 1 :]
                break
        return Place(owner, "", local)

    def parameter_owner(self, name: str) -> str | None:
        """The module of a parameter or buffer input such as ``_original_module.a.weight_grad``."""
        if not name.startswith(f"{ROOT}."):
            return None
        parts = name[len(ROOT) + 1 :].split(".")
        for length in range(len(parts) - 1, -1, -1):
            owner = ".".join(parts[:length])
            if owner in self._names:
                return self._aliases.get(owner, owner)
        return None

    def _walk(self, parts: list[str]) -> tuple[str, int]:
        """Follow scope components as far as they are modules; the module, how many they were."""
        # Two readings of a component exist (child, or a Sequential repeating itself), and only
        # the model's own names can tell them apart, so all that are still possible are kept.
        for length in range(len(parts), 1, -1) if self._told else ():
            told = self._told.get("/".join(parts[:length]))
            if told is not None:
                return told, length
        states: list[_State] = [("", ROOT)]
        count = 1
        for part in parts[1:]:
            following = [
                state for name, last in states for state in self._readings(name, last, part)
            ]
            if not following:
                break
            states = following
            count += 1
        name = max((state[0] for state in states), key=len)
        return self._aliases.get(name, name), count

    def _readings(self, name: str, last: str, part: str) -> list[_State]:
        found = self._exact_readings(name, last, part)
        repeated_call = _REPEATED_CALL.match(part)
        if not found and repeated_call is not None:
            found = self._exact_readings(name, last, repeated_call[1])
        return found

    def _exact_readings(self, name: str, last: str, part: str) -> list[_State]:
        return self._plain_readings(name, last, part) or self._skipped_containers(name, part)

    def _plain_readings(self, name: str, last: str, part: str) -> list[_State]:
        found = []
        if part.startswith(f"{last}."):
            repeated = name + part[len(last) :] if name else part[len(last) + 1 :]
            if repeated in self._names:
                found.append((repeated, part))
        child = f"{name}.{part}" if name else part
        if child in self._names:
            found.append((child, part))
        return found

    def _below_any(self, name: str, last: str, part: str) -> list[_State]:
        """As :meth:`_exact_readings`, with all that may be meant where that is in doubt."""
        return self._plain_readings(name, last, part) or [
            (each, part) for each in self._inside(name, part, frozenset())
        ]

    def _inside(self, name: str, part: str, called: frozenset[str]) -> list[str]:
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

    def _is_in(self, module: str, start: int, called: frozenset[str]) -> bool:
        """Whether one of the modules around another, below a place in its name, is called."""
        at = module.find(".", start)
        while at >= 0:
            if module[:at] in called:
                return True
            at = module.find(".", at + 1)
        return False

    def _skipped_containers(self, name: str, part: str) -> list[_State]:
        """Below containers that are not called, such as a ModuleDict; nothing when in doubt."""
        below = self._inside(name, part, frozenset())
        return [(below[0], part)] if len(below) == 1 else []

    def _along(
        self, scope: str, kind: Hashable, readings: Callable[[str, str, str], list[_State]]
    ) -> list[list[_State]]:
        """What each part of a scope may stand for, as far as its parts are modules.

        Args:
            scope: Without the slash before it.
            kind: Another one for other ``readings``. Scopes begin alike, so that of each beginning
                is remembered what it stands for.
            readings: What a part may stand for below a module.
        """
        parts = scope.split("/")
        known = self._paths.setdefault(kind, {})
        found: list[list[_State]] = []
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
                states = self._follow(found[-1] if found else [("", ROOT)], parts[length], readings)
                found = [*found, states] if states else found
            if length < _MOST_REMEMBERED:
                known["/".join(parts[: length + 1])] = found
        return found

    def _follow(
        self,
        states: Sequence[_State],
        part: str,
        readings: Callable[[str, str, str], list[_State]],
    ) -> list[_State]:
        once = _REPEATED_CALL.match(part)
        found = dict.fromkeys(
            state
            for name, last in states
            for each in ([part, once[1]] if once is not None else [part])
            for state in readings(name, last, each)
        )
        return list(found)

    def _meant(self, scope: str, along: Sequence[Sequence[_State]]) -> frozenset[str]:
        """The modules at the end of a scope that could be followed to its end."""
        if len(along) < scope.count("/"):
            return frozenset()
        last = along[-1] if along else [("", ROOT)]
        return frozenset(self._aliases.get(known, known) for known, _ in last)


def _local_name(name: str) -> str:
    """The part of a full name that the exporter writes into scopes."""
    parts = name.split(".")
    first = len(parts) - 1
    while first > 0 and parts[first].isdecimal():
        first -= 1
    return ".".join(parts[first:])


def forward_node_name(name: str) -> str | None:
    """The forward node a gradient node was made from, by its name.

    Args:
        name: Such as ``/_original_module/a/Gemm_Grad/Gemm_1``.

    Returns:
        ``/_original_module/a/Gemm``; None when this is no gradient node's name.
    """
    at = name.rfind("_Grad/")
    return name[:at] if at > 0 else None
