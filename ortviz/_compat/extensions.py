"""Load compiled extensions from the cache as if they lay in ORT's own folder."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ortviz._compat.build import build_extensions, compiled_file, extension_source
from ortviz._compat.cache import CacheKey, extensions_folder
from ortviz._compat.progress import ProgressSink, shown_progress
from ortviz.errors import EnvironmentProblem

PACKAGE = "onnxruntime.training.ortmodule.torch_cpp_extensions"


def missing_extensions(key: CacheKey, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of ``names`` that are not compiled for ``key`` yet."""
    folder = extensions_folder(key)
    return tuple(name for name in names if compiled_file(folder, name) is None)


def compile_missing(
    key: CacheKey,
    names: tuple[str, ...],
    ort_folder: Path,
    sink: ProgressSink | None,
    *,
    again: bool = False,
) -> Path:
    """Make sure that all of ``names`` are compiled and return their folder.

    Args:
        key: What they are compiled for.
        names: Extensions of ORT.
        ort_folder: ORT's ``torch_cpp_extensions`` folder with the sources.
        sink: Told about progress; None for a bar or plain lines.
        again: Compile even what is there.

    Raises:
        EnvironmentProblem: As :func:`ortviz._compat.build.build_extensions` does.
    """
    folder = extensions_folder(key)
    if again or missing_extensions(key, names):
        sources = tuple(extension_source(ort_folder, name) for name in names)
        with shown_progress(sink) as show:
            build_extensions(sources, folder, show, again=again)
    return folder


def load_extensions(folder: Path, names: tuple[str, ...], package: ModuleType) -> None:
    """Import compiled extensions under the names ORT looks for.

    Args:
        folder: Where they lie.
        names: Extensions to load; torch must have been imported.
        package: What :func:`extension_package` returned.

    Raises:
        ImportError: If one does not load into this process.
        EnvironmentProblem: If one is not there.
    """
    for name in names:
        full_name = f"{PACKAGE}.{name}"
        if full_name in sys.modules:
            continue
        file = compiled_file(folder, name)
        if file is None:
            raise EnvironmentProblem(
                f"ORTModule's extension {name} is not in {folder}.", "Run: ortviz doctor --fix"
            )
        loader = importlib.machinery.ExtensionFileLoader(full_name, str(file))
        spec = importlib.machinery.ModuleSpec(full_name, loader, origin=str(file))
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
        _place(name, module, package)


def place_empty_interop(package: ModuleType) -> None:
    """Put a module without custom autograd in place of ``torch_interop_utils``.

    ORT imports it unconditionally and calls nothing but its clean-up.
    """
    name = "torch_interop_utils"
    if f"{PACKAGE}.{name}" in sys.modules:
        return
    module = ModuleType(f"{PACKAGE}.{name}", "Stands in for an extension this torch cannot load.")
    module.clear_all_grad_fns = lambda: None  # type: ignore[attr-defined]
    _place(name, module, package)


def extension_package(ort_folder: Path) -> ModuleType:
    """Import ORT's ``torch_cpp_extensions`` before, and without, the package that holds it.

    Args:
        ort_folder: ORT's ``torch_cpp_extensions`` folder.

    Returns:
        The package, entered in ``sys.modules`` under its own name.
    """
    loaded = sys.modules.get(PACKAGE)
    if loaded is not None:
        return loaded
    file = str(ort_folder / "__init__.py")
    loader = importlib.machinery.SourceFileLoader(PACKAGE, file)
    spec = importlib.machinery.ModuleSpec(PACKAGE, loader, origin=file, is_package=True)
    spec.submodule_search_locations = [str(ort_folder)]
    spec.has_location = True
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    loader.exec_module(package)
    return package


@contextmanager
def counted_as_installed(package: ModuleType) -> Iterator[None]:
    """Answer yes while ORT asks whether any compiled file lies in its own folder.

    ORT looks for files in site-packages only, which we leave alone and may be read-only.
    """
    asked = package.is_installed
    package.is_installed = lambda _folder: True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        package.is_installed = asked  # type: ignore[attr-defined]


def _place(name: str, module: ModuleType, package: ModuleType) -> None:
    sys.modules[f"{PACKAGE}.{name}"] = module
    setattr(package, name, module)
