"""The runs of this process, by name: ``ortviz.runs["model"]`` and ``ortviz.last_run()``."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from ortviz.errors import UnknownNameError
from ortviz.session.lookup import Lookup
from ortviz.session.run import Run

_EXIT_SECS = 10.0

Listener = Callable[[], None]


class Runs(Lookup[str, Run]):
    """The newest run of each name, oldest name first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, Run] = {}
        self._by_id: weakref.WeakValueDictionary[str, Run] = weakref.WeakValueDictionary()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, run: Run) -> None:
        """Make a run known; one of the same name gives way to it."""
        with self._lock:
            self._newest.pop(run.name, None)
            self._newest[run.name] = run
            self._by_id[run.info.run_id] = run
            listeners = self._listeners
        for listener in listeners:
            listener()

    def by_id(self, run_id: str) -> Run:
        """The run of that identifier.

        Raises:
            UnknownNameError: It is not of this process, or nobody holds it any more.
        """
        run = self._by_id.get(run_id)
        if run is None:
            raise UnknownNameError(
                "This run is not open in this kernel.", "Open its file with ortviz.load(path)."
            )
        return run

    def all(self) -> tuple[Run, ...]:
        """Every run that somebody still holds, those whose name was taken included."""
        return tuple(self._by_id.values())

    def last(self) -> Run:
        """The run that began, or was loaded, last.

        Raises:
            UnknownNameError: There is none.
        """
        with self._lock:
            if not self._newest:
                raise UnknownNameError("There is no run yet.", "Wrap a model or load a run first.")
            return next(reversed(self._newest.values()))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Be called when a run is added; returns how to stop."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(kept for kept in self._listeners if kept is not listener)

        return stop

    def __getitem__(self, name: str) -> Run:
        try:
            return self._newest[name]
        except KeyError:
            near = get_close_matches(name, self._newest, n=3, cutoff=0.0)
            raise UnknownNameError(
                f"There is no run named {name!r}.",
                f"Known are {', '.join(near)}." if near else "None was recorded yet.",
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._newest))

    def __len__(self) -> int:
        return len(self._newest)

    def __repr__(self) -> str:
        if not self._newest:
            return "<no runs yet>"
        return "\n".join(repr(run) for run in self._newest.values())


runs = Runs()
"""All runs of this process."""


@atexit.register
def _close_runs() -> None:
    """Complete the files of runs still open; by then every training has come to its end."""
    deadline = time.monotonic() + _EXIT_SECS
    for run in runs.all():
        run.close(max(deadline - time.monotonic(), 0.1))
