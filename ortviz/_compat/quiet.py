"""Silence warnings that say nothing to the user, and only those."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_IMPORT_NOISE: tuple[str, ...] = ()
_EXPORT_NOISE = (
    r"You are using the legacy TorchScript-based ONNX export",
    r"The feature will be removed",
)


@contextmanager
def noise_of_import() -> Iterator[None]:
    """Hide what ORT's own use of old API makes torch and Python say while it is imported."""
    with warnings.catch_warnings():
        for message in _IMPORT_NOISE:
            warnings.filterwarnings("ignore", message)
        yield


@contextmanager
def noise_of_export() -> Iterator[None]:
    """Hide the advice to use the new exporter: ORTModule cannot. TracerWarnings stay."""
    with warnings.catch_warnings():
        for message in _EXPORT_NOISE:
            warnings.filterwarnings("ignore", message)
        yield
