"""Compiles the C++ files of this folder into the cache, for the processor of this machine."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path

from ortviz._compat.build import find_compiler
from ortviz._compat.cache import build_lock, cache_root, staging_folder
from ortviz.errors import EnvironmentProblem

_FOLDER = Path(__file__).parent
_FLAGS = ("-std=c++17", "-O3", "-ffp-contract=off", "-Wno-psabi", "-shared", "-fPIC")
_LIBRARY = "kernels.so"
_TIMEOUT_SECS = 120


def compile_kernels() -> str:
    """Compile the library unless that was done; takes seconds.

    Returns:
        Why there is none; empty when there is.
    """
    target = library_file().parent
    try:
        with build_lock(target, lambda: None):
            if library_file().is_file():
                return ""
            compiler = find_compiler()
            if compiler is None:
                return "There is no C++ compiler."
            with staging_folder(target) as staging:
                _compile(compiler, staging / _LIBRARY)
    except EnvironmentProblem as problem:
        return problem.what
    except (subprocess.SubprocessError, OSError) as error:
        return _reason(error)
    return ""


def library_file() -> Path:
    """Where the library for these sources and this processor belongs, compiled or not."""
    digest = hashlib.sha256(" ".join((*_FLAGS, *_processor_flags(), _processor())).encode())
    for source in sorted(_FOLDER.glob("*.[ch]pp")):
        digest.update(source.read_bytes())
    return cache_root() / "native" / digest.hexdigest()[:16] / _LIBRARY


def _compile(compiler: str, library: Path) -> None:
    sources = [str(source) for source in sorted(_FOLDER.glob("*.cpp"))]
    command = [compiler, *_FLAGS, *_processor_flags(), *sources, "-o", str(library)]
    subprocess.run(  # noqa: S603 (our own command, no shell)
        command, capture_output=True, text=True, errors="replace", check=True, timeout=_TIMEOUT_SECS
    )


def _processor_flags() -> tuple[str, ...]:
    if platform.machine() in ("x86_64", "AMD64"):
        # Vectors of 64 bytes are meant where there are such; by default compilers halve them.
        return ("-march=native", "-mprefer-vector-width=512")
    return ()


def _processor() -> str:
    """What this processor can do: a cache may be shared by machines that differ in it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    found = [line for line in lines if line.startswith(("model name", "flags", "Features"))]
    return " ".join(dict.fromkeys(found))


def _reason(error: subprocess.SubprocessError | OSError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        tail = "\n".join(error.stderr.strip().splitlines()[-5:])
        return f"Compiling failed (exit code {error.returncode}):\n{tail}"
    if isinstance(error, OSError):
        # No program, no memory for one, or a disk that is full.
        return f"Compiling failed: {error}"
    return f"Compiling took longer than {_TIMEOUT_SECS} s."
