"""Torch's global hooks: ours, removed without a trace, and the user's, who must not see us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as _module
from torch.utils._python_dispatch import _disable_current_modes

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


_CALL_TABLES = (
    "_global_forward_pre_hooks",
    "_global_forward_hooks",
    "_global_forward_hooks_always_called",
    "_global_forward_hooks_with_kwargs",
    "_global_backward_pre_hooks",
    "_global_backward_hooks",
)


@contextmanager
def hidden_from_hooks() -> Iterator[None]:
    """Run modules and operations without those seeing it who watch all of the process.

    That is torch's global module hooks, dispatch modes (a counter of operations, a profiler of
    the user's) and hooks on saved tensors. Everything is back at the end, in the same order.
    """
    with ExitStack() as stack:
        for name in _CALL_TABLES:
            table = getattr(_module, name, None)
            if table:
                stack.callback(table.update, dict(table))
                table.clear()
        if torch._C._len_torch_dispatch_stack():
            stack.enter_context(_disable_current_modes())
        if _saved_tensors_are_hooked():
            # Only the innermost hooks are asked.
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(_packed, _as_it_is))
        yield


def _saved_tensors_are_hooked() -> bool:
    """Whether somebody hooks saved tensors; older torch (seen on 2.4) does not tell."""
    top = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
    return top is None or top(True) is not None  # noqa: FBT003 - ignore_is_tracing


def _packed(tensor: torch.Tensor) -> torch.Tensor:
    """Without its place in the graph: an output that its own node holds would never be freed."""
    return tensor.detach()


def _as_it_is(tensor: torch.Tensor) -> torch.Tensor:
    return tensor
