"""A real JupyterLab for browser tests, apart from everything of the user's Jupyter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "for-tests-only"
START_SECS = 90
# What asks outside hosts by itself in a JupyterLab as it comes.
DISABLED = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Attributes:
        url: Of the server, with a slash at its end.
        root: The folder it shows.
        process: The server's process.
    """

    url: str
    root: Path
    process: subprocess.Popen[bytes]

    @property
    def page_url(self) -> str:
        """JupyterLab's page, logged in."""
        return f"{self.url}lab?token={TOKEN}&reset"

    def ask(self, path: str) -> Any:
        """What the server's REST API answers to a GET."""
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def labextension_folder() -> Path:
    """Where the interpreter of these tests has ortviz's JupyterLab plugin."""
    return Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "ortviz"


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab; ended with its kernels when the block is left.

    Args:
        folder: For everything it reads and writes; ``folder/root`` is what it shows.

    Raises:
        RuntimeError: It did not start; with what it had to say.
    """
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    log_path = folder / "jupyter.log"
    port = _free_port()
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            _command(port, root), env=_environment(folder), cwd=root, stdout=log, stderr=log
        )
        lab = Lab(f"http://127.0.0.1:{port}/", root, process)
        try:
            _wait_until_up(lab, log_path)
            yield lab
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def _command(port: int, root: Path) -> list[str]:
    return [
        sys.executable,
        *("-m", "jupyterlab", "--allow-root", "--no-browser"),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={TOKEN}",
        "--ServerApp.terminals_enabled=False",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.extension_manager=readonly",
    ]


def _environment(folder: Path) -> dict[str, str]:
    own = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    for path in own.values():
        path.mkdir(parents=True, exist_ok=True)
    page_config = folder / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(exist_ok=True)
    page_config.write_text(json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)}))
    # Server and kernel take this checkout, whether or not it is installed.
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, **{name: str(path) for name, path in own.items()}}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    # Under pytest ipykernel gives the cell's output no file descriptor; at a user's it has one.
    environment.pop("PYTEST_CURRENT_TEST", None)
    return environment


def _wait_until_up(lab: Lab, log_path: Path) -> None:
    deadline = time.monotonic() + START_SECS
    while time.monotonic() < deadline and lab.process.poll() is None:
        try:
            lab.ask("api/status")
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    tail = log_path.read_text(errors="replace")[-3000:]
    raise RuntimeError(f"JupyterLab did not start within {START_SECS} s. It said:\n{tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
