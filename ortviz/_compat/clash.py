"""Which of the distributions that all install ``onnxruntime`` are there, and whether they clash."""

from __future__ import annotations

from dataclasses import dataclass

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
    """Two or more distributions that overwrote each other's files."""

    what: str
    remedy: str


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
    keep = (
        "onnxruntime-training"
        if "onnxruntime-training" in installed
        else "onnxruntime-training-cpu"
    )
    # What is left after one of them is uninstalled has lost the files both had.
    remedy = (
        f"pip uninstall -y {' '.join(installed)} && pip install --no-deps {keep}=={ORT_VERSION}"
    )
    return Clash(
        f"{listed} are installed together; all write the same folder and break each other.",
        f"Run: {remedy}",
    )
