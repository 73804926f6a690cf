"""The debugger as a Jupyter widget: traits and wiring, nothing else."""

from __future__ import annotations

import contextvars
import sys
import weakref
from typing import Any

import anywidget
import traitlets as t

from ortviz.errors import OrtvizError
from ortviz.protocol.messages import PushMessage
from ortviz.session.replies import reply
from ortviz.session.run import Run
from ortviz.widgets.bundle import LOADER, bundle_hash, page_has_no_server, read_bundle
from ortviz.widgets.subshell import subshell_context

DEFAULT_HEIGHT = 640

_widgets: weakref.WeakKeyDictionary[Run, DebuggerWidget] = weakref.WeakKeyDictionary()
_sent_along = False


class DebuggerWidget(anywidget.AnyWidget):
    """Shows one run. Made by ``run.show()``; shown twice, both views are of one widget.

    Args:
        run: The run.
        height: In CSS pixels.
    """

    _esm = LOADER.read_text(encoding="utf-8")
    run_id = t.Unicode(help="Of the run.").tag(sync=True)
    run_path = t.Unicode(help="Absolute path of the run's file; empty without.").tag(sync=True)
    name = t.Unicode(help="Of the run, for a person.").tag(sync=True)
    height = t.Int(DEFAULT_HEIGHT, help="In CSS pixels; dragging changes it.").tag(sync=True)
    bundle_hash = t.Unicode(help="Version of the bundle that the kernel has.").tag(sync=True)
    _files: t.List[bytes] = t.List(help="The bundle, for pages that no server gives it.").tag(
        sync=True
    )

    def __init__(self, run: Run, height: int | None = None) -> None:
        super().__init__(
            run_id=run.info.run_id,
            run_path="" if run.path is None else str(run.path.absolute()),
            name=run.name,
            height=height or DEFAULT_HEIGHT,
            bundle_hash=bundle_hash(),
            _files=_files_to_send_along(),
        )
        self._run = run
        # Where there are no subshells, what is sent belongs to the cell that made the widget,
        # whatever the kernel is busy with by then.
        self._context = subshell_context() or contextvars.copy_context()
        self.on_msg(self._answer)
        self.observe(self._stay_reachable, "height")
        self._stay_reachable()
        self._unsubscribe = run.subscribe(self._push)

    def close(self) -> None:
        """Take the widget off the page."""
        self._unsubscribe()
        super().close()

    def __repr__(self) -> str:
        """What a viewer without widgets shows in its place."""
        where = f"ortviz.load({self.run_path!r}).show()" if self.run_path else "run.show()"
        return f"ortviz debugger of the run {self.name!r}; shown by {where} in a running notebook"

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
            answer, parts = reply(self._run, content)
            self._send_in_context(answer, parts)

    def _send_bundle(self) -> None:
        try:
            bundle = read_bundle()
        except OrtvizError as error:
            self._send_in_context({"type": "bundle", "error": str(error)})
        else:
            self._send_in_context({"type": "bundle"}, [bundle.script, bundle.style])


def widget_for(run: Run, height: int | None = None) -> DebuggerWidget:
    """The widget of a run; made when it is first asked for.

    Args:
        run: The run.
        height: In CSS pixels; None to leave it.
    """
    widget = _widgets.get(run)
    if widget is None or widget.comm is None:
        widget = _widgets[run] = DebuggerWidget(run, height)
    elif height is not None:
        widget.height = height
    return widget


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
