"""What handlers of the user's own files share: which file is meant, and answers off the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado import web

from ortviz.errors import OrtvizError, StoreError
from ortviz.server.files import json_error

Answer = TypeVar("Answer")


class UserFileHandler(APIHandler):
    """Reads the file that a request names, off the server's event loop."""

    auth_resource = "contents"

    def file_path(self, given: object, what: str) -> Path:
        """Return the file that a request names.

        Args:
            given: An absolute path, or one relative to the folder Jupyter Server shows, as the
                file browser has it.
            what: How to call it in an error, for example ``run``.

        Raises:
            HTTPError: 404; it is no text, or leads out of that folder, or has a hidden part that
                Jupyter Server does not show.
        """
        if not isinstance(given, str) or not given or "\0" in given:
            raise web.HTTPError(404, reason=f"The request names no {what}")
        if Path(given).is_absolute():
            return Path(given)
        # Not resolve(): like Jupyter Server itself, follow links that lie in the folder.
        root = Path(os.path.abspath(getattr(self.contents_manager, "root_dir", "") or "."))  # noqa: PTH100
        path = Path(os.path.abspath(root / given))  # noqa: PTH100
        if not path.is_relative_to(root) or self._is_hidden(path.relative_to(root)):
            raise web.HTTPError(404, reason=f"There is no such {what}")
        return path

    def _is_hidden(self, path: Path) -> bool:
        return not self.contents_manager.allow_hidden and any(
            part.startswith(".") for part in path.parts
        )

    async def in_thread(
        self,
        work: Callable[[], Answer],
        unreadable: int,
        more: Mapping[str, object] | None = None,
    ) -> Answer | None:
        """Do something in a thread, and answer the request with an error if that fails.

        Args:
            work: What to do.
            unreadable: HTTP status for a file that cannot be read; others get 400.
            more: Further members of such an answer; read once ``work`` has failed.

        Returns:
            What it gave; None if the request has been answered with an error.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(None, work)
        except StoreError as error:
            json_error(self, unreadable, str(error), **(more or {}))
        except OrtvizError as error:
            json_error(self, 400, str(error), **(more or {}))
        return None

    def send_bytes(self, content: bytes) -> None:
        """Answer with bytes that no browser keeps."""
        self.set_header("Cache-Control", "no-store")
        self.finish(content, set_content_type="application/octet-stream")
