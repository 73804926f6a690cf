"""Compile ORT's C++ extensions with ORT's own ``setup.py`` files, outside site-packages."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TextIO, cast

from ortviz._compat.cache import build_lock, staging_folder
from ortviz._compat.progress import BuildProgress, ProgressSink
from ortviz.errors import EnvironmentProblem

_NINJA_STEP = re.compile(r"^\[(\d+)/(\d+)\]")
_TAIL_LINE_COUNT = 15
_TICK_SECS = 0.5


@dataclass(frozen=True, slots=True)
class ExtensionSource:
    """One extension to compile.

    Attributes:
        name: Name of the module it becomes.
        setup_file: ORT's ``setup.py`` for it.
        step_count: Compiler runs plus the linker run, for the progress bar.
    """

    name: str
    setup_file: Path
    step_count: int


def extension_source(ort_folder: Path, name: str) -> ExtensionSource:
    """Find the sources of an extension in ORT's ``torch_cpp_extensions`` folder.

    Args:
        ort_folder: That folder.
        name: Such as ``"aten_op_executor"``.

    Raises:
        EnvironmentProblem: If ORT's installation lacks the sources.
    """
    for device in ("cpu", "cuda"):
        setup_file = ort_folder / device / name / "setup.py"
        if setup_file.is_file():
            sources = [p for p in setup_file.parent.iterdir() if p.suffix in {".cc", ".cpp", ".cu"}]
            return ExtensionSource(name, setup_file, len(sources) + 1)
    raise EnvironmentProblem(
        f"onnxruntime-training has no sources for its extension {name} in {ort_folder}.",
        "Reinstall it: pip install --force-reinstall --no-deps onnxruntime-training-cpu==1.19.2",
    )


def find_compiler() -> str | None:
    """Return the C++ compiler that torch would use, or None if there is none."""
    return shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")


def python_header() -> Path:
    """Return where ``Python.h`` of the running interpreter belongs."""
    return Path(sysconfig.get_paths()["include"]) / "Python.h"


def compiled_file(folder: Path, name: str) -> Path | None:
    """Return the compiled module ``name`` in ``folder`` that this interpreter can load."""
    for suffix in EXTENSION_SUFFIXES:
        file = folder / f"{name}{suffix}"
        if file.is_file():
            return file
    return None


def build_extensions(
    sources: tuple[ExtensionSource, ...], target: Path, sink: ProgressSink, *, again: bool = False
) -> None:
    """Fill ``target`` with the compiled extensions, all or none.

    Another process that is already building the same folder is waited for, and its result used.

    Args:
        sources: What to compile.
        target: Folder that will hold the compiled modules.
        sink: Told about every step.
        again: Compile even if ``target`` is already complete.

    Raises:
        EnvironmentProblem: No compiler, no Python headers, a folder that cannot be written, or
            a compiler error, with its last lines and the path of the whole log.
    """
    begun = time.monotonic()
    total = sum(source.step_count for source in sources)

    def waiting() -> None:
        sink(BuildProgress("another process is compiling", 0, total, time.monotonic() - begun))

    with build_lock(target, waiting):
        if not again and all(compiled_file(target, source.name) for source in sources):
            return
        _require_toolchain()
        done = 0
        with staging_folder(target) as staging:
            for source in sources:
                _Build(source, staging, target, sink, begun, done, total).run()
                done += source.step_count
            sink(BuildProgress("done", total, total, time.monotonic() - begun))


def _require_toolchain() -> None:
    if find_compiler() is None:
        raise EnvironmentProblem(
            "ORTModule's extensions must be compiled once, and there is no C++ compiler (g++).",
            "Install one, on Debian or Ubuntu: sudo apt install g++",
        )
    if not python_header().is_file():
        raise EnvironmentProblem(
            f"ORTModule's extensions must be compiled once, and Python.h is not in "
            f"{python_header().parent}.",
            "Install Python's headers, on Debian or Ubuntu: "
            f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-dev",
        )


@dataclass(slots=True)
class _Build:
    """The run of one ``setup.py``."""

    source: ExtensionSource
    staging: Path
    target: Path
    sink: ProgressSink
    begun: float
    done_before: int
    total: int

    def run(self) -> None:
        work = self.staging / f".work-{self.source.name}"
        work.mkdir()
        # Some of ORT's setup files rewrite their own sources: never in site-packages.
        sources = work / "source"
        shutil.copytree(self.source.setup_file.parent, sources)
        command = [sys.executable, str(sources / "setup.py"), "build", "--build-base", "out"]
        log = self.target.with_name(f"{self.target.name}.{self.source.name}.log")
        code, tail = self._follow(command, work, log)
        built = next(iter(work.glob(f"out/lib*/{self.source.name}*")), None)
        if code != 0 or built is None:
            raise EnvironmentProblem(
                f"Compiling ORTModule's extension {self.source.name} failed "
                f"(exit code {code}). The last lines were:\n" + "\n".join(tail),
                f"The whole log is {log}.",
            )
        built.replace(self.staging / built.name)
        shutil.rmtree(work)
        log.unlink(missing_ok=True)

    def _follow(self, command: list[str], work: Path, log: Path) -> tuple[int, deque[str]]:
        """Run to the end, telling the sink; return the exit code and the last lines."""
        tail: deque[str] = deque(maxlen=_TAIL_LINE_COUNT)
        step = 0
        process = subprocess.Popen(  # noqa: S603 (our own command, no shell)
            command,
            cwd=work,
            env=_build_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            with log.open("w", encoding="utf-8") as log_file:
                for line in _lines_with_ticks(process):
                    if line is not None:
                        log_file.write(line)
                        tail.append(line.rstrip())
                        match = _NINJA_STEP.match(line)
                        step = int(match.group(1)) if match else step
                    self._tell(min(step, self.source.step_count - 1))
            return process.wait(), tail
        except BaseException:
            # Ctrl-C must not leave compilers running in a folder about to be removed.
            _stop(process)
            raise

    def _tell(self, step: int) -> None:
        verb = "linking" if step == self.source.step_count - 1 else "compiling"
        elapsed = time.monotonic() - self.begun
        self.sink(
            BuildProgress(
                f"{self.source.name}: {verb}", self.done_before + step, self.total, elapsed
            )
        )


def _lines_with_ticks(process: subprocess.Popen[str]) -> Iterator[str | None]:
    """Yield output lines, and None now and then while the compiler is silent."""
    stdout = cast("TextIO", process.stdout)
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, name="ortviz-build-log", daemon=True)
    reader.start()
    while True:
        try:
            line = lines.get(timeout=_TICK_SECS)
        except queue.Empty:
            yield None
            continue
        if line is None:
            reader.join()
            stdout.close()
            return
        yield line


def _build_environment() -> dict[str, str]:
    environment = dict(os.environ)
    # ninja installed by pip lies beside python, which need not be on PATH.
    environment["PATH"] = os.pathsep.join(
        (sysconfig.get_path("scripts"), environment.get("PATH", os.defpath))
    )
    environment["PYTHONUNBUFFERED"] = "1"
    environment.setdefault("ONNXRUNTIME_CUDA_VERSION", "")
    environment.setdefault("ONNXRUNTIME_ROCM_VERSION", "")
    return environment


def _stop(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=5)
    except ProcessLookupError:
        process.wait()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
