"""Make ``ORTModule`` importable with the installed torch, once per process."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ortviz._compat import guards, quiet, scoped, streams, torch_onnx
from ortviz._compat.cache import CacheKey, cache_key
from ortviz._compat.clash import clash_sentence, installed_onnxruntimes
from ortviz._compat.extensions import (
    PACKAGE,
    compile_missing,
    counted_as_installed,
    extension_package,
    load_extensions,
    place_empty_interop,
)
from ortviz._compat.progress import ProgressSink
from ortviz._compat.versions import (
    AUTOGRAD_VARIABLE,
    ORT_VERSION,
    CompatPlan,
    asks_for_custom_autograd,
    compat_plan,
    ort_extension_folder,
    ort_training_version,
    torch_version,
)
from ortviz.errors import EnvironmentProblem

if TYPE_CHECKING:
    from enum import IntEnum

    import torch

_ORTMODULE = "onnxruntime.training.ortmodule"
_lock = threading.Lock()
_api: OrtModuleApi | None = None


@dataclass(frozen=True, slots=True)
class OrtModuleApi:
    """The public names of ``onnxruntime.training.ortmodule``, ready to use.

    Attributes:
        ORTModule: The class itself.
        DebugOptions: Its options class.
        LogLevel: Its log levels; FATAL breaks session creation, VERBOSE to ERROR work.
        plan: What was done for the installed torch.
        torch_version: With its local part.
        ort_version: Version of onnxruntime-training.
    """

    ORTModule: type[torch.nn.Module]
    DebugOptions: type
    LogLevel: type[IntEnum]
    plan: CompatPlan
    torch_version: str
    ort_version: str


def ensure_ortmodule(progress: ProgressSink | None = None) -> OrtModuleApi:
    """Import ORTModule, compiling its extensions the first time on this machine.

    Nothing that belongs to the user is replaced by ortviz: ``torch.onnx.export`` keeps its
    default, ``torch.cuda.nvtx`` stays as it is and site-packages is not written. What ORT itself
    does on import stays too: ``torch.manual_seed`` and ``torch.cuda.manual_seed`` then also
    seed ORT, and ``torch.utils.checkpoint.checkpoint`` is wrapped.

    Args:
        progress: Told about a compilation; None for a bar on a terminal, plain lines elsewhere.

    Returns:
        The names to use. Later calls return the same object at once.

    Raises:
        EnvironmentProblem: With what is wrong and the command that mends it: torch or ORT
            missing, packages that clash, no compiler, a build that failed, a cache folder that
            cannot be written.
    """
    global _api
    with _lock:
        if _api is None:
            _api = _prepare(progress)
        return _api


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is installed, checked, without importing any of it."""

    torch_version: str
    ort_version: str
    ort_folder: Path
    plan: CompatPlan
    key: CacheKey


def check_requirements() -> Requirements:
    """Find torch and onnxruntime-training, or say what is missing.

    Raises:
        EnvironmentProblem: torch or ORT is missing, or packages clash.
    """
    found_torch = torch_version()
    if found_torch is None:
        raise EnvironmentProblem("PyTorch is not installed.", "Run: pip install 'ortviz[cpu]'")
    clash = clash_sentence(installed_onnxruntimes())
    if clash is not None:
        raise EnvironmentProblem(clash.what, f"Run: {clash.command}")
    found_ort = ort_training_version()
    folder = ort_extension_folder()
    if found_ort is None or folder is None:
        raise EnvironmentProblem(
            "onnxruntime-training is not installed, so there is no ORTModule.",
            f"Run: pip install onnxruntime-training-cpu=={ORT_VERSION}",
        )
    plan = compat_plan(found_torch)
    if not plan.custom_autograd and asks_for_custom_autograd():
        raise EnvironmentProblem(
            f"{AUTOGRAD_VARIABLE} asks for custom autograd functions, which onnxruntime-training "
            f"{found_ort[1]} cannot run with torch {found_torch}.",
            f"Unset {AUTOGRAD_VARIABLE}, or use torch 2.6 or older.",
        )
    key = cache_key(found_torch, found_ort[1])
    return Requirements(found_torch, found_ort[1], folder, plan, key)


def _prepare(progress: ProgressSink | None) -> OrtModuleApi:
    needs = check_requirements()
    folder = compile_missing(needs.key, needs.plan.extensions, needs.ort_folder, progress)
    try:
        import torch  # noqa: F401  (the extensions need torch's libraries in the process)
    except ImportError as error:
        raise EnvironmentProblem(
            f"torch {needs.torch_version} is installed but does not import ({error}).",
            "Reinstall it, then run: ortviz doctor",
        ) from error
    quiet.without_cuda_home_line()
    package = extension_package(needs.ort_folder)
    _load_or_rebuild(needs, folder, package, progress)
    if needs.plan.alias_torch_onnx:
        torch_onnx.alias_moved_modules()
    module = _import_ortmodule(needs, package)
    scoped.scope_exports(legacy_export=needs.plan.legacy_export)
    scoped.tolerate_missing_nvtx()
    streams.tolerate_captured_streams()
    guards.refuse_crashing_graphs()
    quiet.without_banners()
    return OrtModuleApi(
        ORTModule=module.ORTModule,
        DebugOptions=module.DebugOptions,
        LogLevel=module.LogLevel,
        plan=needs.plan,
        torch_version=needs.torch_version,
        ort_version=needs.ort_version,
    )


def _load_or_rebuild(
    needs: Requirements, folder: Path, package: ModuleType, progress: ProgressSink | None
) -> None:
    names = needs.plan.extensions
    try:
        load_extensions(folder, names, package)
    except ImportError:
        # The same versions, yet other libraries below them: compile against those.
        compile_missing(needs.key, names, needs.ort_folder, progress, again=True)
        try:
            load_extensions(folder, names, package)
        except ImportError as error:
            raise EnvironmentProblem(
                f"ORTModule's extensions compile but do not load with torch "
                f"{needs.torch_version}: {error}",
                "Run: ortviz doctor",
            ) from error
    if not needs.plan.custom_autograd:
        place_empty_interop(package)


def _import_ortmodule(needs: Requirements, package: ModuleType) -> ModuleType:
    try:
        with quiet.noise_of_import(), counted_as_installed(package), _custom_autograd(needs.plan):
            module = importlib.import_module(_ORTMODULE)
            # ORT decides once, when this is first imported, whether to use custom autograd.
            importlib.import_module(f"{_ORTMODULE}._custom_autograd_function")
            quiet.without_deepspeed_warning()
    except Exception as error:
        raise EnvironmentProblem(
            f"onnxruntime-training {needs.ort_version} does not import with torch "
            f"{needs.torch_version}: {type(error).__name__}: {error}",
            "Run: ortviz doctor",
        ) from error
    # The import system sets this only for a subpackage it loaded itself.
    module.torch_cpp_extensions = sys.modules[PACKAGE]  # type: ignore[attr-defined]
    # Imported earlier by the user, before there were extensions: they are there now.
    module._FALLBACK_INIT_EXCEPTION = None  # type: ignore[attr-defined]
    return module


@contextmanager
def _custom_autograd(plan: CompatPlan) -> Iterator[None]:
    """Switch ORT's custom autograd off while it decides, unless the user set the switch."""
    if plan.custom_autograd or AUTOGRAD_VARIABLE in os.environ:
        yield
        return
    os.environ[AUTOGRAD_VARIABLE] = "0"
    try:
        yield
    finally:
        del os.environ[AUTOGRAD_VARIABLE]
