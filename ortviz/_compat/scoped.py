"""Change what ORTModule calls, inside ORT's own modules only, never what the user calls."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

from ortviz._compat import quiet
from ortviz._compat.symbolics import kept_symbolics, register_ort_symbolics

_MARK = "_ortviz_scoped"


def scope_exports(*, legacy_export: bool) -> None:
    """Keep everything ORTModule needs for its exports inside its exports.

    That is its symbolic functions and, from torch 2.9 on, the TorchScript exporter: every graph
    transition manager has a mapping of keyword arguments for its own call, so
    ``torch.onnx.export`` itself keeps its default.

    Args:
        legacy_export: Whether ``dynamo=False`` must be said.
    """
    module: Any = importlib.import_module(
        "onnxruntime.training.ortmodule._graph_transition_manager"
    )
    manager: Any = module.GraphTransitionManager
    if _MARK in vars(manager):
        return
    original_init = manager.__init__
    original_export = manager._get_exported_model
    signature = inspect.signature(original_export)

    @functools.wraps(original_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        if legacy_export:
            self._export_extra_kwargs["dynamo"] = False

    @functools.wraps(original_export)
    def get_exported_model(*args: Any, **kwargs: Any) -> Any:
        opset_version = signature.bind(*args, **kwargs).arguments["onnx_opset_version"]
        with quiet.noise_of_export(), kept_symbolics():
            register_ort_symbolics(opset_version)
            return original_export(*args, **kwargs)

    manager.__init__ = init
    manager._get_exported_model = staticmethod(get_exported_model)
    _scope_construction()
    setattr(manager, _MARK, True)


def _scope_construction() -> None:
    """Take back the symbolic functions that building an ORTModule registers for good."""
    module: Any = importlib.import_module("onnxruntime.training.ortmodule.ortmodule")
    original_init = module.ORTModule.__init__

    @functools.wraps(original_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        with kept_symbolics():
            original_init(self, *args, **kwargs)

    module.ORTModule.__init__ = init


def tolerate_missing_nvtx() -> None:
    """Let ORT's profiling marks do nothing where torch was built without NVTX.

    ORT marks a range on every forward; ``torch.cuda.nvtx`` of a CPU-only torch raises.
    """
    if _nvtx_works():
        return
    utils: Any = importlib.import_module("onnxruntime.training.utils")
    profile: Any = importlib.import_module("onnxruntime.training.utils.torch_profile_utils")
    for module in (profile, utils):
        module.torch_nvtx_range_push = _push_nothing
        module.torch_nvtx_range_pop = _pop_nothing


def _nvtx_works() -> bool:
    nvtx: Any = importlib.import_module("torch.cuda.nvtx")
    try:
        nvtx.range_push("ortviz")
        nvtx.range_pop()
    except RuntimeError:
        return False
    return True


def _push_nothing(_message: str) -> None:
    return None


def _pop_nothing() -> None:
    return None
