"""Torch's global module hooks, removed without a trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules import module as _module

EnterHook = Callable[[nn.Module, Any], None]
LeaveHook = Callable[[nn.Module, Any, Any, Any], None]


def watch_module_calls(enter: EnterHook, leave: LeaveHook) -> Callable[[], None]:
    """Call back around every module call of the process until the returned function is called.

    Args:
        enter: Gets (module, args).
        leave: Gets (module, args, kwargs, result), also when the call raised (result None).

    Returns:
        Removes both. torch's own handle leaves an entry behind in the table of hooks that want
        kwargs (seen on 2.4 to 2.13); it would grow with every step.
    """
    before = _module.register_module_forward_pre_hook(enter)
    after = _module.register_module_forward_hook(leave, with_kwargs=True, always_call=True)

    def remove() -> None:
        before.remove()
        after.remove()
        _module._global_forward_hooks_with_kwargs.pop(after.id, None)

    return remove
