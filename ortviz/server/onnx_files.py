"""Handlers for lone ONNX files, which need no kernel and no run."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado import web

from ortviz.protocol.codec import encode_frame
from ortviz.server.files import json_error
from ortviz.server.user_files import UserFileHandler

VERSION_HEADER = "Ortviz-Version"
"""Another one once the file has another content: what was answered before does not fit then."""


class OnnxCommandHandler(UserFileHandler):
    """``POST ortviz/onnx/command`` with ``{"path", "id", "command", "params"}``; answers a frame.

    As ``RunCommandHandler``, of an ONNX file in place of a run; see
    :class:`ortviz.session.graph_files.GraphFiles` for which commands there are. An error that has
    ``"file": true`` is the same whatever is asked, until the file is another one.
    """

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer one command from a file."""
        body = self.get_json_body()
        if not isinstance(body, dict):
            json_error(self, 400, "A command is a JSON object with path, command and params.")
            return
        path = self.file_path(body.get("path"), "file")
        command, params = str(body.get("command")), body.get("params", {})

        of_the_file = {"file": True}

        def asked() -> tuple[bytes, str]:
            # Here, because onnx takes a while to be imported the first time.
            from ortviz.session.graph_files import GraphFiles

            files = GraphFiles(path)
            version = files.info().run_id
            of_the_file.clear()
            return encode_frame(*files.answer(command, params)), version

        answered = await self.in_thread(asked, unreadable=404, more=of_the_file)
        if answered is not None:
            frame, version = answered
            self.set_header(VERSION_HEADER, version)
            self.send_bytes(frame)


class OnnxGraphHandler(UserFileHandler):
    """``GET ortviz/onnx/graph?path=…&mode=training&stage=model``: the ONNX file of one stage."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Send the file, or a sibling of it that is another stage."""
        path = self.file_path(self.get_query_argument("path", ""), "file")
        mode, stage = self.get_query_argument("mode", ""), self.get_query_argument("stage", "")

        def asked() -> bytes:
            from ortviz.session.graph_files import GraphFiles

            return GraphFiles(path).model_bytes(mode, stage)

        content = await self.in_thread(asked, unreadable=404)
        if content is not None:
            self.send_bytes(content)
