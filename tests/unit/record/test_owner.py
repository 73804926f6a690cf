"""Whether the process that writes a run is gone: said only where it is sure."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ortviz.record.store import owner

pytestmark = pytest.mark.skipif(os.name != "posix", reason="numbers of processes are POSIX's")


def test_this_process_is_there() -> None:
    assert not owner.is_gone(owner.this_process())


def test_another_process_is_there_until_it_ends() -> None:
    script = (
        "from ortviz.record.store.owner import this_process\n"
        "print(this_process(), flush=True)\n"
        "input()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = child.stdout.readline().strip()
    assert not owner.is_gone(said)
    child.kill()
    child.communicate(timeout=30)
    assert owner.is_gone(said)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc")  # noqa: PTH110
def test_a_number_that_was_given_to_another_process_is_not_taken_for_it() -> None:
    machine, number, began = owner.this_process().split(" ")
    assert owner.is_gone(f"{machine} {number} {int(began) - 1}")


@pytest.mark.parametrize("said", ["", "somewhere 1 2", "no sense", "somewhere else 1 2 3"])
def test_what_cannot_be_told_is_not_said(said: str) -> None:
    assert not owner.is_gone(said)
    machine = owner.this_process().split(" ")[0]
    assert not owner.is_gone(f"{machine} x 1")
    # The first process of all is there, and mostly another user's.
    assert not owner.is_gone(f"other-{machine} 999999999 1")
