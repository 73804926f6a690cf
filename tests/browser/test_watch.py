"""The watch that guards every other test here: it must be able to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.watch import Watch

pytestmark = pytest.mark.browser


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    context = browser.new_context()
    watch = Watch(context)
    yield context.new_page(), watch
    context.close()


def test_a_request_to_another_machine_fails_the_test(watched: tuple[Page, Watch]) -> None:
    page, watch = watched
    # A name that is reserved never to exist; nothing is sent anywhere.
    page.set_content('<iframe srcdoc="<img src=http://ortviz.invalid/a.png>"></iframe>')
    _wait_for(page, lambda: watch.outside)
    with pytest.raises(AssertionError, match=r"another machine.*ortviz\.invalid"):
        watch.check()


@pytest.mark.parametrize(
    "script", ["console.error('broken')", "setTimeout(() => { throw new Error('broken') })"]
)
def test_an_error_on_the_console_fails_the_test(watched: tuple[Page, Watch], script: str) -> None:
    page, watch = watched
    page.set_content(f"<script>{script}</script>")
    _wait_for(page, lambda: watch.trouble)
    with pytest.raises(AssertionError, match="broken"):
        watch.check()
    watch.check()


def _wait_for(page: Page, seen: Callable[[], list[str]]) -> None:
    for _ in range(100):
        if seen():
            return
        page.wait_for_timeout(100)
