"""Sees the loss the user computes from the wrapped model's outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ortviz._compat.torch_hooks import watch_module_calls
from ortviz.capture.trees import tensors_in
from ortviz.losses.recognise import loss_name

_WALK_LIMIT = 256


@dataclass(frozen=True, slots=True)
class SeenLoss:
    """One call of a loss.

    Attributes:
        module: The loss module.
        name: ``mae``, ``mape``, ``smape`` where recognised, else the class name.
        input: First tensor argument, copied, detached.
        target: Second tensor argument, copied, detached.
        value: What it returned, detached; a 0-d tensor.
        output_index: Which output of the model ``input`` is, reshaped at most; None when it was
            computed from the outputs.
    """

    module: nn.Module
    name: str
    input: torch.Tensor
    target: torch.Tensor
    value: torch.Tensor
    output_index: int | None


class LossWatch:
    """Watches module calls from the end of a forward until the loss, or the next forward.

    It registers torch's global module hooks for that short time only, so that between steps no
    hook dictionary differs from what it was.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._outputs: tuple[torch.Tensor, ...] = ()
        self._depth = 0
        self.seen: SeenLoss | None = None

    def open(self, outputs: Sequence[torch.Tensor]) -> None:
        """Begin to watch for a loss computed from these tensors."""
        self.close()
        self.seen = None
        self._outputs = tuple(outputs)
        self._depth = 0
        self._stop = watch_module_calls(self._enter, self._leave)

    def close(self) -> None:
        """Stop watching; what was seen stays in :attr:`seen`."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._outputs = ()

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._depth += 1

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self._depth -= 1
        if self._depth > 0 or not isinstance(result, torch.Tensor) or result.dim() != 0:
            return
        given = list(tensors_in((args, kwargs)))
        if len(given) < 2 or not any(self._from_outputs(tensor) for tensor in given[:2]):
            return
        self.seen = SeenLoss(
            module=module,
            name=loss_name(module) or type(module).__name__,
            input=given[0].detach().clone(),
            target=given[1].detach().clone(),
            value=result.detach(),
            output_index=self._output_index(given[0]),
        )
        self.close()

    def _output_index(self, tensor: torch.Tensor) -> int | None:
        for index, output in enumerate(self._outputs):
            same_elements = (
                tensor.data_ptr() == output.data_ptr()
                and tensor.numel() == output.numel()
                and tensor.is_contiguous()
                and output.is_contiguous()
            )
            if tensor is output or same_elements:
                return index
        return None

    def _from_outputs(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is one of the outputs or was computed from one."""
        if any(tensor is output for output in self._outputs):
            return True
        wanted = {output.grad_fn for output in self._outputs} - {None}
        waiting = [tensor.grad_fn] if tensor.grad_fn is not None else []
        visited: set[Any] = set()
        while waiting and len(visited) < _WALK_LIMIT:
            node = waiting.pop()
            if node in wanted:
                return True
            if node not in visited:
                visited.add(node)
                waiting.extend(parent for parent, _ in node.next_functions if parent is not None)
        return False
