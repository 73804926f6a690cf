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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ortviz.graphs.scope_parts import REPEATED_CALL, ROOT, ScopeParts, State


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
        self._parts = ScopeParts(self._names)
        self._modules: dict[str, str] = {}
        self._read: dict[str, frozenset[str]] = {}
        self._unread: dict[str, frozenset[str]] = {}
        self.has_doubtful_names = self._parts.has_doubtful_names

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
        states: list[State] = [("", ROOT)]
        for part in parts[1:]:
            once = REPEATED_CALL.match(part)
            following = [
                state
                for known, last in states
                for each in ([part, once[1]] if once is not None else [part])
                for state in self._parts.exact(known, last, each)
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
            known
            for states in self._parts.along(scope, "any", self._parts.anywhere)
            for known, _ in states
        )

    def plain_readings(self, scope: str) -> frozenset[str]:
        """Modules that a whole scope stands for if all containers are called."""
        return self._meant(scope, self._parts.along(scope, "plain", self._parts.plain))

    def wide_readings(self, scope: str, called: frozenset[str]) -> frozenset[str]:
        """Modules that a whole scope may stand for below containers that are not called."""

        def readings(name: str, last: str, part: str) -> list[State]:
            skipped = [(each, part) for each in self._parts.inside(name, part, called)]
            return [*self._parts.plain(name, last, part), *skipped]

        return self._meant(scope, self._parts.along(scope, ("wide", called), readings))

    def followed(
        self, scope: str, called: frozenset[str]
    ) -> tuple[frozenset[str], tuple[str, ...]]:
        """As far as a scope's parts are modules: those it may stand for, and what is left of it.

        Args:
            scope: Without the slash before it.
            called: Modules inside which no other is reached without a part of its own.
        """

        def readings(name: str, last: str, part: str) -> list[State]:
            skipped = ((each, part) for each in self._parts.inside(name, part, called))
            return self._parts.plain(name, last, part) or list(skipped)

        along = self._parts.along(scope, ("followed", called), readings)
        left = scope.split("/")[1 + len(along) :]
        return frozenset(known for known, _ in along[-1]) if along else frozenset({""}), tuple(left)

    def unread(self, scope: str) -> frozenset[str]:
        """Modules of which the names alone do not tell which one a part of a scope means."""
        known = self._unread.get(scope)
        if known is None:
            along = self._parts.along(scope, "exact", self._parts.exact)
            left = scope.split("/")[1 + len(along) :]
            states = along[-1] if along else [("", ROOT)]
            found = self._parts.follow(states, left[0], self._parts.anywhere) if left else []
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
        states: list[State] = [("", ROOT)]
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

    def _readings(self, name: str, last: str, part: str) -> list[State]:
        found = self._parts.exact(name, last, part)
        repeated_call = REPEATED_CALL.match(part)
        if not found and repeated_call is not None:
            found = self._parts.exact(name, last, repeated_call[1])
        return found

    def _meant(self, scope: str, along: Sequence[Sequence[State]]) -> frozenset[str]:
        """The modules at the end of a scope that could be followed to its end."""
        if len(along) < scope.count("/"):
            return frozenset()
        last = along[-1] if along else [("", ROOT)]
        return frozenset(self._aliases.get(known, known) for known, _ in last)


def forward_node_name(name: str) -> str | None:
    """The forward node a gradient node was made from, by its name.

    Args:
        name: Such as ``/_original_module/a/Gemm_Grad/Gemm_1``.

    Returns:
        ``/_original_module/a/Gemm``; None when this is no gradient node's name.
    """
    at = name.rfind("_Grad/")
    return name[:at] if at > 0 else None
