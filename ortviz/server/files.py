"""Handlers for files that came with ortviz or with Netron: nothing of the user's is in them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from ortviz.errors import EnvironmentProblem
from ortviz.netron.files import MEDIA_TYPES, read_file

NETRON_POLICY = (
    "default-src 'self' blob: data: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'"
)
"""What Netron's page may load: with this the browser itself refuses any outside request."""

YEAR_SECS = 365 * 24 * 3600


class PackageFileHandler(JupyterHandler):
    """Sends bytes of a package's file, with an entity tag so that an unchanged one costs no body.

    The files are public, so that reading them from another site reveals nothing: unlike for the
    user's files no referer is asked for, which some browsers and proxies do not send for modules.
    """

    auth_resource = "contents"

    def check_xsrf_cookie(self) -> None:
        """Ask for none; only GET and HEAD are answered."""

    @property
    def allow_origin(self) -> str:
        """Other origins get no permission to read, whatever the server allows its own pages."""
        return ""

    def send(self, content: bytes, media_type: str, max_age_secs: int = 0) -> None:
        """Answer with the bytes or, if the browser has them, with 304.

        Args:
            content: Body.
            media_type: Value of Content-Type.
            max_age_secs: How long a browser need not ask again; 0 if it must every time.
        """
        self.set_header("Content-Type", media_type)
        self.set_header("Etag", f'"{sha256(content).hexdigest()[:32]}"')
        cache = f"private, max-age={max_age_secs}, immutable" if max_age_secs else "no-cache"
        self.set_header("Cache-Control", cache)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(content)


class NetronHandler(PackageFileHandler):
    """``GET ortviz/netron/index.html?url=…&identifier=…&theme=…`` and the files it loads.

    ``url`` is the address of the model on the same server; without it the page waits for a
    message (see the head of ``ortviz/netron/shim.js``). ``identifier`` is the name shown, which
    must end in ``.onnx``. ``theme`` is ``light`` or ``dark``.
    """

    @property
    def content_security_policy(self) -> str:
        """Jupyter Server's policy and that nothing outside may be loaded."""
        return f"{super().content_security_policy}; {NETRON_POLICY}"

    @web.authenticated
    @authorized
    def get(self, name: str) -> None:
        """Send one of Netron's files.

        Args:
            name: What follows ``netron/`` in the address; empty means ``index.html``.
        """
        name = name or "index.html"
        try:
            content = read_file(name)
        except EnvironmentProblem as problem:
            self.log.error("ortviz: %s", problem)
            raise web.HTTPError(500, reason=problem.what) from problem
        if content is None:
            raise web.HTTPError(404)
        versioned = self.get_query_argument("v", "") != ""
        self.send(content, MEDIA_TYPES[Path(name).suffix], YEAR_SECS if versioned else 0)

    head = get


class BundleHandler(PackageFileHandler):
    """``GET ortviz/static/widget.js?v=<hash>`` and its like.

    A browser keeps what it got under a hash for good, and asks anew without one.
    """

    def initialize(self, path: str) -> None:
        """Take the folder with the bundles.

        Args:
            path: That folder.
        """
        self.folder = Path(path)

    @web.authenticated
    @authorized
    def get(self, name: str) -> None:
        """Send one bundle.

        Args:
            name: File name without any folder.
        """
        path = self.folder / name
        if Path(name).name != name or path.suffix not in MEDIA_TYPES or not path.is_file():
            raise web.HTTPError(404)
        versioned = self.get_query_argument("v", "") != ""
        self.send(path.read_bytes(), MEDIA_TYPES[path.suffix], YEAR_SECS if versioned else 0)

    head = get


def json_error(handler: JupyterHandler, status: int, message: str, **more: Any) -> None:
    """Answer with a sentence that the browser side shows as it is.

    Args:
        handler: Handler that answers.
        status: HTTP status.
        message: The sentence.
        more: Further members of the JSON object.
    """
    handler.set_status(status)
    handler.set_header("Content-Type", "application/json")
    handler.finish({"message": message, **more})
