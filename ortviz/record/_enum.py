"""``enum.StrEnum`` for Python 3.10, which does not have it."""

from __future__ import annotations

from enum import Enum


class StrEnum(str, Enum):
    """An enumeration whose members are their own strings."""

    def __str__(self) -> str:
        return str(self.value)
