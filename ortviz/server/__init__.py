"""Jupyter Server extension: Netron's files, the widget's bundle and recorded runs, same origin.

Everything is below ``<base_url>/ortviz/`` and needs the login that Jupyter Server asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "ortviz.server"}]


def _load_jupyter_server_extension(server_app: ServerApp) -> None:
    from ortviz.server.routes import handlers

    server_app.web_app.add_handlers(  # type: ignore[no-untyped-call]
        ".*$", handlers(server_app.base_url)
    )
    server_app.log.info(
        "ortviz: Netron and recorded runs are served below %sortviz/", server_app.base_url
    )
