"""A queue between the training thread and the recorder's, bounded in items and in bytes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_MAX_ITEMS = 512
DEFAULT_MAX_BYTES = 256 * 1024 * 1024


class Inbox(Generic[T]):
    """Takes items at once or not at all, so that the giving thread never waits.

    What is being worked on still counts, because its arrays are still in memory: an item leaves
    the two budgets when :meth:`done` is called for its batch, not when it is taken.

    Args:
        max_items: Most items kept.
        max_bytes: Most bytes kept; one item alone may be larger, so that nothing is too big to
            be recorded at all.
    """

    def __init__(
        self, max_items: int = DEFAULT_MAX_ITEMS, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> None:
        self.max_items = max_items
        self.max_bytes = max_bytes
        self._changed = threading.Condition()
        self._waiting: deque[tuple[T, int]] = deque()
        self._taken: list[int] = []
        self._item_count = 0
        self._size_bytes = 0
        self._closed = False

    def offer(self, item: T, size_bytes: int, *, force: bool = False) -> bool:
        """Hand over one item.

        Args:
            item: What to keep.
            size_bytes: How much memory it holds.
            force: Take it up to twice the budgets, or beyond when it holds no array; for rare
                things, and for such as are paid for.

        Returns:
            Whether it was taken; never once closed.
        """
        with self._changed:
            fits = self._fits(size_bytes, 2) or size_bytes == 0 if force else self._fits(size_bytes)
            if self._closed or not fits:
                return False
            self._waiting.append((item, size_bytes))
            self._item_count += 1
            self._size_bytes += size_bytes
            self._changed.notify_all()
            return True

    def has_room(self, size_bytes: int = 0) -> bool:
        """Whether an item of this size would be taken now."""
        with self._changed:
            return not self._closed and self._fits(size_bytes)

    def take(self, most: int, timeout_secs: float | None = None) -> list[T] | None:
        """Wait for items and take up to ``most``.

        Args:
            most: Most items to take.
            timeout_secs: How long to wait; None for as long as it takes.

        Returns:
            The items; empty when time ran out; None once closed and empty.
        """
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait_for(lambda: self._waiting or self._closed, timeout_secs)
            if not self._waiting:
                return None if self._closed else []
            count = min(most, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            self._taken += [size for _, size in batch]
            return [item for item, _ in batch]

    def done(self, batch: Sequence[T]) -> None:
        """All that :meth:`take` has given is dealt with; ``batch`` is all of it."""
        with self._changed:
            self._item_count -= len(batch)
            self._size_bytes -= sum(self._taken)
            self._taken = []
            self._changed.notify_all()

    def wait_empty(self, timeout_secs: float) -> bool:
        """Wait until every item given so far is dealt with; False when time ran out."""
        deadline = time.monotonic() + timeout_secs
        with self._changed:
            while self._item_count:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def close(self) -> None:
        """Take nothing more; what is in it is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def size_bytes(self) -> int:
        """Memory held by items waiting or being worked on."""
        with self._changed:
            return self._size_bytes

    def __len__(self) -> int:
        with self._changed:
            return self._item_count

    def _fits(self, size_bytes: int, times: int = 1) -> bool:
        if self._item_count >= times * self.max_items:
            return False
        # One sample of a large model may fill the bytes for a while, and the losses of the steps
        # behind it need hardly any: their number bounds them.
        small = size_bytes <= self.max_bytes // 4096
        return (
            small
            or not self._item_count
            or (self._size_bytes + size_bytes <= times * self.max_bytes)
        )
