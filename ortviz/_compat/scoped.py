"""Change what ORTModule calls, inside ORT's own modules only, never what the user calls."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from ortviz._compat import quiet

_MARK = "_ortviz_scoped"


def export_without_dynamo() -> None:
    """Make ORTModule's own export use the TorchScript exporter, its only one.

    ``torch.onnx.export`` itself keeps its default: every graph transition manager has a mapping
    of further keyword arguments for its own call.
    """
    module = importlib.import_module("onnxruntime.training.ortmodule._graph_transition_manager")
    manager: Any = module.GraphTransitionManager
    if hasattr(manager, _MARK):
        return
    original_init = manager.__init__
    original_export = manager._get_exported_model

    @functools.wraps(original_init)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original_init(self, *args, **kwargs)
        self._export_extra_kwargs["dynamo"] = False

    @functools.wraps(original_export)
    def get_exported_model(*args: Any, **kwargs: Any) -> Any:
        with quiet.noise_of_export():
            return original_export(*args, **kwargs)

    manager.__init__ = init
    manager._get_exported_model = staticmethod(get_exported_model)
    setattr(manager, _MARK, True)


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
