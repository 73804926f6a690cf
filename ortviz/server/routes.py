"""Which address is answered by which handler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

import ortviz
from ortviz.server.files import BundleHandler, NetronHandler
from ortviz.server.onnx_files import OnnxCommandHandler, OnnxGraphHandler
from ortviz.server.runs import RunCommandHandler, RunGraphHandler

BUNDLES = Path(next(iter(ortviz.__path__))) / "static"
"""Where the build of ``extension/`` puts what a browser loads."""

Route = tuple[str, type[Any]] | tuple[str, type[Any], dict[str, Any]]


def handlers(base_url: str) -> list[Route]:
    """Return ortviz's routes for tornado.

    Args:
        base_url: Jupyter Server's own, for example ``/`` or ``/user/ada/``.

    Returns:
        ``GET ortviz/netron/<file>``, ``GET ortviz/static/<file>``, ``POST ortviz/run/command``,
        ``GET ortviz/run/graph``, ``POST ortviz/onnx/command`` and ``GET ortviz/onnx/graph``, each
        below ``base_url``.
    """

    def below(pattern: str) -> str:
        return url_path_join(base_url, "ortviz", pattern)

    return [
        (below(r"netron/(.*)"), NetronHandler),
        (below(r"static/(.*)"), BundleHandler, {"path": str(BUNDLES)}),
        (below(r"run/command"), RunCommandHandler),
        (below(r"run/graph"), RunGraphHandler),
        (below(r"onnx/command"), OnnxCommandHandler),
        (below(r"onnx/graph"), OnnxGraphHandler),
    ]
