"""Checks of what shows the debugger in Jupyter; training and recording need none of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from packaging.version import Version

from ortviz._compat.check import Check, Status
from ortviz._compat.versions import distribution_version

_REINSTALL = "python -m pip install --force-reinstall --no-deps ortviz"
_OLDEST_LAB = "4.2"


def check_jupyter() -> list[Check]:
    """Check anywidget, JupyterLab, its plugin and the server extension."""
    return [_check_anywidget(), _check_lab(), _check_labextension(), _check_server_extension()]


def _check_anywidget() -> Check:
    version = distribution_version("anywidget")
    if version is not None:
        return Check("anywidget", Status.OK, version)
    return Check(
        "anywidget",
        Status.WARNING,
        "not installed",
        "The debugger cannot be shown in a notebook; reports still work.",
        "python -m pip install anywidget",
    )


def _check_lab() -> Check:
    version = distribution_version("jupyterlab")
    if version is None:
        return Check(
            "JupyterLab",
            Status.WARNING,
            "not installed",
            "It may run in another environment; the debugger needs JupyterLab 4.2 or Notebook 7.2.",
            "python -m pip install 'ortviz[lab]'",
        )
    if Version(version) < Version(_OLDEST_LAB):
        return Check(
            "JupyterLab",
            Status.WARNING,
            version,
            f"The plugin is built for JupyterLab {_OLDEST_LAB} and later.",
            "python -m pip install 'ortviz[lab]'",
        )
    return Check("JupyterLab", Status.OK, version)


def _check_labextension() -> Check:
    name = "JupyterLab plugin"
    for folder in _jupyter_folders("data"):
        package = folder / "labextensions" / "ortviz" / "package.json"
        if package.is_file():
            return Check(name, Status.OK, str(package.parent))
    return Check(
        name,
        Status.WARNING,
        "not installed",
        "The debugger works in notebooks, but .onnx files do not open in a tab.",
        _REINSTALL,
    )


def _check_server_extension() -> Check:
    name = "server extension"
    for folder in _jupyter_folders("config"):
        for file in sorted((folder / "jupyter_server_config.d").glob("*.json")):
            enabled = _server_extension_switch(file)
            if enabled is True:
                return Check(name, Status.OK, f"enabled in {file}")
            if enabled is False:
                return Check(
                    name,
                    Status.WARNING,
                    f"disabled in {file}",
                    "Graphs cannot be shown by Netron.",
                    "jupyter server extension enable ortviz.server",
                )
    return Check(
        name,
        Status.WARNING,
        "not installed",
        "Graphs cannot be shown by Netron.",
        "jupyter server extension enable ortviz.server --sys-prefix",
    )


def _server_extension_switch(file: Path) -> bool | None:
    """Read whether one configuration file enables ours; None if it does not mention it."""
    try:
        config = json.loads(file.read_text("utf-8"))
        switches = config["ServerApp"]["jpserver_extensions"]
        value = switches.get("ortviz.server", switches.get("ortviz"))
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return None if value is None else bool(value)


def _jupyter_folders(kind: str) -> tuple[Path, ...]:
    """Return Jupyter's ``data`` or ``config`` folders, most specific first."""
    try:
        from jupyter_core.paths import jupyter_config_path, jupyter_path
    except ImportError:
        leaf = "share/jupyter" if kind == "data" else "etc/jupyter"
        return (Path(sys.prefix) / leaf,)
    found = jupyter_path() if kind == "data" else jupyter_config_path()
    return tuple(Path(folder) for folder in found)
