"""Opens one file in one viewer in a JupyterLab, and measures."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Playwright
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.graphs.viewers import Viewer
from tests.browser.lab import Lab

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
_LAB_MS = 60_000
_MOVE_SECS = 2.0
_PROBE = Path(__file__).with_name("probe.js")

_OPEN = """([path, factory, ready]) => {
  window.measured = null;
  const began = performance.now();
  jupyterapp.commands.execute("docmanager:open", { path, factory });
  probe.until(new Function(`return ${ready}`)).then((ended) => {
    window.measured = { began, ended, ...probe.within(began, ended) };
  });
}"""
_EXPAND = """([button, ready]) => {
  window.measured = null;
  const began = performance.now();
  document.querySelector(button).click();
  probe.until(new Function(`return ${ready}`)).then((ended) => {
    window.measured = { began, ended, ...probe.within(began, ended) };
  });
}"""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took a while.

    Attributes:
        secs: How long; infinite where it did not end within the limit.
        stall_ms: The longest time that the main thread was held up by one task.
        gap_ms: The longest time without a frame.
        fps: Frames per second.
    """

    secs: float
    stall_ms: float
    gap_ms: float
    fps: float

    @classmethod
    def of(cls, seen: dict[str, Any]) -> Span:
        """From what the page measured."""
        secs = (seen["ended"] - seen["began"]) / 1e3
        return cls(secs, seen["task"], seen["gap"], seen["frames"] / secs)


UNFINISHED = Span(math.inf, math.inf, math.inf, 0.0)


@dataclass(frozen=True, slots=True)
class Viewing:
    """What one file in one viewer cost.

    Attributes:
        first: From opening the file to the first picture.
        expanded: From opening the file until everything is expanded; the same for a viewer that
            folds nothing.
        pan: Dragging the expanded picture.
        zoom: Zooming the expanded picture in and out.
    """

    first: Span
    expanded: Span
    pan: Span
    zoom: Span

    @property
    def stall_ms(self) -> float:
        """The longest of all."""
        return max(span.stall_ms for span in (self.first, self.expanded, self.pan, self.zoom))


def view(
    playwright: Playwright, chromium: str | None, lab: Lab, file: str, viewer: Viewer, limit: float
) -> Viewing:
    """Open a file in a fresh browser, expand everything, and move about.

    Args:
        playwright: Running.
        chromium: The browser's executable; None for Playwright's own.
        lab: A running JupyterLab.
        file: The file's name in the folder that JupyterLab shows.
        viewer: In what.
        limit: Seconds that opening and expanding may take each.
    """
    browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
    try:
        return _view(_lab_page(browser, lab), file, viewer, limit)
    finally:
        browser.close()


def _lab_page(browser: Browser, lab: Lab) -> Page:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.add_init_script(path=_PROBE)
    page.goto(lab.page_url)
    page.wait_for_function("window.jupyterapp !== undefined", timeout=_LAB_MS)
    page.evaluate("async () => { await jupyterapp.restored; jupyterapp.shell.collapseLeft(); }")
    # What JupyterLab itself has left to do is not the viewer's.
    page.wait_for_timeout(1_000)
    return page


def _view(page: Page, file: str, viewer: Viewer, limit: float) -> Viewing:
    first = _measured(page, _OPEN, [file, viewer.factory, viewer.first_picture], limit)
    if first is None:
        return Viewing(UNFINISHED, UNFINISHED, UNFINISHED, UNFINISHED)
    expanded = first
    if viewer.expand is not None:
        clicked = _measured(page, _EXPAND, [viewer.expand, viewer.expanded], limit)
        if clicked is None:
            return Viewing(Span.of(first), UNFINISHED, UNFINISHED, UNFINISHED)
        expanded = {
            **clicked,
            "began": 0.0,
            "ended": first["ended"] - first["began"] + clicked["ended"] - clicked["began"],
            "task": max(first["task"], clicked["task"]),
            "gap": max(first["gap"], clicked["gap"]),
        }
    box = page.locator(viewer.surface).first.bounding_box()
    assert box is not None, f"{viewer.surface} is not on the page"
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    pan = _moving(page, lambda: _drag(page, middle))
    zoom = _moving(page, lambda: _wheel(page))
    return Viewing(Span.of(first), Span.of(expanded), pan, zoom)


def _measured(page: Page, script: str, given: list[str], limit: float) -> dict[str, Any] | None:
    """Run a script that sets ``window.measured`` in the end; None if it never does."""
    page.evaluate(script, given)
    try:
        page.wait_for_function("window.measured !== null", timeout=limit * 1e3, polling=200)
    except PlaywrightTimeout:
        return None
    except PlaywrightError as error:
        # Out of memory, for example.
        if "crashed" in str(error):
            return None
        raise
    found: dict[str, Any] = page.evaluate("window.measured")
    return found


def _moving(page: Page, move: Callable[[], None]) -> Span:
    began = page.evaluate("performance.now()")
    move()
    seen = page.evaluate(
        """(began) => {
          const ended = performance.now();
          return { began, ended, ...probe.within(began, ended) };
        }""",
        began,
    )
    return Span.of(seen)


def _drag(page: Page, middle: tuple[float, float]) -> None:
    """To and fro by a real mouse; each move is answered before the next one."""
    x, y = middle
    page.mouse.down()
    began = time.monotonic()
    while (passed := time.monotonic() - began) < _MOVE_SECS:
        page.mouse.move(x + 200 * math.sin(5 * passed), y + 150 * math.sin(3 * passed))
    page.mouse.up()


def _wheel(page: Page) -> None:
    page.keyboard.down("Control")
    began = time.monotonic()
    while (passed := time.monotonic() - began) < _MOVE_SECS:
        page.mouse.wheel(0, -60 if math.sin(6 * passed) > 0 else 60)
    page.keyboard.up("Control")
