"""Keep ORT's symbolic functions out of the user's own ``torch.onnx.export`` calls.

ORTModule registers, for the whole process, functions that export Embedding, MaxPool and others as
operators only ONNX Runtime knows. Here they are in force while ORTModule exports, and only then.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_Overrides = dict[str, dict[int, Callable[..., Any]]]


@contextmanager
def kept_symbolics() -> Iterator[None]:
    """Put the registered custom symbolic functions back as they were when the block ends."""
    before = _overrides()
    try:
        yield
    finally:
        _restore(before)


def register_ort_symbolics(opset_version: int) -> None:
    """Register what ORTModule registers for its exports.

    Args:
        opset_version: The one ORTModule exports to.
    """
    contrib: Any = importlib.import_module("onnxruntime.tools.pytorch_export_contrib_ops")
    own: Any = importlib.import_module(
        "onnxruntime.training.ortmodule._custom_op_symbolic_registry"
    )
    contrib.register()
    own.CustomOpSymbolicRegistry.register_all(opset_version)


def _groups() -> dict[str, Any]:
    registration: Any = importlib.import_module("torch.onnx._internal.registration")
    groups: dict[str, Any] = registration.registry._registry
    return groups


def _overrides() -> _Overrides:
    return {name: dict(group._functions._overrides) for name, group in _groups().items()}


def _restore(before: _Overrides) -> None:
    for name, group in _groups().items():
        functions = group._functions
        wanted = before.get(name, {})
        for opset in set(functions._overrides) - set(wanted):
            functions.remove_override(opset)
        for opset, function in wanted.items():
            if functions._overrides.get(opset) is not function:
                functions.override(opset, function)
