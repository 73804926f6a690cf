"""One thing at a time, what somebody waits for to see anything first."""

from __future__ import annotations

import gc
import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Work in Python that several threads have: at once all of it would take longer.

    >>> turns = Turns()
    >>> with turns.take(urgency=1):
    ...     pass
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._count = itertools.count()
        self._taken = False

    @contextmanager
    def take(self, urgency: int = 0) -> Iterator[None]:
        """Wait for a turn, and give it back when the block is left.

        Args:
            urgency: The higher goes first; of equal ones the one that came first.
        """
        place = (-urgency, next(self._count))
        with self._changed:
            heapq.heappush(self._waiting, place)
            try:
                while self._taken or self._waiting[0] != place:
                    self._changed.wait()
            except BaseException:
                # Who is interrupted while waiting must not be waited for.
                self._waiting.remove(place)
                heapq.heapify(self._waiting)
                self._changed.notify_all()
                raise
            heapq.heappop(self._waiting)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects that all stay, without looking through them for garbage meanwhile.

    Of blocks that overlap, the end of the first one ends it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
