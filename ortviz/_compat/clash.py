"""Which of the distributions that all install ``onnxruntime`` are there, and whether they clash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ortviz._compat.versions import ORT_VERSION, distribution_version

ONNXRUNTIME_DISTRIBUTIONS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-training",
    "onnxruntime-training-cpu",
)
"""All write into the one folder ``onnxruntime``; the last installed overwrites the others."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Two or more distributions that overwrote each other's files.

    Attributes:
        what: A sentence that names them.
        command: What to type to have one of them, whole.
    """

    what: str
    command: str


def installed_onnxruntimes() -> dict[str, str]:
    """Return name and version of every installed distribution of ``onnxruntime``."""
    found = {name: distribution_version(name) for name in ONNXRUNTIME_DISTRIBUTIONS}
    return {name: version for name, version in found.items() if version is not None}


def clash_sentence(installed: dict[str, str]) -> Clash | None:
    """Say what clashes and the commands that mend it, or None if nothing does.

    Args:
        installed: As from :func:`installed_onnxruntimes`.
    """
    if len(installed) < 2:
        return None
    listed = " and ".join(f"{name} {version}" for name, version in installed.items())
    # What is left after one of them is uninstalled has lost the files both had.
    return Clash(
        f"{listed} are installed together; all write the same folder and break each other.",
        f"python -m pip uninstall -y {' '.join(installed)} && "
        f"python -m pip install --no-deps {_kept(installed)}=={ORT_VERSION}",
    )


def _kept(installed: dict[str, str]) -> str:
    """Choose which one to keep: the GPU package only where there is an NVIDIA driver."""
    wants_gpu = "onnxruntime-training" in installed or "onnxruntime-gpu" in installed
    has_gpu = Path("/proc/driver/nvidia").exists()
    return "onnxruntime-training" if wants_gpu and has_gpu else "onnxruntime-training-cpu"
