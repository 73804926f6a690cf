"""One line of what ``ortviz doctor`` says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(str, Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """Something works less well, or will be done when first needed."""
    ERROR = "error"
    """ORTModule cannot be used before this is mended."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found and what it means.

    Attributes:
        name: What was looked at, such as ``"PyTorch"``.
        status: How it ended.
        found: What is there, a version or a path.
        meaning: What that means for the user, one or two sentences.
        remedy_command: What to type in a shell; empty if there is nothing to do.
    """

    name: str
    status: Status
    found: str
    meaning: str = ""
    remedy_command: str = ""
