"""Which modules call a ``torch.autograd.Function`` of the user's, seen on the eager side."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from torch import nn
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import Node
from typing_extensions import Self

from ortviz.capture.module_hooks import hooked_calls
from ortviz.capture.trees import tensors_in
from ortviz.record import FunctionCall

_SUFFIX = "Backward"
_SAME_GRADIENT = frozenset({"CheckpointFunction"})
"""Their backward computes what differentiating their forward gives, so nothing is lost."""


@dataclass(slots=True)
class _OpenCall:
    """A module call that has not returned.

    Attributes:
        given: What its inputs come from; not its own.
        before_children: What its children's inputs come from: its own, unless given.
    """

    given: frozenset[Node]
    before_children: list[Node] = field(default_factory=list)


class FunctionFinder:
    """Hooks a module for one forward and reads the autograd graph that it leaves.

    A Function belongs to the innermost module whose outputs depend on it and whose inputs do not.

    Attributes:
        calls: One per module and Function, in the order the modules returned.
    """

    def __init__(self, module: nn.Module) -> None:
        self.calls: dict[FunctionCall, None] = {}
        self._module = module
        self._hooks = ExitStack()
        self._open: list[_OpenCall] = []
        # Nodes, not their ids: Python makes a node's object anew once nobody holds it.
        self._seen: set[Node] = set()

    def __enter__(self) -> Self:
        self._hooks.enter_context(hooked_calls(self._module, self._before, self._after))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hooks.close()
        self._open.clear()
        self._seen.clear()

    def _before(self, name: str, module: nn.Module, args: Any, kwargs: Any) -> None:
        self._open.append(_OpenCall(_nodes_of((args, kwargs))))

    def _after(self, name: str, module: nn.Module, args: Any, output: Any) -> None:
        call = self._open.pop()
        given = call.given
        if self._open:
            self._open[-1].before_children += given
        waiting = [*_nodes_of(output), *call.before_children]
        while waiting:
            node = waiting.pop()
            if node in self._seen or node in given:
                continue
            self._seen.add(node)
            function = _function_name(node)
            if function:
                self.calls[FunctionCall(function, name)] = None
            waiting += [before for before, _ in node.next_functions if before is not None]


def _nodes_of(tree: object) -> frozenset[Node]:
    return frozenset(tensor.grad_fn for tensor in tensors_in(tree) if tensor.grad_fn is not None)


def _function_name(node: Node) -> str:
    """The class name of the Function that made the node; empty for PyTorch's own operations."""
    kind: type = type(node)
    name = kind.__name__.removesuffix(_SUFFIX)
    return name if issubclass(kind, BackwardCFunction) and name not in _SAME_GRADIENT else ""
