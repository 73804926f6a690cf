"""Handlers for recorded runs: a run is a file, so they answer with the kernel busy or gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jupyter_server.auth.decorator import authorized
from tornado import web

from ortviz.protocol.codec import encode_frame
from ortviz.record.store import RunReader
from ortviz.server.files import json_error
from ortviz.server.user_files import UserFileHandler

Answer = TypeVar("Answer")


class RunHandler(UserFileHandler):
    """Opens the run that a request names, for reading only."""

    async def read_run(self, path: Path, ask: Callable[[RunReader], Answer]) -> Answer | None:
        """Open a run, ask it something and close it, in a thread.

        Args:
            path: The run file.
            ask: What to ask.

        Returns:
            The answer; None if there was none and the request has been answered with an error.
        """
        # A file that is no run is told like one that is not there.
        reader = await self.in_thread(lambda: RunReader.open(path), unreadable=404)
        if reader is None:
            return None

        def asked() -> Answer:
            with reader:
                return ask(reader)

        return await self.in_thread(asked, unreadable=500)


class RunCommandHandler(RunHandler):
    """``POST ortviz/run/command`` with ``{"run", "id", "command", "params"}``; answers a frame.

    The layout of a frame is described in :mod:`ortviz.protocol.codec`. ``control`` is refused:
    it needs the kernel that trains. What cannot be answered gets a status and ``{"message"}``:
    404 if the run cannot be opened, 400 if the run has no such thing, 500 if reading failed.
    """

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer one command from a run's file."""
        body = self.get_json_body()
        if not isinstance(body, dict):
            json_error(self, 400, "A command is a JSON object with run, command and params.")
            return
        path = self.file_path(body.get("run"), "run")
        command, params = str(body.get("command")), body.get("params", {})

        def asked(reader: RunReader) -> bytes:
            # Here, because onnx takes a while to be imported the first time.
            from ortviz.session.commands import handle

            return encode_frame(*handle(reader, command, params))

        frame = await self.read_run(path, asked)
        if frame is not None:
            self.send_bytes(frame)


class RunGraphHandler(RunHandler):
    """``GET ortviz/run/graph?run=…&mode=training&stage=execution_model``: the ONNX file."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Send the newest export of one stage."""
        path = self.file_path(self.get_query_argument("run", ""), "run")
        mode = self.get_query_argument("mode", "training")
        stage = self.get_query_argument("stage", "execution_model")
        content = await self.read_run(path, lambda reader: reader.model_bytes(mode, stage))
        if content is not None:
            self.send_bytes(content)
