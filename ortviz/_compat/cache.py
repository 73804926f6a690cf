"""Where compiled extensions are kept, and the lock that lets one process compile at a time."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir

from ortviz.errors import EnvironmentProblem

CACHE_DIR_VARIABLE = "ORTVIZ_CACHE_DIR"
_LOCK_POLL_SECS = 2.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]")


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What compiled extensions depend on; any difference means another folder."""

    torch: str
    ort: str
    python: str
    platform: str

    @property
    def folder_name(self) -> str:
        """One file-system safe name, such as ``torch-2.13.0+cpu_ort-1.19.2_cpython-311_…``."""
        parts = (f"torch-{self.torch}", f"ort-{self.ort}", self.python, self.platform)
        return "_".join(_UNSAFE.sub("-", part) for part in parts)


def cache_key(torch_version: str, ort_version: str) -> CacheKey:
    """Build the key for the running interpreter.

    Args:
        torch_version: With its local part, ``"2.13.0+cpu"``.
        ort_version: Version of onnxruntime-training.
    """
    return CacheKey(
        torch=torch_version,
        ort=ort_version,
        python=sys.implementation.cache_tag or f"python-{sys.version_info[0]}{sys.version_info[1]}",
        platform=sysconfig.get_platform(),
    )


def cache_root() -> Path:
    """Return ``$ORTVIZ_CACHE_DIR`` or the user's cache folder for ortviz (not created here)."""
    chosen = os.environ.get(CACHE_DIR_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("ortviz"))


def extensions_folder(key: CacheKey) -> Path:
    """Return the folder of one key's extensions, whether or not it exists."""
    return cache_root() / "extensions" / key.folder_name


@contextmanager
def build_lock(target: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the right to fill ``target``; wait while another process holds it.

    Args:
        target: The folder to be filled; the lock file lies beside it.
        on_wait: Called about every two seconds while another process is compiling.

    Raises:
        EnvironmentProblem: If the cache folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without this probe a root user's lock would succeed where renaming later fails.
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise _not_writable(target.parent, error) from error
    lock = FileLock(target.with_name(target.name + ".lock"))
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_SECS)
            break
        except Timeout:
            on_wait()
        except OSError as error:
            raise _not_writable(target.parent, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder that becomes ``target`` in one rename if the block succeeds.

    Call it only while holding :func:`build_lock`: it removes what a killed build left behind.
    """
    prefix = f".building-{target.name}-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        yield staging
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _not_writable(folder: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"The folder for compiled extensions, {folder}, cannot be written ({error.strerror}).",
        f"Set {CACHE_DIR_VARIABLE} to a folder you may write to.",
    )
