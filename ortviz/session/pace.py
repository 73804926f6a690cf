"""How far and how fast training is, and which steps are to be sampled."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ortviz.record import RunStatus

_WINDOW_SECS = 5.0
_TICK_SECS = 0.1


class Pace:
    """Counts steps and tells their recent rate; costs well under a microsecond a step.

    Written by the training thread only; reading from others sees a recent value.

    Args:
        total_steps: How many steps there will be, if known.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, total_steps: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total_steps = total_steps
        self.latest_step: int | None = None
        self.step_count = 0
        self._clock = clock
        self._ticks: deque[tuple[float, int]] = deque()

    def stepped(self, step: int) -> None:
        """A training forward pass of this number begins."""
        self.latest_step = step
        self.step_count += 1
        now = self._clock()
        ticks = self._ticks
        if ticks and now - ticks[-1][0] < _TICK_SECS:
            return
        ticks.append((now, self.step_count))
        while now - ticks[0][0] > _WINDOW_SECS and len(ticks) > 2:
            ticks.popleft()

    @property
    def steps_per_sec(self) -> float | None:
        """Rate over the last five seconds or so; None before it can be told."""
        ticks = tuple(self._ticks)
        if len(ticks) < 2:
            return None
        (first_secs, first_count), (last_secs, last_count) = ticks[0], ticks[-1]
        return (last_count - first_count) / (last_secs - first_secs)


class Sampling:
    """Says which steps are sampled; the user's buttons act on it from any thread.

    Args:
        every: A step is due when its number divides by this.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._lock = threading.Lock()
        self._paused = False
        self._next_wanted = False
        self._verify_wanted = False
        self._times_wanted = 0

    @property
    def paused(self) -> bool:
        """Whether only steps asked for singly are sampled."""
        return self._paused

    def pause(self) -> None:
        """Sample nothing until :meth:`resume`, except steps asked for singly."""
        self._paused = True

    def resume(self) -> None:
        """Sample every ``every``-th step again."""
        self._paused = False

    def sample_next(self) -> None:
        """Sample the next step whatever its number, even while paused."""
        with self._lock:
            self._next_wanted = True

    def verify_next(self) -> None:
        """Sample the next step, and have it looked into deeply."""
        with self._lock:
            self._next_wanted = self._verify_wanted = True

    def time_next(self, repeats: int) -> None:
        """Sample the next step, and have it run again so often to time its nodes."""
        with self._lock:
            self._next_wanted, self._times_wanted = True, repeats

    def is_due(self, step: int) -> bool:
        """Whether this step is to be sampled if there is room."""
        return self._next_wanted or (not self._paused and step % self.every == 0)

    def took(self) -> None:
        """A step is being sampled, so a single request is fulfilled."""
        if self._next_wanted:
            with self._lock:
                self._next_wanted = False

    def takes_verify(self) -> bool:
        """Whether the step that is being sampled was asked to be looked into; asked once."""
        if not self._verify_wanted:
            return False
        with self._lock:
            self._verify_wanted = False
        return True

    def takes_times(self) -> int:
        """How often the step that is being sampled is to be run again; asked once."""
        if not self._times_wanted:
            return 0
        with self._lock:
            wanted, self._times_wanted = self._times_wanted, 0
        return wanted

    def status(self, *, stepped: bool, ended: bool) -> RunStatus:
        """What to show."""
        if ended:
            return RunStatus.ENDED
        if self._paused:
            return RunStatus.PAUSED
        return RunStatus.LIVE if stepped else RunStatus.WAITING
