"""Hooks on the eager shadow: every module call, its outputs and their gradients, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle
from typing_extensions import Self

from ortviz.capture.call_inputs import CallArguments, TensorKey, note_arguments, tensor_key
from ortviz.capture.module_hooks import hooked_calls
from ortviz.capture.snapshots import Snapshots
from ortviz.capture.trees import tensors_in
from ortviz.record import HookEvent


@dataclass(slots=True)
class ModuleCall:
    """One call of one module.

    Attributes:
        module: Fully qualified name.
        call: Which call of this module within the step, from 0.
        type_name: Class name.
        outputs: What the tensors held that it returned, flattened.
        needs_grad: Whether each of them was on the autograd graph.
        gradients: The gradient that arrived at each, None until (or unless) one does.
        arguments: What it was given; None unless the trace notes that.
    """

    module: str
    call: int
    type_name: str
    outputs: list[torch.Tensor]
    needs_grad: list[bool]
    gradients: list[torch.Tensor | None]
    arguments: CallArguments | None = None


class ShadowTrace:
    """Hooks every module for the time of the ``with`` block.

    Gradients are read by tensor hooks on the outputs rather than by full backward hooks: the
    values are the same, and a module that changes its input in place (``ReLU(inplace=True)``)
    keeps working. Those hooks die with the shadow's autograd graph.

    Args:
        module: Whose modules are hooked.
        given: Tensors that both sides start from; None when arguments of calls are not noted.
        masks_used: How many dropout masks were used so far.
        share: Whether values may share memory with the run; see :class:`Snapshots`.

    Attributes:
        snapshots: How the values were taken.
        calls: In the order in which the modules returned.
        gradient_order: (index into ``calls``, output index) in the order gradients arrived.
        events: For the hook trace.
    """

    def __init__(
        self,
        module: nn.Module,
        given: Sequence[torch.Tensor] | None = None,
        masks_used: Callable[[], int] = lambda: 0,
        *,
        share: bool = False,
    ) -> None:
        self.snapshots = Snapshots(share=share)
        self.calls: list[ModuleCall] = []
        self.gradient_order: list[tuple[int, int]] = []
        self.events: list[HookEvent] = []
        self._module = module
        self._hooks = ExitStack()
        self._gradient_handles: list[RemovableHandle] = []
        self._begun: dict[str, list[float]] = {}
        self._given: Mapping[TensorKey, int] | None = None
        if given is not None:
            self._given = {tensor_key(tensor): index for index, tensor in enumerate(given)}
        self._masks_used = masks_used
        self._noted: dict[str, list[CallArguments | None]] = {}
        self._producers: dict[TensorKey, tuple[int, int]] = {}
        self._call_counts: Counter[str] = Counter()
        self._copies: dict[tuple[int, int], torch.Tensor] = {}
        self._places: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._keep_alive: list[torch.Tensor] = []

    def __enter__(self) -> Self:
        self.snapshots.keep_apart(self._module.parameters())
        self.snapshots.keep_apart(self._module.buffers())
        self._hooks.enter_context(hooked_calls(self._module, self._before, self._after))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hooks.close()
        self._copies.clear()
        self._places.clear()
        self._producers.clear()
        self._keep_alive.clear()

    def no_more_gradients(self) -> None:
        """The backward is over, or never comes."""
        for handle in self._gradient_handles:
            handle.remove()
        self._gradient_handles.clear()

    def _before(self, name: str, module: nn.Module, args: Any, kwargs: Any) -> None:
        noted = None
        if self._given is not None:
            noted = note_arguments(args, kwargs, self._producers, self._given)
            noted.begin = len(self.calls)
            noted.masks = (self._masks_used(), 0)
        self._noted.setdefault(name, []).append(noted)
        self._begun.setdefault(name, []).append(perf_counter())
        self._event("forward_pre", name, self._call_counts[name])

    def _after(self, name: str, module: nn.Module, args: Any, output: Any) -> None:
        seconds = perf_counter() - self._begun[name].pop()
        call = self._call_counts[name]
        self._call_counts[name] += 1
        self._event("forward", name, call, seconds)
        noted = self._noted[name].pop()
        if noted is not None:
            noted.note_result(output, self._masks_used())
        tensors = list(tensors_in(output))
        self.calls.append(
            ModuleCall(
                module=name,
                call=call,
                type_name=type(module).__name__,
                outputs=[self._copy(tensor) for tensor in tensors],
                needs_grad=[tensor.requires_grad for tensor in tensors],
                gradients=[None] * len(tensors),
                arguments=noted,
            )
        )
        index = len(self.calls) - 1
        for slot, tensor in enumerate(tensors):
            self._producers.setdefault(tensor_key(tensor), (index, slot))
            if tensor.requires_grad:
                self._watch_gradient(tensor, index, slot)

    def _watch_gradient(self, tensor: torch.Tensor, index: int, slot: int) -> None:
        """One hook a tensor; a container returns the very tensor its last child returned."""
        key = (id(tensor), tensor._version)
        places = self._places.get(key)
        if places is None:
            self._places[key] = places = []
            handle = tensor.register_hook(partial(self._gradient, places))
            self._gradient_handles.append(handle)
        places.append((index, slot))

    def _gradient(self, places: list[tuple[int, int]], gradient: torch.Tensor) -> None:
        copy = self.snapshots.of_gradient(gradient)
        # Backward enters a container before its last child.
        for index, slot in reversed(places):
            call = self.calls[index]
            if call.gradients[slot] is None:
                self.gradient_order.append((index, slot))
                self._event("output_gradient", call.module, call.call)
            call.gradients[slot] = copy

    def _copy(self, tensor: torch.Tensor) -> torch.Tensor:
        """The values as they are now; later code may change the tensor in place."""
        key = (id(tensor), tensor._version)
        if key not in self._copies:
            # The id is only a valid key while the tensor lives.
            self._keep_alive.append(tensor)
            self._copies[key] = self.snapshots.of_result(tensor)
        return self._copies[key]

    def _event(self, kind: str, module: str, call: int, seconds: float | None = None) -> None:
        self.events.append(HookEvent(len(self.events), kind, module, call, seconds))
