"""``make test-torch24``: an environment whose torch runs custom autograd functions in ORT."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from environments import compile_extensions, create_venv, pip_install
from steps import SetupError, Steps, digest_of

FOLDER = ".venv-torch24"
NEEDED_BYTES = 7 << 30
"""What pip unpacks and downloads meanwhile: 4.6 GB and 2 GB."""

_WITHOUT_DEPENDENCIES = ("torch", "nvidia-")
_TORCH_NEEDS = ("filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions")
_TRAINING = ("onnxruntime-training-cpu", "ninja", "setuptools")
_TESTING = ("hypothesis", "ipykernel", "pytest", "pytest-timeout")


def make_torch24(steps: Steps, root: Path) -> None:
    """Create or bring up to date the environment for ``tests/engine`` on torch 2.4.1.

    Args:
        steps: Prints; three steps.
        root: Of the project.

    Raises:
        SetupError: This machine cannot have it, or a step failed.
    """
    venv = root / FOLDER
    _check(root, venv)
    if create_venv(steps, venv):
        steps.forget("python-torch24")
        steps.forget("extensions-torch24")
    files = [root / name for name in ("pyproject.toml", "constraints.txt")]
    inputs = digest_of([*files, root / "constraints-torch24.txt"], str(venv))
    _install(steps, root, venv / "bin" / "python", inputs)
    compile_extensions(steps, venv, root, "extensions-torch24", inputs, "about four minutes")


def _check(root: Path, venv: Path) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise SetupError(
            "torch 2.4.1 together with ONNX Runtime training is only to be had for Linux on "
            f"x86-64, and this is {sys.platform} on {platform.machine()}."
        )
    free = shutil.disk_usage(root).free
    if not venv.exists() and free < NEEDED_BYTES:
        raise SetupError(
            f"{FOLDER} needs {NEEDED_BYTES / 1e9:.0f} GB while it is made, and {root} has "
            f"{free / 1e9:.1f} GB left. Make room there."
        )


def _install(steps: Steps, root: Path, python: Path, inputs: str) -> None:
    steps.begin("Python packages: torch 2.4.1 and the CUDA libraries it loads (2 GB, once)")
    if steps.is_current("python-torch24", inputs):
        steps.end("are current")
        return
    pins = _pins(root / "constraints-torch24.txt")
    bare = [pin for pin in pins if pin.startswith(_WITHOUT_DEPENDENCIES)]
    # torch asks for more than it loads; what it does need is among the rest.
    pip_install(steps, python, ["--no-deps", *bare])
    constraints = root / "build" / "constraints-torch24.txt"
    constraints.write_text("\n".join(_merged(pins, _pins(root / "constraints.txt"))) + "\n")
    rest = [*_TORCH_NEEDS, *_TRAINING, *_TESTING, "-e", str(root)]
    pip_install(steps, python, [*rest, "-c", str(constraints)])
    steps.stamp("python-torch24", inputs)
    steps.end("installed")


def _pins(file: Path) -> list[str]:
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _merged(own: list[str], others: list[str]) -> list[str]:
    """Pins of both; where both name a package, those of ``own``."""
    names = {_name(pin) for pin in own}
    return [*own, *(pin for pin in others if _name(pin) not in names)]


def _name(pin: str) -> str:
    return pin.split("==", maxsplit=1)[0]
