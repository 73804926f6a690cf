"""Thin accessors to ORTModule's private structures (onnxruntime-training 1.19.2).

The rest of ortviz never names a private attribute of ORT: it gets opaque handles and plain data
from here. Everything in this file assumes that :func:`ortviz._compat.ensure_ortmodule` was called.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NewType, cast

if TYPE_CHECKING:
    import onnx
    import torch

ExecutionManager = NewType("ExecutionManager", object)
"""ORT's manager of the graph of one mode; never look inside, ask the functions here."""

PREFIX = "_original_module."
"""What ORT puts before every parameter and buffer name of the user's module."""


class InputKind(str, Enum):
    """Where an input of the graph comes from."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    USER = "user"


@dataclass(frozen=True, slots=True)
class GraphInput:
    """One input of ORT's graph, in the order the agent is fed.

    Attributes:
        name: Its name in the graph, ``_original_module.a.weight`` or ``x``.
        kind: Parameter, buffer or an argument of ``forward``.
        qualified_name: PyTorch's name of a parameter or buffer (``a.weight``); None for others.
        gradient_index: Its place among the backward outputs; None if it needs no gradient.
    """

    name: str
    kind: InputKind
    qualified_name: str | None
    gradient_index: int | None


def is_ort_module(module: object) -> bool:
    """Tell whether ``module`` is an ORTModule, without importing ORT if nobody did."""
    import sys

    loaded = sys.modules.get("onnxruntime.training.ortmodule.ortmodule")
    return loaded is not None and isinstance(module, loaded.ORTModule)


def original_module(ort_module: torch.nn.Module) -> torch.nn.Module:
    """Return the user's own module inside an ORTModule."""
    return cast("torch.nn.Module", cast(Any, ort_module).module)


def training_manager(ort_module: torch.nn.Module) -> ExecutionManager | None:
    """Return the manager of training steps; None if ORTModule gave up while it was built."""
    return _manager(ort_module, training=True)


def inference_manager(ort_module: torch.nn.Module) -> ExecutionManager | None:
    """Return the manager of eval mode and ``no_grad``; None as for :func:`training_manager`."""
    return _manager(ort_module, training=False)


def is_training_step(ort_module: torch.nn.Module) -> bool:
    """Tell whether a forward called now would use the training manager.

    That is in training mode with gradients enabled (ORT's ``is_training``).
    """
    return bool(ort_module.training) and _grad_enabled()


def is_fallback(ort_module: torch.nn.Module) -> tuple[bool, BaseException | None]:
    """Tell whether ORTModule silently runs the model in eager PyTorch, and because of what.

    Returns:
        ``(False, None)``, or True and the exception ORT kept.
    """
    manager = cast(Any, ort_module)._fallback_manager
    return bool(manager.is_pending()), manager._exception


def optimized_model(manager: ExecutionManager) -> onnx.ModelProto | None:
    """Return the model a session is built from, gradient graph included; do not change it.

    It is None before the first step of this mode, and another object after every re-export, so
    identity tells whether something derived from it is stale.
    """
    return cast("onnx.ModelProto | None", cast(Any, manager)._onnx_models.optimized_model)


def device(manager: ExecutionManager) -> torch.device | None:
    """Return the device the graph runs on, None before it is known."""
    return cast("torch.device | None", cast(Any, manager)._device)


def user_output_names(manager: ExecutionManager) -> tuple[str, ...]:
    """Return the graph's names of the flattened outputs of ``forward``, in order."""
    info = cast(Any, manager)._graph_info
    return () if info is None else tuple(info.user_output_names)


def graph_inputs(manager: ExecutionManager) -> tuple[GraphInput, ...]:
    """Return the graph's inputs in the order the agent is fed; empty before the first step.

    The backward agent's outputs are the gradients of those with a ``gradient_index``.
    """
    info = cast(Any, manager)._graph_transition_manager._post_export_processed_model_info
    if info is None:
        return ()
    flattened = info._flattened_module
    parameters = {name for name, _ in flattened.named_parameters()}
    buffers = {name for name, _ in flattened.named_buffers()}
    # Inference managers build no gradients and so have no map.
    gradients = getattr(manager, "_gradient_map", None) or [-1] * len(info.onnx_graph_input_names)
    found = []
    for name, gradient in zip(info.onnx_graph_input_names, gradients, strict=True):
        if name in parameters:
            kind = InputKind.PARAMETER
        elif name in buffers:
            kind = InputKind.BUFFER
        else:
            kind = InputKind.USER
        qualified = None if kind is InputKind.USER else name.removeprefix(PREFIX)
        found.append(GraphInput(name, kind, qualified, None if gradient < 0 else gradient))
    return tuple(found)


def parameter_gradient_names(manager: ExecutionManager) -> dict[str, str]:
    """Map PyTorch's parameter names to the tensors that hold their gradients in the graph.

    Empty before the first training step.
    """
    model = optimized_model(manager)
    if model is None:
        return {}
    outputs = [output.name for output in model.graph.output]
    return {
        each.qualified_name: outputs[each.gradient_index]
        for each in graph_inputs(manager)
        if each.qualified_name is not None and each.gradient_index is not None
    }


@dataclass(frozen=True, slots=True)
class SavedStages:
    """Where an ORTModule made with ``DebugOptions(save_onnx=True)`` saves its stages."""

    folder: str
    prefix: str


def saved_stages(ort_module: torch.nn.Module) -> SavedStages | None:
    """Return where an ORTModule saves its stages; None if it saves none."""
    manager = training_manager(ort_module)
    options = getattr(getattr(manager, "_debug_options", None), "save_onnx_models", None)
    if options is None or not options.save:
        return None
    return SavedStages(str(options.path), str(options.name_prefix))


def saved_stage_file_name(prefix: str, stage: str, *, training: bool) -> str:
    """Return the file name ORT gives a stage saved by ``DebugOptions(save_onnx=True)``."""
    return f"{prefix}_{stage}_{'training' if training else 'inference'}.onnx"


def _manager(ort_module: torch.nn.Module, *, training: bool) -> ExecutionManager | None:
    factory = getattr(cast(Any, ort_module)._torch_module, "_execution_manager", None)
    return None if factory is None else cast(ExecutionManager, factory(training))


def _grad_enabled() -> bool:
    import torch

    return torch.is_grad_enabled()


def differentiable_outputs(manager: ExecutionManager) -> tuple[int, ...]:
    """Return which user outputs get a gradient: the feeds of a backward run, in order."""
    info = cast(Any, manager)._graph_info
    if info is None:
        return ()
    without = set(info.output_grad_indices_non_differentiable)
    return tuple(i for i in range(len(info.user_output_names)) if i not in without)


def build_tokens(manager: ExecutionManager) -> tuple[object, object]:
    """Return two objects that are others after an export and after a build of the graph.

    The first is another one once the model was exported again, the second once the graph was
    built again from an export. Hold them weakly: they hold models.
    """
    transitions = cast(Any, manager)._graph_transition_manager
    return transitions._exported_model_info, transitions._post_export_processed_model_info
