"""What a page asks for and complains about, so that a test fails on what nobody looks at."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

OWN_HOSTS = ("127.0.0.1", "localhost")
LOCAL_SCHEMES = ("data", "blob", "about", "file")


class Watch:
    """Listens to every page and frame of a browser context from its beginning.

    Args:
        context: The context; pages opened later are listened to as well.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[str] = []
        self.trouble: list[str] = []
        self._excused: list[str] = []
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("page", self._listen)

    @property
    def outside(self) -> list[str]:
        """Addresses on other machines that were asked for."""
        return [url for url in self.requests if not _is_own(url)]

    def check(self) -> None:
        """Fail if something left the machine or the console had an error; then forget both."""
        outside = self.outside
        trouble = [text for text in self.trouble if not _matches(text, self._excused)]
        self.requests, self.trouble, self._excused = [], [], []
        assert outside == [], f"asked another machine for {outside}"
        assert trouble == [], "the browser's console says: " + "\n".join(trouble)

    def forgive(self, pattern: str) -> None:
        """Take out of the trouble so far what a test provoked; fail if there was no such thing."""
        left = [text for text in self.trouble if not re.search(pattern, text)]
        assert len(left) < len(self.trouble), f"nothing like {pattern!r} in {self.trouble}"
        self.trouble = left

    def excuse(self, pattern: str) -> None:
        """Until the next check: what JupyterLab itself may or may not complain about."""
        self._excused.append(pattern)

    def _listen(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.trouble.append(f"uncaught {error}\n{error.stack}"))
        page.on("websocket", lambda socket: self.requests.append(socket.url))
        page.on("crash", lambda _: self.trouble.append("the page crashed"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.trouble.append(f"{message.text} ({message.location.get('url', '')})")


def _matches(text: str, patterns: list[str]) -> bool:
    return any(re.search(pattern, text) for pattern in patterns)


def _is_own(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in LOCAL_SCHEMES or parts.hostname in OWN_HOSTS
