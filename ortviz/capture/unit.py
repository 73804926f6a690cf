"""One module call of the shadow, run alone on what ORT had around it.

The calls inside of it that ORT shows are not run: they answer with ORT's own values. So what comes
out differs from ORT only by what the module itself does between them, and its backward likewise.
Where the module hands one of them something else than ORT did, that call may be run after all: its
answer then shows what ORT's would have been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn

from ortviz.capture.autocast import AutocastState
from ortviz.capture.call_inputs import tensors_taken
from ortviz.capture.ort_inputs import OrtInput
from ortviz.capture.random_state import preserved_random_state
from ortviz.capture.replay import DropoutReplay
from ortviz.capture.trace import ModuleCall
from ortviz.capture.trees import tensors_in

InputGradients = Sequence["torch.Tensor | None"]
_FEW_ROUNDINGS = 16.0


class UnitError(RuntimeError):
    """A module does not run alone as it ran in the model."""


@dataclass(slots=True)
class Stub:
    """A call that answers with ORT's values.

    Attributes:
        index: Among the shadow's calls.
        call: It.
        values: ORT's value of each output; None for outputs that nothing uses.
        input_gradients: What its own backward gives for each of its inputs.
        inputs: What ORT gave it; empty where that is not known.
        masks: Dropout masks of the draws inside of it, in their order.
        leaves: What it answered, one per output, where gradients are asked for; empty before.
    """

    index: int
    call: ModuleCall
    values: Sequence[torch.Tensor | None]
    input_gradients: InputGradients
    inputs: Sequence[torch.Tensor]
    masks: Sequence[torch.Tensor]
    leaves: list[torch.Tensor] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        """Whether it was called."""
        return bool(self.leaves)


@dataclass(slots=True)
class Unit:
    """A call that is run, with the calls inside that are not.

    Attributes:
        module: Of a copy of the model that may be changed for this.
        call: Which call of it.
        inputs: What ORT gave it.
        stubs: The calls inside, in the order in which they returned.
        masks: Dropout masks of the draws outside of those, in their order.
        autocast: As the user's forward found it.
        leaves: Copies of the inputs, where gradients are asked for; empty before it ran.
        outputs: What it returned, flattened, on the autograd graph; empty before it ran.
        deviates: Whether it handed something else than ORT did to a call inside of it.
    """

    module: nn.Module
    call: ModuleCall
    inputs: Sequence[OrtInput]
    stubs: Sequence[Stub]
    masks: Sequence[torch.Tensor]
    autocast: AutocastState
    leaves: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)
    deviates: bool = False
    _follow: bool = False
    _stand_ins: dict[str, Callable[..., object]] = field(default_factory=dict)
    _waiting: dict[str, deque[Stub]] = field(default_factory=dict)
    _sinks: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)

    def forward(self, modules: Mapping[str, nn.Module], *, follow: bool = False) -> None:
        """Run it; fills ``leaves``, one per input, and ``outputs``.

        Args:
            modules: The copy's, by name.
            follow: Run the calls inside after all that are handed something else than ORT did.

        Raises:
            UnitError: It did something else than in the model.
        """
        arguments = self.call.arguments
        assert arguments is not None
        self._follow = follow
        self.leaves = [_leaf(each.tensor, each.needs_grad) for each in self.inputs]
        # A module may change its input in place, which a leaf forbids.
        args, kwargs = arguments.filled([_usable(leaf) for leaf in self.leaves])
        replay = DropoutReplay(self.masks)
        with (
            preserved_random_state(),
            torch.enable_grad(),
            self.autocast.restored(),
            self._answering(modules),
            replay,
        ):
            self.outputs = list(tensors_in(self.module(*args, **kwargs)))
        if replay.unmatched_count or replay.other_random_ops:
            raise UnitError("it drew random numbers")
        if [o.shape for o in self.outputs] != [o.shape for o in self.call.outputs]:
            raise UnitError("it returned something else than in the model")

    def backward(
        self, gradients: InputGradients, wanted: Sequence[torch.Tensor]
    ) -> list[torch.Tensor | None]:
        """Pull gradients of the outputs back; one per wanted tensor, None where none arrives.

        Args:
            gradients: ORT's, one per output.
            wanted: Leaves of this unit, of its stubs, or parameters.
        """
        pairs = [
            (output, gradient.to(output.dtype))
            for output, gradient in zip(self.outputs, gradients, strict=True)
            if gradient is not None and output.requires_grad
        ]
        pairs += self._sinks
        if not pairs or not wanted:
            return [None] * len(wanted)
        with preserved_random_state(), torch.enable_grad():
            return list(
                torch.autograd.grad(
                    [tensor for tensor, _ in pairs],
                    wanted,
                    [gradient for _, gradient in pairs],
                    allow_unused=True,
                )
            )

    @contextmanager
    def _answering(self, modules: Mapping[str, nn.Module]) -> Iterator[None]:
        """Let the stubs' modules answer instead of running."""
        for stub in self.stubs:
            self._waiting.setdefault(stub.call.module, deque()).append(stub)

        def stand_in(name: str) -> Callable[..., object]:
            def forward(*args: object, **kwargs: object) -> object:
                if not self._waiting[name]:
                    raise UnitError("it called a module more often than in the model")
                return self._called(self._waiting[name].popleft(), modules, args, kwargs)

            return forward

        self._stand_ins = {name: stand_in(name) for name in self._waiting}
        try:
            for name, forward in self._stand_ins.items():
                modules[name].__dict__["forward"] = forward
            yield
        finally:
            for name in self._stand_ins:
                modules[name].__dict__.pop("forward", None)

    def _called(
        self,
        stub: Stub,
        modules: Mapping[str, nn.Module],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> object:
        assert stub.call.arguments is not None
        given = tensors_taken(args, kwargs)
        if len(given) != len(stub.call.arguments.inputs):
            raise UnitError(f"it gave {stub.call.module} something else than in the model")
        self._leave_out(range(stub.call.arguments.begin, stub.index))
        if not _as_in_ort(given, stub.inputs):
            self.deviates = True
            if self._follow:
                return self._run_after_all(stub, modules, args, kwargs)
        return self._answer(stub, given)

    def _leave_out(self, inside: range) -> None:
        """The calls inside of one that is over will not be made any more."""
        for waiting in self._waiting.values():
            while waiting and waiting[0].index in inside:
                waiting.popleft()

    def _run_after_all(
        self,
        stub: Stub,
        modules: Mapping[str, nn.Module],
        args: tuple[object, ...],
        kwargs: dict[str, object],
    ) -> object:
        """Run a call with all that is inside of it."""
        replay = DropoutReplay(stub.masks)
        for name in self._stand_ins:
            modules[name].__dict__.pop("forward", None)
        try:
            with replay:
                result: object = modules[stub.call.module](*args, **kwargs)
        finally:
            for name, forward in self._stand_ins.items():
                modules[name].__dict__["forward"] = forward
        if replay.unmatched_count or replay.other_random_ops:
            raise UnitError("a call inside of it drew random numbers")
        return result

    def _answer(self, stub: Stub, given: Sequence[torch.Tensor]) -> object:
        arguments = stub.call.arguments
        assert arguments is not None
        for tensor, gradient in zip(given, stub.input_gradients, strict=True):
            if gradient is not None and tensor.requires_grad:
                # Cloned: the answer may change the tensor itself in place.
                self._sinks.append((tensor.clone(), gradient.to(tensor.dtype)))
        answers = []
        for slot, value in enumerate(stub.values):
            own = stub.call.outputs[slot] if value is None else value
            leaf = _leaf(own, value is not None and stub.call.needs_grad[slot])
            stub.leaves.append(leaf)
            place = arguments.in_place[slot]
            answers.append(_usable(leaf) if place is None else given[place].copy_(leaf))
        return arguments.filled_result(answers)


def _as_in_ort(given: Sequence[torch.Tensor], inputs: Sequence[torch.Tensor]) -> bool:
    """Whether a call is handed what ORT handed it, but for rounding of a few operations."""
    return all(
        tensor.shape == own.shape and _close(tensor.detach(), own)
        for tensor, own in zip(given, inputs, strict=False)
    )


def _close(tensor: torch.Tensor, own: torch.Tensor) -> bool:
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return bool(torch.equal(tensor, own))
    off = (tensor - own).abs_()
    finite = torch.isfinite(own)
    scale = float(own.where(finite, 0).abs().max())
    # NaN minus NaN, or infinity minus itself, is NaN: the same on both sides.
    alike = torch.isnan(off) & ((tensor == own) | (torch.isnan(tensor) & torch.isnan(own)))
    return bool((alike | (off <= _FEW_ROUNDINGS * torch.finfo(own.dtype).eps * scale)).all())


def _leaf(tensor: torch.Tensor, needs_grad: bool) -> torch.Tensor:
    own = tensor.detach().clone()
    return own.requires_grad_(needs_grad and own.is_floating_point())


def _usable(leaf: torch.Tensor) -> torch.Tensor:
    return leaf.clone() if leaf.requires_grad else leaf
