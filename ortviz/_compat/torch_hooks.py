"""Torch's global module hooks, removed without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as _module

EnterHook = Callable[[nn.Module, Any], None]
LeaveHook = Callable[[nn.Module, Any, Any, Any], None]


def watch_module_calls(enter: EnterHook, leave: LeaveHook) -> Callable[[], None]:
    """Call back around every module call of the process until the returned function is called.

    Args:
        enter: Gets (module, args).
        leave: Gets (module, args, kwargs, result), also when the call raised (result None);
            kwargs are empty where torch does not tell them.

    Returns:
        Removes both. torch's own handle leaves an entry behind in the table of hooks that want
        kwargs (seen on 2.13); it would grow with every step.
    """
    before = _module.register_module_forward_pre_hook(enter)
    # Older torch (seen on 2.4) gives global hooks no kwargs.
    wants_kwargs = getattr(_module, "_global_forward_hooks_with_kwargs", None)
    if wants_kwargs is None:
        after = _module.register_module_forward_hook(
            lambda module, args, result: leave(module, args, {}, result), always_call=True
        )
    else:
        after = _module.register_module_forward_hook(leave, with_kwargs=True, always_call=True)

    def remove() -> None:
        before.remove()
        after.remove()
        if wants_kwargs is not None:
            wants_kwargs.pop(after.id, None)

    return remove


def backward_passes_through(node: Any) -> bool:
    """Tell whether the backward that runs on this thread goes through a node of the graph.

    Args:
        node: A tensor's ``grad_fn``; None answers False.

    Returns:
        False outside of a backward pass.
    """
    if node is None or torch._C._current_graph_task_id() == -1:
        return False
    return bool(torch._C._will_engine_execute_node(node))
