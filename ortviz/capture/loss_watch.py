"""Sees the losses the user computes from the wrapped model's outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ortviz._compat.torch_hooks import backward_passes_through, watch_module_calls
from ortviz.capture.trees import tensors_in
from ortviz.losses.recognise import loss_name

_WALK_LIMIT = 256
_SEEN_LIMIT = 8


@dataclass(frozen=True, slots=True)
class SeenLoss:
    """One call of a loss. Its tensors are the user's own, detached: copy what is kept.

    Attributes:
        module: The loss module.
        name: ``mae``, ``mape``, ``smape`` where recognised, else the class name.
        input: What was computed from the model.
        target: The other tensor.
        value: What it returned, detached; a 0-d tensor.
        node: The ``grad_fn`` of what it returned; None when it needs no gradient.
        output_index: Which output of the model ``input`` is, reshaped at most; None when it was
            computed from the outputs.
        versions: Of ``input`` and ``target`` when they were seen.
    """

    module: nn.Module
    name: str
    input: torch.Tensor
    target: torch.Tensor
    value: torch.Tensor
    node: object
    output_index: int | None
    versions: tuple[int, int]

    @property
    def unchanged(self) -> bool:
        """Whether both tensors still hold what the loss saw."""
        return (self.input._version, self.target._version) == self.versions


class LossWatch:
    """Watches module calls from the end of a forward until its backward or the next forward.

    It registers torch's global module hooks for that time only, so that between steps no hook
    dictionary differs from what it was.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], None] | None = None
        self._outputs: tuple[torch.Tensor, ...] = ()
        self._depth = 0
        self._seen: list[SeenLoss] = []

    def open(self, outputs: Sequence[torch.Tensor]) -> None:
        """Begin to watch for losses computed from these tensors."""
        self.close()
        self._seen = []
        self._outputs = tuple(outputs)
        self._depth = 0
        self._stop = watch_module_calls(self._enter, self._leave)

    def close(self) -> None:
        """Stop watching; what was seen stays."""
        if self._stop is not None:
            self._stop()
            self._stop = None
        self._outputs = ()

    def trained(self) -> list[SeenLoss]:
        """The seen losses that the running backward goes through; all when none is running.

        A loss that is only looked at, for a log, is not among them.
        """
        reached = [seen for seen in self._seen if backward_passes_through(seen.node)]
        return reached or self._seen

    def _enter(self, module: nn.Module, args: Any) -> None:
        self._depth += 1

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        self._depth -= 1
        if self._depth > 0 or len(self._seen) >= _SEEN_LIMIT:
            return
        if not isinstance(result, torch.Tensor) or result.dim() != 0:
            return
        given = _input_and_target(module, args, kwargs)
        if given is None:
            return
        prediction, target = given
        if not self._from_outputs(prediction):
            prediction, target = target, prediction
            if not self._from_outputs(prediction):
                return
        self._seen.append(
            SeenLoss(
                module=module,
                name=loss_name(module) or type(module).__name__,
                input=prediction.detach(),
                target=target.detach(),
                value=result.detach(),
                node=result.grad_fn,
                output_index=self._output_index(prediction),
                versions=(prediction._version, target._version),
            )
        )

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


def _input_and_target(
    module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The first two tensors in the order of the loss's own parameters, however it was called."""
    given: object = args
    if kwargs:
        try:
            given = list(inspect.signature(module.forward).bind(*args, **kwargs).arguments.values())
        except (TypeError, ValueError):
            given = (args, kwargs)
    tensors = list(tensors_in(given))
    return (tensors[0], tensors[1]) if len(tensors) > 1 else None
