"""Lets ORTModule silence its exporter where ``sys.stdout`` is no file, as under ``%%capture``."""

from __future__ import annotations

import importlib
import os
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, cast


class _StreamsWithDescriptors:
    """Stands for ``sys`` in one module of ORT's, which duplicates the streams' descriptors."""

    @property
    def stdout(self) -> TextIO:
        return _with_descriptor(sys.stdout, sys.__stdout__)

    @property
    def stderr(self) -> TextIO:
        return _with_descriptor(sys.stderr, sys.__stderr__)

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def tolerate_captured_streams() -> None:
    """Give ORT streams that have a descriptor, inside its own logging module only.

    It calls ``sys.stdout.fileno()`` around every export; a notebook's captured output, a test
    runner's or a GUI's has none, and ORTModule then fails before it began.
    """
    logger: Any = importlib.import_module("onnxruntime.training.ortmodule._logger")
    logger.sys = _StreamsWithDescriptors()


def _with_descriptor(current: Any, original: Any) -> TextIO:
    for stream in (current, original):
        try:
            stream.fileno()
        except (AttributeError, OSError, ValueError):
            continue
        return cast(TextIO, stream)
    return _nowhere()


@lru_cache(maxsize=1)
def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")
