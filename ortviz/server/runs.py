"""Handlers for recorded runs: a run is a file, so they answer with the kernel busy or gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ortviz.errors import OrtvizError, StoreError
from ortviz.protocol.codec import encode_frame
from ortviz.record.store import RunReader
from ortviz.server.files import json_error

Answer = TypeVar("Answer")


class RunHandler(APIHandler):
    """Opens the run that a request names, for reading only, off the server's event loop."""

    auth_resource = "contents"

    def run_path(self, given: object) -> Path:
        """Return the file that a request names.

        Args:
            given: An absolute path, or one relative to the folder Jupyter Server shows, as the
                file browser has it.

        Raises:
            HTTPError: 404; it is no text, or leads out of that folder, or has a hidden part that
                Jupyter Server does not show.
        """
        if not isinstance(given, str) or not given or "\0" in given:
            raise web.HTTPError(404, reason="The request names no run")
        if Path(given).is_absolute():
            return Path(given)
        # Not resolve(): like Jupyter Server itself, follow links that lie in the folder.
        root = Path(os.path.abspath(getattr(self.contents_manager, "root_dir", "") or "."))  # noqa: PTH100
        path = Path(os.path.abspath(root / given))  # noqa: PTH100
        if not path.is_relative_to(root) or self._is_hidden(path.relative_to(root)):
            raise web.HTTPError(404, reason="There is no such run")
        return path

    def _is_hidden(self, path: Path) -> bool:
        return not self.contents_manager.allow_hidden and any(
            part.startswith(".") for part in path.parts
        )

    async def read_run(self, path: Path, ask: Callable[[RunReader], Answer]) -> Answer | None:
        """Open a run, ask it something and close it, in a thread.

        Args:
            path: The run file.
            ask: What to ask.

        Returns:
            The answer; None if there was none and the request has been answered with an error.
        """

        def opened() -> RunReader:
            return RunReader.open(path)

        def asked() -> Answer:
            with reader:
                return ask(reader)

        loop = asyncio.get_running_loop()
        try:
            reader = await loop.run_in_executor(None, opened)
        except StoreError as error:
            # A file that is no run is told like one that is not there.
            json_error(self, 404, str(error))
            return None
        try:
            return await loop.run_in_executor(None, asked)
        except StoreError as error:
            json_error(self, 500, str(error))
        except OrtvizError as error:
            json_error(self, 400, str(error))
        return None

    def send_bytes(self, content: bytes) -> None:
        """Answer with bytes that no browser keeps."""
        self.set_header("Cache-Control", "no-store")
        self.finish(content, set_content_type="application/octet-stream")


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
        from ortviz.session.commands import handle

        body = self.get_json_body()
        if not isinstance(body, dict):
            json_error(self, 400, "A command is a JSON object with run, command and params.")
            return
        path = self.run_path(body.get("run"))
        command, params = str(body.get("command")), body.get("params", {})
        frame = await self.read_run(
            path, lambda reader: encode_frame(*handle(reader, command, params))
        )
        if frame is not None:
            self.send_bytes(frame)


class RunGraphHandler(RunHandler):
    """``GET ortviz/run/graph?run=…&mode=training&stage=execution_model``: the ONNX file."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Send the newest export of one stage."""
        path = self.run_path(self.get_query_argument("run", ""))
        mode = self.get_query_argument("mode", "training")
        stage = self.get_query_argument("stage", "execution_model")
        content = await self.read_run(path, lambda reader: reader.model_bytes(mode, stage))
        if content is not None:
            self.send_bytes(content)
