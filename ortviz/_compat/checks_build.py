"""Checks of what compiles ORT's extensions, of the extensions and of ORTModule itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from ortviz._compat.build import find_compiler, python_header
from ortviz._compat.cache import CACHE_DIR_VARIABLE, cache_root, extensions_folder
from ortviz._compat.check import Check, Status
from ortviz._compat.extensions import missing_extensions
from ortviz._compat.ortmodule import check_requirements
from ortviz._compat.versions import distribution_version
from ortviz.errors import EnvironmentProblem

_FIX = "ortviz doctor --fix"
_PROBE_TIMEOUT_SECS = 300
_PROBE = """
from ortviz._compat import ensure_ortmodule, ort_private
api = ensure_ortmodule()
import torch
model = api.ORTModule(torch.nn.Linear(2, 2), api.DebugOptions(log_level=api.LogLevel.ERROR))
model(torch.ones(1, 2)).sum().backward()
fell_back, reason = ort_private.is_fallback(model)
if fell_back:
    raise SystemExit(f"ORTModule fell back to PyTorch: {reason}")
"""


def missing_now() -> tuple[str, ...] | None:
    """Return the extensions still to be compiled; None if they cannot be asked for yet."""
    try:
        needs = check_requirements()
    except EnvironmentProblem:
        return None
    return missing_extensions(needs.key, needs.plan.extensions)


def check_toolchain(*, needed: bool) -> list[Check]:
    """Check compiler, ninja, headers and setuptools.

    Args:
        needed: Extensions must still be compiled, so what is missing is an error.
    """
    missing = Status.ERROR if needed else Status.WARNING
    unless = "" if needed else " The extensions are compiled already; only a new build needs it."
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    compiler, header = find_compiler(), python_header()
    checks = [
        Check("C++ compiler", Status.OK, compiler)
        if compiler
        else Check(
            "C++ compiler",
            missing,
            "not found",
            f"ORTModule's extensions are compiled once per machine.{unless}",
            "sudo apt install g++",
        ),
        Check("Python headers", Status.OK, str(header))
        if header.is_file()
        else Check(
            "Python headers",
            missing,
            f"{header} is not there",
            f"ORTModule's extensions include Python.h.{unless}",
            f"sudo apt install {python}-dev",
        ),
    ]
    if distribution_version("setuptools") is None:
        checks.append(
            Check(
                "setuptools",
                missing,
                "not installed",
                f"ORT's own build files use it.{unless}",
                "python -m pip install setuptools",
            )
        )
    checks.append(_check_ninja())
    return checks


def check_cache(*, needed: bool) -> Check:
    """Check that the folder for compiled extensions can be written.

    Args:
        needed: Extensions must still be compiled, so a folder that cannot be written is an error.
    """
    folder = existing = cache_root()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        return Check(
            "cache folder",
            Status.ERROR if needed else Status.WARNING,
            str(folder),
            f"It cannot be written: {error.strerror}.",
            f"export {CACHE_DIR_VARIABLE}=/a/folder/you/may/write",
        )
    return Check("cache folder", Status.OK, str(folder))


def check_extensions() -> Check:
    """Check whether ORT's extensions are compiled for what is installed."""
    name = "ORTModule extensions"
    try:
        needs = check_requirements()
    except EnvironmentProblem as problem:
        return Check(name, Status.WARNING, "not checked", problem.what)
    missing = missing_extensions(needs.key, needs.plan.extensions)
    if missing:
        return Check(
            name,
            Status.WARNING,
            f"{', '.join(missing)} not compiled",
            "They are compiled at the first use, which takes one to four minutes.",
            _FIX,
        )
    found = f"{', '.join(needs.plan.extensions)} in {extensions_folder(needs.key)}"
    return Check(name, Status.OK, found)


def probe_ortmodule() -> Check:
    """Run one training step through ORTModule, in a process of its own.

    A library that does not fit can kill the process that loads it, and importing ORTModule
    changes ``torch.manual_seed``: neither may happen where the doctor was called.
    """
    name = "ORTModule"
    command = [sys.executable, "-c", _PROBE]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(  # noqa: S603 (our own command, no shell)
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_SECS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Check(
            name, Status.ERROR, f"no answer in {_PROBE_TIMEOUT_SECS} s", "One step should be fast."
        )
    if done.returncode == 0:
        return Check(name, Status.OK, "ran a training step")
    lines = done.stderr.strip().splitlines()
    last = lines[-1] if lines else f"exit code {done.returncode}"
    return Check(name, Status.ERROR, "does not run a training step", last, _FIX)


def _check_ninja() -> Check:
    path = shutil.which("ninja") or shutil.which("ninja", path=sysconfig.get_path("scripts"))
    if path:
        return Check("ninja", Status.OK, path)
    return Check(
        "ninja",
        Status.WARNING,
        "not found",
        "Extensions compile without it, one file after the other.",
        "python -m pip install ninja",
    )
