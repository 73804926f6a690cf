"""A process that records until it is killed."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NUMBER = struct.Struct("<q")
Say = Callable[[int], None]


class Child:
    """Forks; says in numbers how far it got.

    Args:
        work: What it does; given a function to say a number with.
    """

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._source, target = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(self._source)

                def say(number: int) -> None:
                    os.write(target, NUMBER.pack(number))

                work(say)
                code = 0
            finally:
                os._exit(code)
        os.close(target)
        self.said: list[int] = []

    def hear(self) -> int | None:
        """The next number; None when it has ended."""
        content = os.read(self._source, NUMBER.size)
        if not content:
            return None
        (number,) = NUMBER.unpack(content)
        self.said.append(number)
        return number

    def wait_for(self, wanted: Callable[[int], bool]) -> None:
        """Listen until it has said a number that is wanted, or has ended."""
        while (number := self.hear()) is not None and not wanted(number):
            pass

    def kill(self) -> None:
        """End it at once, then listen to what it had said before."""
        os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        while self.hear() is not None:
            pass
        os.close(self._source)
        assert os.waitstatus_to_exitcode(status) in (-signal.SIGKILL, 0)


@contextmanager
def killed_at_the_end(child: Child) -> Iterator[Child]:
    """Whatever a test finds, no process stays."""
    try:
        yield child
    finally:
        child.kill()
