"""A real JupyterLab and a real Chromium, shared by the tests of this folder.

Without a browser, or without the built JupyterLab plugin, the tests are skipped and say what to
install; with ``ORTVIZ_REQUIRE_BROWSER=1`` they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser.lab import Lab, labextension_folder, running_lab
from tests.browser.lab_page import LabPage
from tests.browser.watch import Watch

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
VIEWPORT = {"width": 1400, "height": 1000}
expect.set_options(timeout=30_000)


def miss(sentence: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("ORTVIZ_REQUIRE_BROWSER") == "1":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium: the one of ``ORTVIZ_CHROMIUM``, of the machine, or of Playwright."""
    named = os.environ.get("ORTVIZ_CHROMIUM")
    installed = (shutil.which(name) for name in BROWSERS)
    own = playwright.chromium.executable_path
    path = next((path for path in (named, *installed, own) if path and Path(path).exists()), None)
    if path is None:
        miss("No Chromium here. Debian: apt install chromium; else: playwright install chromium.")
    launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that shows an empty folder, with ortviz's plugin in it."""
    if not (labextension_folder() / "package.json").exists():
        miss(f"ortviz's JupyterLab plugin is not in {labextension_folder()}. Run: make setup.")
    with running_lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture(scope="session")
def watches() -> list[Watch]:
    """Of all pages that are open."""
    return []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A picture of what the browser showed when a test failed.

    After the last test of a file the page is closed already: then there is none to take.
    """
    report = yield
    lab_page = getattr(item, "funcargs", {}).get("lab_page")
    if report.failed and lab_page is not None:
        try:
            lab_page.screenshot(f"failed-{item.name}-{report.when}")
        except PlaywrightError as error:
            report.sections.append(("no picture", str(error)))
    return report


@pytest.fixture(autouse=True)
def nothing_outside_and_no_error(watches: list[Watch]) -> Iterator[None]:
    """Every test fails if a page asked another machine or the console had an error."""
    yield
    for watch in watches:
        watch.check()


@pytest.fixture(scope="module")
def lab_page(browser: Browser, lab: Lab, watches: list[Watch]) -> Iterator[LabPage]:
    """JupyterLab in a fresh browser profile; in the end its tabs and kernels are closed."""
    context = browser.new_context(viewport=VIEWPORT, color_scheme="light")
    watch = Watch(context)
    opened = LabPage(context.new_page(), lab, watch)
    opened.open()
    watches.append(watch)
    yield opened
    watches.remove(watch)
    opened.close_all()
    context.close()
