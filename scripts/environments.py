"""What every environment of the project needs, whichever torch is in it. Standard library only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from node_tools import path_with
from steps import Steps


def create_venv(steps: Steps, folder: Path) -> bool:
    """Create a virtual environment unless it is there and works.

    Args:
        steps: Prints.
        folder: Where.

    Returns:
        Whether it was created, so that nothing is in it yet.
    """
    steps.begin(f"Virtual environment {folder.name}")
    python = folder / "bin" / "python"
    if python.exists() and _works(python):
        steps.end("is there")
        return False
    steps.run(
        [sys.executable, "-m", "venv", "--clear", folder],
        folder.parent,
        remedy="Debian: apt install python3-venv.",
    )
    steps.end("created")
    return True


def _works(python: Path) -> bool:
    command = [str(python), "-c", "import pip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def pip_install(steps: Steps, python: Path, arguments: list[str]) -> None:
    """Run ``pip install`` in an environment.

    Args:
        steps: Runs it and keeps the output.
        python: Of the environment.
        arguments: What to install, and constraints.

    Raises:
        SetupError: It failed.
    """
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    steps.run(
        command,
        python.parent,
        remedy="See the lines above; a network or proxy that pip can use is needed once.",
    )


def compile_extensions(
    steps: Steps, venv: Path, root: Path, stamp: str, inputs: str, how_long: str
) -> None:
    """Let ortviz compile ONNX Runtime's C++ extensions; they are cached outside the project.

    Args:
        steps: Prints and runs.
        venv: The environment they are compiled for.
        root: Of the project.
        stamp: Name under which it is remembered that they are there.
        inputs: Digest of what they depend on.
        how_long: For a person.

    Raises:
        SetupError: It failed.
    """
    steps.begin(f"ONNX Runtime's C++ extensions ({how_long}, once)")
    # Should their cache be emptied later, the first wrapped model compiles them again.
    if steps.is_current(stamp, inputs):
        steps.end("are ready")
        return
    env = dict(os.environ, PATH=path_with(venv / "bin"), VIRTUAL_ENV=str(venv))
    steps.run(
        [venv / "bin" / "ortviz", "doctor", "--fix"],
        root,
        env,
        remedy=f"`{venv.name}/bin/ortviz doctor` says more.",
    )
    steps.stamp(stamp, inputs)
    steps.end("are ready")
