"""Checks of Python and of the packages ORTModule is made of; nothing is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from packaging.version import Version

from ortviz._compat.check import Check, Status
from ortviz._compat.clash import clash_sentence, installed_onnxruntimes
from ortviz._compat.versions import (
    AUTOGRAD_VARIABLE,
    ORT_TRAINING_DISTRIBUTIONS,
    ORT_VERSION,
    CompatPlan,
    Support,
    asks_for_custom_autograd,
    compat_plan,
    distribution_version,
    package_folder,
    torch_version,
)

_PIP = "python -m pip install"
_PYTHON_RANGE = ((3, 10), (3, 12))
_PROVIDER_FILES = {
    "CUDAExecutionProvider": "libonnxruntime_providers_cuda.so",
    "ROCMExecutionProvider": "libonnxruntime_providers_rocm.so",
    "TensorrtExecutionProvider": "libonnxruntime_providers_tensorrt.so",
}


def check_python() -> Check:
    """Check the interpreter against the wheels that exist of onnxruntime-training."""
    version = sys.version_info
    found = f"{version.major}.{version.minor}.{version.micro}"
    if _PYTHON_RANGE[0] <= (version.major, version.minor) <= _PYTHON_RANGE[1]:
        return Check("Python", Status.OK, found)
    return Check(
        "Python",
        Status.ERROR,
        found,
        f"onnxruntime-training {ORT_VERSION} and ortviz meet on Python 3.10 to 3.12 "
        "(the GPU package: to 3.11).",
        "python3.11 -m venv .venv",
    )


def check_torch() -> Check:
    """Check that torch is there and say how much of ORTModule works with it."""
    version = torch_version()
    if version is None:
        return Check(
            "PyTorch",
            Status.ERROR,
            "not installed",
            "Nothing can be wrapped, and the losses need it too.",
            f"{_PIP} 'torch>=2.4,<2.14'",
        )
    plan = compat_plan(version)
    status = Status.WARNING if plan.support is Support.UNTESTED else Status.OK
    return Check("PyTorch", status, version, _support_sentence(plan))


def check_onnxruntimes() -> Check:
    """Check which distributions of ``onnxruntime`` are installed and whether they clash."""
    installed = installed_onnxruntimes()
    name = "onnxruntime packages"
    found = ", ".join(f"{each} {version}" for each, version in installed.items())
    clash = clash_sentence(installed)
    if clash is not None:
        return Check(name, Status.ERROR, found, clash.what, clash.command)
    if any(each in installed for each in ORT_TRAINING_DISTRIBUTIONS):
        return Check(name, Status.OK, found)
    if not installed:
        return Check(
            name,
            Status.ERROR,
            "none",
            "There is no ORTModule. Losses, dashboards and .onnx files still work.",
            f"{_PIP} onnxruntime-training-cpu=={ORT_VERSION}",
        )
    return Check(
        name,
        Status.ERROR,
        found,
        "This package cannot train: ORTModule is only in onnxruntime-training.",
        f"python -m pip uninstall -y {' '.join(installed)} && "
        f"{_PIP} onnxruntime-training-cpu=={ORT_VERSION}",
    )


def check_ort_version() -> Check:
    """Check ORT's version and name the execution providers it was built with."""
    name = "ONNX Runtime training"
    for distribution in ORT_TRAINING_DISTRIBUTIONS:
        version = distribution_version(distribution)
        if version is None:
            continue
        found = f"{version}, {', '.join(ort_providers())}"
        if Version(version).release == Version(ORT_VERSION).release:
            return Check(name, Status.OK, found, _provider_sentence())
        return Check(
            name,
            Status.WARNING,
            found,
            f"ortviz was made for {ORT_VERSION}, the last there is; others were not run.",
            f"{_PIP} {distribution}=={ORT_VERSION}",
        )
    return Check(name, Status.ERROR, "not installed", "See onnxruntime packages.")


def check_library(name: str, *, needed_for: str) -> Check:
    """Check that a package is installed.

    Args:
        name: Of the distribution.
        needed_for: What does not work without it, a clause.
    """
    version = distribution_version(name)
    if version is not None:
        return Check(name, Status.OK, version)
    return Check(
        name, Status.ERROR, "not installed", f"It is needed for {needed_for}.", f"{_PIP} {name}"
    )


def check_autograd_switch() -> Check | None:
    """Check ORT's switch for custom autograd functions; None where it does no harm."""
    version = torch_version()
    if version is None or compat_plan(version).custom_autograd or not asks_for_custom_autograd():
        return None
    return Check(
        "environment",
        Status.ERROR,
        f"{AUTOGRAD_VARIABLE}={os.environ[AUTOGRAD_VARIABLE]}",
        f"Custom autograd functions cannot run through ORTModule with torch {version}.",
        f"unset {AUTOGRAD_VARIABLE}",
    )


def ort_providers() -> tuple[str, ...]:
    """Name the execution providers ORT was built with, from the libraries beside it.

    Importing onnxruntime before torch would decide whose CUDA libraries the process uses, so
    a check must not.
    """
    folder = package_folder("onnxruntime")
    if folder is None:
        return ()
    capi = folder / "capi"
    found = [name for name, file in _PROVIDER_FILES.items() if (capi / file).is_file()]
    return (*found, "CPUExecutionProvider")


def _support_sentence(plan: CompatPlan) -> str:
    if plan.support is Support.FULL:
        return "Everything works with ORTModule."
    if plan.support is Support.NO_CUSTOM_AUTOGRAD:
        return (
            "Everything works with ORTModule but custom autograd.Function, which needs torch 2.6 "
            "or older."
        )
    return "Nobody ran ORTModule with this version; the steps for the nearest one are used."


def _provider_sentence() -> str:
    has_cuda = "CUDAExecutionProvider" in ort_providers()
    if not has_cuda and Path("/proc/driver/nvidia").exists():
        return "This machine has an NVIDIA GPU, but this package runs on the CPU only."
    return ""
