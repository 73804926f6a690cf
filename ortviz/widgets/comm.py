"""The comm that JupyterLab's plugin opens, which is answered while a cell runs.

A comm opened by the browser is served on a subshell of the kernel, if there are subshells; a
widget's own messages wait until the cell has ended.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ortviz.errors import OrtvizError
from ortviz.protocol.messages import PushMessage
from ortviz.session.registry import Runs
from ortviz.session.replies import reply
from ortviz.session.run import Run

if TYPE_CHECKING:
    from comm.base_comm import BaseComm


class Conversation:
    """One open comm: lists the runs, then speaks of the one that was chosen.

    Args:
        comm: The comm.
        opening: The message that opened it; its data may name a run by ``run_id``.
        known: The runs of this kernel.
    """

    def __init__(self, comm: BaseComm, opening: dict[str, Any], known: Runs) -> None:
        self._comm = comm
        self._known = known
        self._run: Run | None = None
        # The kernel routes the browser's next message to the shell that published last, so what
        # is sent from other threads is sent in the name of the subshell the comm was opened on.
        self._context = contextvars.copy_context()
        self._stop_pushes: Callable[[], None] = lambda: None
        self._stop_news = known.subscribe(self._list_runs)
        comm.on_msg(self._received)
        comm.on_close(self._closed)
        data = opening.get("content", {}).get("data") or {}
        self._list_runs()
        if data.get("run_id"):
            self._select(data["run_id"])

    def _received(self, message: dict[str, Any]) -> None:
        data = message.get("content", {}).get("data") or {}
        kind = data.get("type")
        if kind == "select":
            self._select(data.get("run_id"))
        elif kind == "list":
            self._list_runs()
        elif self._run is None:
            text = "Choose a run first."
            self._comm.send({"type": "error", "id": data.get("id", -1), "message": text})
        else:
            answer, buffers = reply(self._run, data)
            self._comm.send(cast("dict[str, Any]", answer), buffers=buffers)

    def _select(self, run_id: object) -> None:
        try:
            run = self._known.by_id(str(run_id))
        except OrtvizError as error:
            self._send({"type": "error", "id": -1, "message": str(error)})
            return
        self._stop_pushes()
        self._run = run
        self._send({"type": "selected", **_row(run)})
        self._stop_pushes = run.subscribe(self._push)

    def _list_runs(self) -> None:
        rows = [_row(run) for run in reversed(list(self._known.values()))]
        self._send({"type": "runs", "runs": rows})

    def _push(self, message: PushMessage, buffers: list[bytes]) -> None:
        self._send(cast("dict[str, Any]", message), buffers)

    def _send(self, data: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        # A copy, since a context can be entered by one thread at a time.
        self._context.copy().run(self._comm.send, data, buffers=buffers)

    def _closed(self, message: dict[str, Any]) -> None:
        self._stop_news()
        self._stop_pushes()


def _row(run: Run) -> dict[str, str | bool]:
    return {
        "run_id": run.info.run_id,
        "name": run.name,
        "run_path": "" if run.path is None else str(run.path.absolute()),
        "status": run.status.value,
        "controls": run.controllable,
    }
