"""Refuse graphs that would kill the process instead of raising."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

_MARK = "_ortviz_guarded"
CRASHING_ON_CPU = {
    "MaxPoolGrad": "a segmentation fault",
    "AveragePoolGrad": "a division by zero",
}
"""Kernels of ORT 1.19.2's CPU provider that end the process in backward, and how.

Two-dimensional pooling goes through PyTorch's own kernels and is not affected; one- and
three-dimensional pooling is (seen on torch 2.13; pytorch/ort #107 reports the first).
"""


def refuse_crashing_graphs() -> None:
    """Let ORTModule fall back to PyTorch, naming the nodes, where its backward would crash."""
    module: Any = importlib.import_module("onnxruntime.training.ortmodule._training_manager")
    fallback: Any = importlib.import_module("onnxruntime.training.ortmodule._fallback")
    manager: Any = module.TrainingManager
    if _MARK in vars(manager):
        return
    original = manager._build_graph

    @functools.wraps(original)
    def build_graph(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self._device.type != "cpu":
            return
        reason = crash_sentence(self._onnx_models.optimized_model)
        if reason is not None:
            raise fallback.wrap_exception(
                fallback.ORTModuleONNXModelException, RuntimeError(reason)
            )

    manager._build_graph = build_graph
    setattr(manager, _MARK, True)


def crash_sentence(model: onnx.ModelProto) -> str | None:
    """Say which node of a training graph would end the process on the CPU, or None.

    Args:
        model: With its gradient graph built.
    """
    for node in model.graph.node:
        how = CRASHING_ON_CPU.get(node.op_type)
        if how is not None:
            return (
                f"{node.op_type} of node '{node.name}' (gradient of '{node.output[0]}') ends the "
                f"process with {how} in ONNX Runtime 1.19.2 on the CPU."
            )
    return None
