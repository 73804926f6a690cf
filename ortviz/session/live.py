"""Sends what is new to whoever looks on while a run is live: seldom enough, small enough."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol, cast

from ortviz.errors import OrtvizError
from ortviz.protocol.messages import CommandName, PushMessage, SummaryView, TracesView

Send = Callable[[PushMessage, list[bytes]], None]
"""Takes one push and its buffers."""

Answer = Callable[[str, Mapping[str, object]], tuple[object, list[bytes]]]

MIN_INTERVAL_SECS = 0.2
LIVE_POINTS = 500
MAX_ROWS = 400
"""Most rows of a pushed trace; who looks at a larger model asks for it."""
_IDLE_SHARE = 4.0
"""Between two pushes the thread rests so many times as long as the last one took."""


class Source(Protocol):
    """What is needed of the recorder."""

    @property
    def graph_count(self) -> int:
        """Stages of graphs kept so far."""

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be told when something new can be read."""


class LiveFeed:
    """One thread that pushes to every subscriber; it exists only while there is one.

    Args:
        answer: Answers a command, as the browser would ask it.
        source: Tells when something is new.
        name: Of the run, for the thread's name.
        min_interval_secs: Least time between two rounds of pushes.
    """

    def __init__(
        self,
        answer: Answer,
        source: Source,
        name: str = "",
        min_interval_secs: float = MIN_INTERVAL_SECS,
    ) -> None:
        self._answer = answer
        self._source = source
        self._name = name
        self._min_interval_secs = min_interval_secs
        self._lock = threading.Lock()
        self._sends: tuple[Send, ...] = ()
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._everything = False
        self._pushed_step: int | None = None
        self._pushed_graphs = 0
        self._pushed_findings: object = None

    def subscribe(self, send: Send) -> Callable[[], None]:
        """Push to ``send`` from now on; returns how to stop."""
        with self._lock:
            self._sends = (*self._sends, send)
            if self._thread is None and not self._stopped.is_set():
                self._unsubscribe = self._source.subscribe(self._news.set)
                self._thread = threading.Thread(
                    target=self._run, name=f"ortviz-live-{self._name}", daemon=True
                )
                self._thread.start()
            # Whoever is new has nothing yet.
            self._everything = True
        self._news.set()
        return lambda: self._remove(send)

    def stop(self) -> None:
        """Stop the thread and wait for it; subscribers stay for :meth:`push_last`."""
        self._stopped.set()
        self._news.set()
        with self._lock:
            thread, self._thread = self._thread, None
            unsubscribe, self._unsubscribe = self._unsubscribe, lambda: None
        unsubscribe()
        if thread is not None and thread is not threading.current_thread():
            thread.join(10.0)

    def push_last(self) -> None:
        """Push the run as it ended, on the calling thread, and let go of all subscribers."""
        if self._sends:
            self._push_round(everything=True)
        with self._lock:
            self._sends = ()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._news.wait()
            if self._stopped.is_set():
                return
            self._news.clear()
            with self._lock:
                everything, self._everything = self._everything, False
            began = time.monotonic()
            self._push_round(everything=everything)
            took = time.monotonic() - began
            self._stopped.wait(max(self._min_interval_secs, _IDLE_SHARE * took))

    def _push_round(self, *, everything: bool) -> None:
        # The file may be closed under us at the end; the last round follows then.
        with suppress(OrtvizError):
            for message, buffers in self._messages(everything=everything):
                for send in self._sends:
                    self._deliver(send, message, buffers)

    def _messages(self, *, everything: bool) -> Iterator[tuple[PushMessage, list[bytes]]]:
        summary, buffers = self._answer("summary", {})
        yield _push("summary", {}, summary), buffers
        params: dict[str, object] = {"max_points": LIVE_POINTS}
        yield self._asked("losses", params)
        step = cast(SummaryView, summary)["latest_sampled_step"]
        if step is not None and (everything or step != self._pushed_step):
            self._pushed_step = step
            yield from self._of_step(step)
        findings = self._asked("findings", {})
        if everything or findings[0]["payload"] != self._pushed_findings:
            self._pushed_findings = findings[0]["payload"]
            yield findings
        count = self._source.graph_count
        if everything or count != self._pushed_graphs:
            self._pushed_graphs = count
            yield self._asked("graphs", {})

    def _of_step(self, step: int) -> Iterator[tuple[PushMessage, list[bytes]]]:
        traces = self._asked("traces", {"step": step})
        if len(cast(TracesView, traces[0]["payload"])["rows"]) <= MAX_ROWS:
            yield traces
            yield self._asked("gradients", {"step": step})

    def _asked(
        self, command: CommandName, params: dict[str, object]
    ) -> tuple[PushMessage, list[bytes]]:
        payload, buffers = self._answer(command, params)
        return _push(command, params, payload), buffers

    def _deliver(self, send: Send, message: PushMessage, buffers: list[bytes]) -> None:
        try:
            send(message, buffers)
        except Exception:  # noqa: BLE001  (a closed page must not disturb the others)
            self._remove(send)

    def _remove(self, send: Send) -> None:
        with self._lock:
            self._sends = tuple(kept for kept in self._sends if kept is not send)


def _push(command: CommandName, params: dict[str, object], payload: object) -> PushMessage:
    return {"type": "push", "command": command, "params": params, "payload": payload}
