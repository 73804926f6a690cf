"""One module call of the shadow, run alone on what ORT had around it.

The calls inside of it that ORT shows are not run: they answer with ORT's own values. So what comes
out differs from ORT only by what the module itself does between them, and its backward likewise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
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
    """

    index: int
    call: ModuleCall
    values: Sequence[torch.Tensor | None]
    input_gradients: InputGradients
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
    """

    module: nn.Module
    call: ModuleCall
    inputs: Sequence[OrtInput]
    stubs: Sequence[Stub]
    masks: Sequence[torch.Tensor]
    autocast: AutocastState
    leaves: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)
    _sinks: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)

    def forward(self, modules: Mapping[str, nn.Module]) -> None:
        """Run it; fills ``leaves``, one per input, and ``outputs``.

        Args:
            modules: The copy's, by name.

        Raises:
            UnitError: It did something else than in the model.
        """
        arguments = self.call.arguments
        assert arguments is not None
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
        by_module: dict[str, deque[Stub]] = {}
        for stub in self.stubs:
            by_module.setdefault(stub.call.module, deque()).append(stub)

        def stand_in(waiting: deque[Stub]) -> object:
            def forward(*args: object, **kwargs: object) -> object:
                if not waiting:
                    raise UnitError("it called a module more often than in the model")
                return self._answer(waiting.popleft(), tensors_taken(args, kwargs))

            return forward

        try:
            for name, waiting in by_module.items():
                modules[name].__dict__["forward"] = stand_in(waiting)
            yield
        finally:
            for name in by_module:
                modules[name].__dict__.pop("forward", None)

    def _answer(self, stub: Stub, given: Sequence[torch.Tensor]) -> object:
        arguments = stub.call.arguments
        assert arguments is not None
        if len(given) != len(arguments.inputs):
            raise UnitError(f"it gave {stub.call.module} something else than in the model")
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


def _leaf(tensor: torch.Tensor, needs_grad: bool) -> torch.Tensor:
    own = tensor.detach().clone()
    return own.requires_grad_(needs_grad and own.is_floating_point())


def _usable(leaf: torch.Tensor) -> torch.Tensor:
    return leaf.clone() if leaf.requires_grad else leaf
