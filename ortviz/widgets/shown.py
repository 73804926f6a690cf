"""What the debugger and the graph inspector have in common: one widget, its bundle, its answers."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets as t

from ortviz.errors import OrtvizError
from ortviz.protocol.messages import PushMessage
from ortviz.session.live import Send
from ortviz.session.replies import Answering, reply
from ortviz.widgets.bundle import LOADER, bundle_hash, page_has_no_server, read_bundle
from ortviz.widgets.subshell import subshell_context

DEFAULT_HEIGHT = 640

_sent_along = False


class ShownWidget(anywidget.AnyWidget):
    """Answers one page's questions.

    Args:
        answers: Who knows the answers.
        subscribe: Has what is new sent; returns how to stop. None when nothing ever is.
        height: In CSS pixels; None for the usual one.
        traits: Values of the traits below.
    """

    _esm = LOADER.read_text(encoding="utf-8")
    run_id = t.Unicode(help="Tells the widget from others on the page.").tag(sync=True)
    run_path = t.Unicode(help="Absolute path of the run's file; empty without.").tag(sync=True)
    onnx_path = t.Unicode(help="Absolute path of an ONNX file; empty without.").tag(sync=True)
    views = t.List(t.Unicode(), help="What is mounted; all views where empty.").tag(sync=True)
    graph = t.List(t.Unicode(), help="Mode and stage to show first, or none.").tag(sync=True)
    controls = t.Bool(help="Whether this kernel records the run it shows.").tag(sync=True)
    name = t.Unicode(help="For a person.").tag(sync=True)
    height = t.Int(DEFAULT_HEIGHT, help="In CSS pixels; dragging changes it.").tag(sync=True)
    bundle_hash = t.Unicode(help="Version of the bundle that the kernel has.").tag(sync=True)
    _files: t.List[bytes] = t.List(help="The bundle, for pages that no server gives it.").tag(
        sync=True
    )

    # Also of a widget whose making failed, which is closed all the same.
    _unsubscribe: Callable[[], None] | None = None

    def __init__(
        self,
        answers: Answering,
        subscribe: Callable[[Send], Callable[[], None]] | None,
        height: int | None,
        **traits: str | bool | Sequence[str],
    ) -> None:
        super().__init__(
            height=height or DEFAULT_HEIGHT,
            bundle_hash=bundle_hash(),
            _files=_files_to_send_along(),
            **traits,
        )
        self._answers = answers
        # Where there are no subshells, what is sent belongs to the cell that made the widget,
        # whatever the kernel is busy with by then.
        self._context = subshell_context() or contextvars.copy_context()
        self.on_msg(self._answer)
        self.observe(self._stay_reachable, "height")
        self._stay_reachable()
        self._unsubscribe = None if subscribe is None else subscribe(self._push)

    def close(self) -> None:
        """Take the widget off the page."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        super().close()

    def _push(self, message: PushMessage, buffers: list[bytes]) -> None:
        self._send_in_context(message, buffers)

    def _send_in_context(self, content: object, buffers: list[bytes] | None = None) -> None:
        """Send so that the browser's next message is answered while a cell runs."""
        # A copy, since a context can be entered by one thread at a time.
        self._context.copy().run(self.send, content, buffers)

    def _stay_reachable(self, change: object = None) -> None:
        """Whatever else was sent last, the browser's next message goes to the subshell again."""
        self._send_in_context({"type": "ready"})

    def _answer(self, widget: object, content: Any, buffers: object) -> None:
        if isinstance(content, dict) and content.get("type") == "bundle_request":
            self._send_bundle()
        else:
            answer, parts = reply(self._answers, content)
            self._send_in_context(answer, parts)

    def _send_bundle(self) -> None:
        try:
            bundle = read_bundle()
        except OrtvizError as error:
            self._send_in_context({"type": "bundle", "error": str(error)})
        else:
            self._send_in_context({"type": "bundle"}, [bundle.script, bundle.style])


def _files_to_send_along() -> list[bytes]:
    """The bundle, once per kernel, where the page could not ask for it while a cell runs."""
    global _sent_along
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if _sent_along or not page_has_no_server(getattr(shell, "user_ns", None)):
        return []
    try:
        bundle = read_bundle()
    except OrtvizError:
        return []
    _sent_along = True
    return [bundle.script, bundle.style]
