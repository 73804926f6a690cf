"""Give ORT the modules of ``torch.onnx`` that torch 2.9 moved, only ever adding names."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

_NEW_HOME = "torch.onnx._internal.torchscript_exporter"
_MOVED = {
    "torch.onnx._globals": "_globals",
    "torch.onnx._type_utils": "_type_utils",
    "torch.onnx._internal.jit_utils": "jit_utils",
    "torch.onnx._internal.registration": "registration",
}
# These still exist at their old place but lost what begins with an underscore, which ORT's
# symbolic functions import; without it every convolution falls back to PyTorch.
_STRIPPED = {
    "torch.onnx.symbolic_helper": "symbolic_helper",
    "torch.onnx.symbolic_opset9": "symbolic_opset9",
    "torch.onnx.symbolic_opset11": "symbolic_opset11",
}


def alias_moved_modules() -> None:
    """Make the moved modules importable from where ORT 1.19.2 looks for them.

    Nothing that exists is replaced, so ``torch.onnx`` behaves as before for everybody else.
    """
    for old_name, new_name in _MOVED.items():
        if old_name not in sys.modules:
            moved = importlib.import_module(f"{_NEW_HOME}.{new_name}")
            parent_name, _, attribute = old_name.rpartition(".")
            sys.modules[old_name] = moved
            setattr(importlib.import_module(parent_name), attribute, moved)
    for old_name, new_name in _STRIPPED.items():
        _add_private_names(
            importlib.import_module(old_name),
            importlib.import_module(f"{_NEW_HOME}.{new_name}"),
        )


def _add_private_names(shim: ModuleType, full: ModuleType) -> None:
    for name, value in vars(full).items():
        if name.startswith("_") and not name.startswith("__") and not hasattr(shim, name):
            setattr(shim, name, value)
