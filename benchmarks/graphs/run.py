"""Measures graphs in a real JupyterLab, each in both viewers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.graphs.export import GRAPHS, file_of
from benchmarks.graphs.viewers import NETRON, ORTVIZ, Viewer
from benchmarks.graphs.viewing import Viewing, view
from tests.browser.lab import running_lab

LIMIT_SECS = 60.0
REPEATS = 3
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True)
class Pair:
    """One graph, seen in both.

    Attributes:
        graph: Its name.
        ours: Of several viewings the one with the median time to its first picture.
        peer: Netron's, seen once; None where it was not asked for.
        limit: Seconds that Netron had.
    """

    graph: str
    ours: Viewing
    peer: Viewing | None
    limit: float


def measured(
    names: Iterable[str] = tuple(GRAPHS),
    limit: float = LIMIT_SECS,
    repeats: int = REPEATS,
    netron: bool = True,
) -> Iterator[Pair]:
    """View graphs in turn.

    Args:
        names: Of graphs, as in :data:`GRAPHS`.
        limit: Seconds after which a viewer did not finish.
        repeats: How often ours is measured.
        netron: Whether Netron is measured too.
    """
    files = {name: file_of(name) for name in names}
    chromium = os.environ.get("ORTVIZ_CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)))
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        sync_playwright() as playwright,
    ):

        def fresh(path: Path, viewer: Viewer) -> Viewing:
            # Written anew with its siblings, so that nobody has read it yet.
            for stage in path.parent.glob("*.onnx"):
                shutil.copyfile(stage, lab.root / stage.name)
            return view(playwright, chromium, lab, path.name, viewer, limit)

        # The server imports what it needs when the first model is asked for.
        fresh(next(iter(files.values())), ORTVIZ)
        for name, path in files.items():
            ours = [fresh(path, ORTVIZ) for _ in range(repeats)]
            median = sorted(ours, key=lambda seen: seen.first.secs)[repeats // 2]
            yield Pair(name, median, fresh(path, NETRON) if netron else None, limit)
