"""Hooks around every module call of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

Before = Callable[[str, nn.Module, Any, Any], None]
"""Gets the fully qualified name, the module, and its call's args and kwargs."""
After = Callable[[str, nn.Module, Any, Any], None]
"""Gets the fully qualified name, the module, its call's args and what it returned."""


@contextmanager
def hooked_calls(model: nn.Module, before: Before, after: After) -> Iterator[None]:
    """Tell of every module call inside of ``model``, its own included, while the block runs.

    Script modules are left out: PyTorch gives them no such hooks.

    Args:
        model: Its hooks are as they were when the block is left.
        before: Told right before a module's forward runs.
        after: Told right after it returned.
    """
    handles: list[RemovableHandle] = []
    try:
        for name, module in model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                continue
            told = partial(before, name)
            handles.append(module.register_forward_pre_hook(told, with_kwargs=True))
            handles.append(module.register_forward_hook(partial(after, name)))
        yield
    finally:
        for handle in handles:
            handle.remove()
