"""Which versions are installed, found without importing them, and what they need from us."""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from packaging.version import InvalidVersion, Version

ORT_TRAINING_DISTRIBUTIONS = ("onnxruntime-training-cpu", "onnxruntime-training")
"""Distributions that bring ORTModule, the CPU one first."""

ORT_VERSION = "1.19.2"
"""The last onnxruntime-training there is; training was deprecated in ONNX Runtime 1.20."""

AUTOGRAD_VARIABLE = "ORTMODULE_ENABLE_CUSTOM_AUTOGRAD"
"""ORT's own switch for custom ``autograd.Function``, read once when ORTModule is imported."""

_TORCH_VERSION_LINE = re.compile(r"^__version__\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)


class Support(str, Enum):
    """How much of ORTModule works with a torch version."""

    FULL = "full"
    """Everything, custom ``autograd.Function`` included."""
    NO_CUSTOM_AUTOGRAD = "no_custom_autograd"
    """Everything but custom ``autograd.Function``."""
    UNTESTED = "untested"
    """Newer or older than what was run; the nearest known steps are applied."""


@dataclass(frozen=True, slots=True)
class CompatPlan:
    """What has to be done for one torch version before ORTModule can be imported.

    Attributes:
        support: What works once the plan is carried out.
        extensions: C++ extensions of ORT that must be compiled, in this order.
        alias_torch_onnx: Modules of ``torch.onnx`` moved in torch 2.9 must be found at their
            old places.
        legacy_export: ORTModule's own ``torch.onnx.export`` call needs ``dynamo=False``.
    """

    support: Support
    extensions: tuple[str, ...]
    alias_torch_onnx: bool
    legacy_export: bool

    @property
    def custom_autograd(self) -> bool:
        """Whether custom ``autograd.Function`` can be exported."""
        return "torch_interop_utils" in self.extensions


def compat_plan(torch_version: str) -> CompatPlan:
    """Map a torch version to what it needs.

    Args:
        torch_version: ``torch.__version__``, such as ``"2.13.0+cpu"``.

    Returns:
        The plan; versions nobody ran are marked :attr:`Support.UNTESTED`.

    Raises:
        packaging.version.InvalidVersion: If the text is no version.
    """
    minor = Version(torch_version).release[:2]
    tested = (2, 4) <= minor <= (2, 13)
    if minor <= (2, 6):
        return CompatPlan(
            support=Support.FULL if tested else Support.UNTESTED,
            extensions=("aten_op_executor", "torch_interop_utils"),
            alias_torch_onnx=False,
            legacy_export=False,
        )
    moved = minor >= (2, 9)
    return CompatPlan(
        support=Support.NO_CUSTOM_AUTOGRAD if tested else Support.UNTESTED,
        extensions=("aten_op_executor",),
        alias_torch_onnx=moved,
        legacy_export=moved,
    )


def distribution_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def torch_version() -> str | None:
    """Return torch's version with its local part (``+cpu``, ``+cu130``) without importing it.

    The metadata of a package from PyPI lacks the local part, and extensions compiled against
    one build must not be loaded into another, hence ``torch/version.py``.
    """
    folder = package_folder("torch")
    if folder is not None:
        try:
            match = _TORCH_VERSION_LINE.search((folder / "version.py").read_text("utf-8"))
        except OSError:
            match = None
        if match and _is_version(match.group(1)):
            return match.group(1)
    return distribution_version("torch")


def ort_training_version() -> tuple[str, str] | None:
    """Return (distribution, version) of the installed onnxruntime-training, or None."""
    for name in ORT_TRAINING_DISTRIBUTIONS:
        version = distribution_version(name)
        if version is not None:
            return name, version
    return None


def package_folder(name: str) -> Path | None:
    """Return the folder of an importable top-level package without importing it."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def ort_extension_folder() -> Path | None:
    """Return ORT's own ``torch_cpp_extensions`` folder, or None where it is not installed."""
    folder = package_folder("onnxruntime")
    if folder is None:
        return None
    found = folder / "training" / "ortmodule" / "torch_cpp_extensions"
    return found if found.is_dir() else None


def asks_for_custom_autograd() -> bool:
    """Tell whether the user set ORT's switch for custom ``autograd.Function`` to on."""
    return os.environ.get(AUTOGRAD_VARIABLE, "0") not in {"0", ""}


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
