"""Silence what ORT says that tells the user nothing, and only that."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import warnings
from collections.abc import Iterator

_LOGGER = "orttraining"
_CUDA_HOME = "No CUDA runtime is found, using CUDA_HOME="
_DEEPSPEED = r"DeepSpeed import error"
_EXPORT_NOISE = (
    r"You are using the legacy TorchScript-based ONNX export",
    r"Setting `training` to something other than default is deprecated",
    r"The feature will be removed\. Please remove usage of this function",
)
_BANNERS = (
    "***** ONNX Runtime Training (ORTModule) is accelerating your model *****",
    "Fast path enabled - skipping checks",
)


@contextlib.contextmanager
def noise_of_import() -> Iterator[None]:
    """Undo what ORT's import does to logging: it configures the root logger to print INFO."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


@contextlib.contextmanager
def noise_of_export() -> Iterator[None]:
    """Hide advice about options ORTModule has no choice in. TracerWarnings stay."""
    with warnings.catch_warnings():
        for message in _EXPORT_NOISE:
            warnings.filterwarnings("ignore", message)
        yield


def without_cuda_home_line() -> None:
    """Import torch's extension builder now, dropping its line about a CUDA it cannot use.

    ORT imports it for one constant; a torch built for CUDA then prints this on every machine
    without a GPU. Whatever else is printed is passed on.
    """
    name = "torch.utils.cpp_extension"
    logger, caught = logging.getLogger(name), io.StringIO()
    logger.addFilter(_is_not_cuda_home)  # newer torch logs it, older torch prints it
    try:
        with contextlib.redirect_stderr(caught):
            importlib.import_module(name)
    finally:
        logger.removeFilter(_is_not_cuda_home)
    for line in caught.getvalue().splitlines(keepends=True):
        if _CUDA_HOME not in line:
            sys.stderr.write(line)


def _is_not_cuda_home(record: logging.LogRecord) -> bool:
    return _CUDA_HOME not in str(record.msg)


def without_deepspeed_warning() -> None:
    """Import ORT's DeepSpeed support now, or its absence is announced at the first export."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _DEEPSPEED)
        importlib.import_module("onnxruntime.training.utils.hooks._zero_offload_subscriber")


class _NoBanner(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Keep a record unless it is a banner and nobody asked for INFO."""
        asked = logging.getLogger(record.name).getEffectiveLevel() <= logging.INFO
        return asked or not any(banner in str(record.msg) for banner in _BANNERS)


def without_banners() -> None:
    """Drop ORT's coloured banner of features, logged as a warning, unless INFO is asked for."""
    logger = logging.getLogger(_LOGGER)
    if not any(isinstance(each, _NoBanner) for each in logger.filters):
        logger.addFilter(_NoBanner())
