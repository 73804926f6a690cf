"""A mapping whose missing keys are told with the known ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, overload

from ortviz.errors import UnknownNameError

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)
D = TypeVar("D")


class Lookup(Mapping[K, V_co]):
    """Like :class:`~collections.abc.Mapping`, but ``[]`` raises :class:`UnknownNameError`."""

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except UnknownNameError:
            return False
        return True

    @overload
    def get(self, key: K, /) -> V_co | None: ...
    @overload
    def get(self, key: K, /, default: V_co | D) -> V_co | D: ...
    def get(self, key: K, /, default: object = None) -> object:
        """The value of ``key``, or ``default``."""
        try:
            return self[key]
        except UnknownNameError:
            return default
