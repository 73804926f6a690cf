"""Which process writes a run file, so that a reader can tell when it is gone."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ortviz.record.runs import RunStatus
from ortviz.record.store.results import RunState

_SEPARATOR = " "


@dataclass(frozen=True, slots=True)
class OwnedState(RunState):
    """How :class:`RunState` is written.

    Attributes:
        owner: :func:`this_process` of the process that writes; empty in files that do not say.
    """

    owner: str = ""

    @property
    def cut_off(self) -> bool:
        """Whether the process that wrote this is gone and did not say that it ended."""
        return self.status is not RunStatus.ENDED and is_gone(self.owner)


def this_process() -> str:
    """Machine, process and when it began, as written into the run file."""
    return _SEPARATOR.join((_machine(), *_process(os.getpid())))


def is_gone(owner: str) -> bool:
    """Whether that process has surely ended.

    Args:
        owner: What :func:`this_process` said there; empty when it is not known.

    Returns:
        False also where it cannot be told: on another machine, in another container.
    """
    machine, *process = owner.split(_SEPARATOR)
    if machine != _machine() or len(process) != 2 or not process[0].isdecimal():
        return False
    number = int(process[0])
    if number == os.getpid():
        return process != _process(number)
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        # It is there, and another user's.
        return False
    return process != _process(number)


@lru_cache(maxsize=1)
def _machine() -> str:
    """Where numbers of processes mean the same; unlike any other where that is not known."""
    if os.name != "posix":
        # Signal 0 asks nothing there: it ends the process.
        return f"unknown-{os.urandom(8).hex()}"
    parts = [platform.node()]
    # Since a restart and inside a container the numbers are others'.
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        parts += [
            boot.read_text(encoding="ascii").strip(),
            str(Path("/proc/self/ns/pid").readlink()),
        ]
    return "/".join(parts).replace(_SEPARATOR, "_")


def _process(number: int) -> list[str]:
    """Its number, and when it began where the system says so: numbers are used again."""
    try:
        stat = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
        # Field 22; the second, the name in brackets, may hold spaces.
        began = stat.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        began = "0"
    return [str(number), began]
