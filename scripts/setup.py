"""``make setup``: from a clean clone to a working ``.venv``. Standard library only.

Every step is skipped when what it depends on has not changed, so that running this before each
``make test`` costs a fraction of a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from environments import compile_extensions, create_venv, pip_install
from node_tools import PYPI_NODE, machine_node, path_with, pypi_node, write_shims
from steps import SetupError, Steps, digest_of
from torch24 import make_torch24

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "extension"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
BUILD = ROOT / "build"
EXTRAS = "cpu,lab,notebooks,dev"
BROWSER_SOURCES = (
    "src",
    "style",
    "scripts",
    "package.json",
    "tsconfig.json",
    "tsconfig.build.json",
)


def check_machine(steps: Steps) -> None:
    """Say in plain words what is missing, before anything is installed.

    Raises:
        SetupError: This Python cannot be used or a tool is not there.
    """
    steps.begin("Looking at this machine")
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not (3, 10) <= sys.version_info[:2] < (3, 13):
        raise SetupError(
            f"This is Python {version}; ONNX Runtime's training package exists for 3.10 to 3.12. "
            "Install one of them and run `make setup PYTHON=python3.11`."
        )
    missing = []
    if not PYTHON.exists() and not _has_module("ensurepip"):
        missing.append(f"the venv module (Debian: apt install python3-venv); Python is {version}")
    if shutil.which("g++") is None and shutil.which("c++") is None:
        missing.append("a C++ compiler (Debian: apt install g++)")
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists():
        missing.append("Python's C headers (Debian: apt install python3-dev)")
    if missing:
        raise SetupError("This machine has not got: " + "; ".join(missing) + ".")
    steps.end(f"Python {version}, C++ compiler and headers are there")


def _has_module(name: str) -> bool:
    command = [sys.executable, "-c", f"import {name}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def make_venv(steps: Steps) -> None:
    """Create ``.venv`` unless it is there and works."""
    if create_venv(steps, VENV):
        steps.forget("python")
        steps.forget("extensions")


def find_node(steps: Steps) -> dict[str, str]:
    """Return an environment whose PATH has Node, npm and the environment's own programs.

    Node comes from PyPI if the machine has none or too old a one.
    """
    steps.begin("Node.js, for building the browser side")
    env = dict(os.environ, PATH=path_with(VENV / "bin"), VIRTUAL_ENV=str(VENV))
    folder = machine_node()
    if folder is not None:
        steps.end(f"found in {folder}")
        return env
    note = "taken from PyPI before"
    if pypi_node(str(PYTHON)) is None:
        _pip(steps, [PYPI_NODE])
        note = "taken from PyPI"
    wheel = pypi_node(str(PYTHON))
    if wheel is None:
        raise SetupError(
            f"The package {PYPI_NODE} has no Node for this machine. Install Node.js 20.19 or later."
        )
    env["PATH"] = path_with(write_shims(wheel, BUILD / "node"), env["PATH"])
    steps.end(note)
    return env


def _pip(steps: Steps, arguments: list[str]) -> None:
    pip_install(steps, PYTHON, [*arguments, "-c", str(ROOT / "constraints.txt")])


def build_browser_side(steps: Steps, env: dict[str, str]) -> None:
    """Install npm's packages and build the widget module and the JupyterLab plugin."""
    steps.begin("Browser side: npm packages, widget module, JupyterLab plugin")
    lock = digest_of([EXTENSION / "package-lock.json", EXTENSION / "package.json"])
    sources = digest_of([EXTENSION / name for name in BROWSER_SOURCES], lock)
    built = [ROOT / "ortviz/static/widget.js", ROOT / "ortviz/labextension/package.json"]
    installed = steps.is_current("npm", lock) and (EXTENSION / "node_modules").is_dir()
    if installed and steps.is_current("browser", sources) and all(p.exists() for p in built):
        steps.end("is current")
        return
    if not installed:
        steps.run(["npm", "ci"], EXTENSION, env, remedy="npm must reach its registry once.")
        steps.stamp("npm", lock)
    if not (VENV / "bin" / "jupyter-builder").exists():
        _pip(steps, ["jupyter-builder"])
    steps.run(["npm", "run", "build"], EXTENSION, env)
    steps.stamp("browser", sources)
    steps.end("built")


def install_python_side(steps: Steps, env: dict[str, str]) -> None:
    """Install ortviz itself (editable) with its tested dependencies."""
    steps.begin("Python packages: torch, ONNX Runtime training, JupyterLab")
    inputs = digest_of(
        [ROOT / "pyproject.toml", ROOT / "constraints.txt", ROOT / "jupyter-config"], EXTRAS
    )
    installed = VENV / "share" / "jupyter" / "labextensions" / "ortviz"
    if steps.is_current("python", inputs):
        steps.end("are current")
    else:
        unlink_labextension(installed)
        _pip(steps, ["-e", f"{ROOT}[{EXTRAS}]"])
        steps.stamp("python", inputs)
        steps.end("installed")
    link_labextension(installed)


def unlink_labextension(installed: Path) -> None:
    """Take the link away before pip runs: pip would write and delete files through it.

    Args:
        installed: Where JupyterLab looks.
    """
    if installed.is_symlink():
        installed.unlink()
    (ROOT / "ortviz" / "labextension" / "install.json").unlink(missing_ok=True)


def link_labextension(installed: Path) -> None:
    """Let JupyterLab read the plugin where it is built: an editable install copies it.

    Args:
        installed: Where JupyterLab looks.
    """
    target = ROOT / "ortviz" / "labextension"
    if installed.is_symlink() and installed.resolve() == target.resolve():
        return
    if installed.is_symlink() or installed.is_file():
        installed.unlink()
    elif installed.exists():
        shutil.rmtree(installed)
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.symlink_to(target, target_is_directory=True)


def set_up(steps: Steps, *, compiling: bool) -> None:
    """Carry out all steps of ``make setup``."""
    make_venv(steps)
    env = find_node(steps)
    build_browser_side(steps, env)
    install_python_side(steps, env)
    if compiling:
        inputs = digest_of([ROOT / "pyproject.toml", ROOT / "constraints.txt"], str(PYTHON))
        compile_extensions(steps, VENV, ROOT, "extensions", inputs, "about a minute")


def main() -> int:
    """Run all steps and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make setup")
    parser.add_argument("--no-compile", action="store_true", help="leave out the C++ extensions")
    parser.add_argument("--torch24", action="store_true", help="make .venv-torch24 instead")
    options = parser.parse_args()
    name = "setup-torch24" if options.torch24 else "setup"
    log = BUILD / f"{name}.log"
    count = 4 if options.torch24 else 5 if options.no_compile else 6
    steps = Steps(count, log, BUILD / "stamps")
    try:
        check_machine(steps)
        if options.torch24:
            make_torch24(steps, ROOT)
        else:
            set_up(steps, compiling=not options.no_compile)
    except SetupError as problem:
        print(f"\nSetup stopped. {problem}\nThe whole output is in {log}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSetup interrupted; the next run goes on where it stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
