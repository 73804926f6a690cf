"""Which module each node of the exported graph belongs to, told by eager PyTorch itself.

The model runs eagerly once more, and every operation that reaches the dispatcher is noted with the
module whose forward is running. An exported node that makes the very numbers of such an operation
belongs to that module, whatever the two are called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from tests.engine.onnx_executed import equal_arrays
from tests.engine.onnx_in_torch import Interpreted


class _Noted(TorchDispatchMode):
    """Collects what operations return, with the module they run in."""

    def __init__(self, running: list[str]) -> None:
        super().__init__()
        self._running = running
        self.results: list[tuple[str, np.ndarray]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        result = func(*args, **(kwargs or {}))
        for each in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(each, torch.Tensor):
                self.results.append((self._running[-1], each.detach().clone().numpy()))
        return result


def operations(
    model: nn.Module, batch: torch.Tensor, masks: Sequence[torch.Tensor]
) -> list[tuple[str, np.ndarray]]:
    """(module, result) of every operation of one forward pass, in order.

    Args:
        model: In the mode to run in; its buffers change as they do in a forward pass.
        batch: Its input.
        masks: Of ORT's dropout, in the order in which the model draws them.
    """
    running = [""]
    waiting = list(masks)

    def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, *_: Any) -> torch.Tensor:
        return x * waiting.pop(0) / (1 - p) if training else x

    noted = _Noted(running)
    drop = patch.object(functional, "dropout", dropout)
    with torch.no_grad(), _names_of_running(model, running), drop, noted:
        model(batch)
    return noted.results


@contextmanager
def _names_of_running(model: nn.Module, running: list[str]) -> Iterator[None]:
    handles = []
    for name, module in model.named_modules():
        handles.append(module.register_forward_pre_hook(lambda *_, name=name: running.append(name)))
        handles.append(module.register_forward_hook(lambda *_: _left(running)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _left(running: list[str]) -> None:
    running.pop()


class ModuleTruth:
    """Which modules exported nodes belong to.

    Args:
        exported: The exported graph's tensors.
        noted: (module, result) of each operation of an eager forward pass.
    """

    def __init__(self, exported: Interpreted, noted: list[tuple[str, np.ndarray]]) -> None:
        prints: dict[tuple[int, ...], list[tuple[str, np.ndarray]]] = {}
        for module, result in noted:
            prints.setdefault(result.shape, []).append((module, result))
        users: dict[str, list[int]] = {}
        for number, node in enumerate(exported.nodes):
            for name in node.input:
                users.setdefault(name, []).append(number)
        self._modules: dict[int, set[str]] = {}
        self._certain: set[int] = set()
        for number in range(len(exported.nodes) - 1, -1, -1):
            outputs = [name for name in exported.nodes[number].output if name in exported.values]
            found = {
                module
                for name in outputs
                for module, result in prints.get(tuple(exported.values[name].shape), ())
                if equal_arrays(exported.values[name].detach().numpy(), result)
            }
            if found:
                self._certain.add(number)
            following = (user for name in outputs for user in users.get(name, ()))
            self._modules[number] = found or {
                module for user in following for module in self._modules[user]
            }

    def of(self, node: int) -> set[str]:
        """Modules in which an operation gave a node's numbers, or the numbers made from them."""
        return self._modules[node]

    def is_certain(self, node: int) -> bool:
        """Whether an operation gave the node's very numbers."""
        return node in self._certain
