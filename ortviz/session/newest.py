"""What was made for the stages of graphs that were asked for last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from ortviz.record import Mode, Stage
from ortviz.session.graph_sources import GraphSource

Kept = TypeVar("Kept")


class Newest(Generic[Kept]):
    """Makes something for a stage at most once as long as it is kept; several threads ask.

    Args:
        make: Makes it for a stage.
        fits: Whether all that is kept may be; the newest is kept in any case.
    """

    def __init__(
        self,
        make: Callable[[GraphSource, Mode | str, Stage | str], Kept],
        fits: Callable[[Collection[Kept]], bool],
    ) -> None:
        self._make = make
        self._fits = fits
        self._lock = threading.Lock()
        # Two panes ask for the same stage at once: the second one waits for what the first makes.
        self._making = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], Kept] = OrderedDict()

    def get(self, source: GraphSource, mode: Mode | str, stage: Stage | str) -> Kept:
        """What belongs to the newest export of a stage.

        Raises:
            UnknownNameError: There is no such stage.
        """
        key = source.info().run_id, source.graph_key(mode, stage)
        found = self._find(key)
        if found is not None:
            return found
        with self._making:
            found = self._find(key)
            if found is not None:
                return found
            made = self._make(source, mode, stage)
            with self._lock:
                self._kept[key] = made
                while len(self._kept) > 1 and not self._fits(self._kept.values()):
                    self._kept.popitem(last=False)
            return made

    def _find(self, key: tuple[str, int]) -> Kept | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found
