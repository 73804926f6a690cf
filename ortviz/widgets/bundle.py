"""The browser's side of the debugger, as the build of ``extension/`` left it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ortviz.errors import EnvironmentProblem

STATIC = Path(__file__).resolve().parent.parent / "static"
LOADER = Path(__file__).resolve().parent / "loader.js"


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a page needs where no server has it.

    Attributes:
        script: ``widget.js``, an ES module.
        style: ``widget.css``.
    """

    script: bytes
    style: bytes


@cache
def bundle_hash(static: Path = STATIC) -> str:
    """Content hash of ``widget.js``; empty when the browser side was not built."""
    try:
        manifest = json.loads((static / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(manifest.get("widget.js", ""))


def read_bundle(static: Path = STATIC) -> Bundle:
    """Read the bundle.

    Raises:
        EnvironmentProblem: The browser side was not built.
    """
    try:
        style = static / "widget.css"
        return Bundle(
            (static / "widget.js").read_bytes(), style.read_bytes() if style.exists() else b""
        )
    except OSError as error:
        raise EnvironmentProblem(
            "The browser side of ortviz was not built.",
            "In a clone run `make setup`; otherwise install ortviz again.",
        ) from error


def page_has_no_server(user_names: object) -> bool:
    """Whether the notebook is shown by a program without a Jupyter Server of its own.

    There the bundle cannot be asked for while a cell runs, so it travels with the first widget.

    Args:
        user_names: The notebook's variables, among which VS Code leaves a mark.
    """
    names = user_names if isinstance(user_names, dict) else {}
    return "google.colab" in sys.modules or "__vsc_ipynb_file__" in names
