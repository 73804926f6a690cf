"""Build hook: a wheel built from source needs Node only if the browser side is not built yet."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

from node_tools import PYPI_NODE, machine_node, path_with, pypi_node, write_shims

BUILT = ("ortviz/static/widget.js", "ortviz/labextension/package.json")


class NodeHook(BuildHookInterface[Any]):
    """Puts a Node on PATH for the hook after this one, which runs npm."""

    def _needs_node(self) -> bool:
        return not all((Path(self.root) / built).exists() for built in BUILT)

    def dependencies(self) -> list[str]:
        """Name Node's package on PyPI if this build needs it and the machine has none."""
        return [PYPI_NODE] if self._needs_node() and machine_node() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Extend PATH before npm is looked for.

        Raises:
            RuntimeError: No Node is there and none came from PyPI (a build without isolation).
        """
        if not self._needs_node() or machine_node() is not None:
            return
        wheel = pypi_node()
        if wheel is None:
            raise RuntimeError(
                "Building ortviz's browser side needs Node.js 20.19 or later and npm. "
                f"Install them, or run: {sys.executable} -m pip install '{PYPI_NODE}'"
            )
        shims = write_shims(wheel, Path(tempfile.mkdtemp(prefix="ortviz-node-")))
        os.environ["PATH"] = path_with(shims)
