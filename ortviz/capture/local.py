"""Each module of the shadow on ORT's own input: what it would have made of it.

Where ORT's output differs from this, the difference was born in that module; what it inherited
from modules before it, or from modules inside of it, is on both sides. Where ORT has fused a
module away, it is run as part of the module around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from ortviz.capture.autocast import AutocastState
from ortviz.capture.ort_inputs import OrtInput, OrtInputs, OutputKey
from ortviz.capture.plan import gradient_name
from ortviz.capture.records import parameter_site
from ortviz.capture.stats import host_values
from ortviz.capture.trace import ModuleCall
from ortviz.capture.unit import InputGradients, Stub, Unit
from ortviz.graphs import ROOT, ValueUses
from ortviz.record import Direction, Site

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class OrtStep:
    """ORT's side of a step, as far as single modules are concerned.

    Attributes:
        calls: The shadow's, in order.
        outputs: (module, call, output index) -> ONNX value; not the model's own outputs.
        values: ONNX value name -> what ORT had, gradients included.
        root_gradients: What arrived at the model's outputs.
        uses: Of the exported graph.
        gradient_sites: Name of a gradient in ORT's graph -> the sites it is shown at.
        masks: Dropout masks in the order in which the shadow used them.
        buffers: As they were before the step, by name.
        autocast: As the user's forward found it.
    """

    calls: Sequence[ModuleCall]
    outputs: Mapping[OutputKey, str]
    values: Mapping[str, torch.Tensor]
    root_gradients: InputGradients
    uses: ValueUses
    gradient_sites: Mapping[str, Sequence[Site]]
    masks: Sequence[torch.Tensor]
    buffers: Mapping[str, torch.Tensor]
    autocast: AutocastState

    def names(self, call: ModuleCall) -> list[str]:
        """The ONNX value of each output; empty where ORT showed none."""
        slots = range(len(call.outputs))
        return [self.outputs.get((call.module, call.call, slot), "") for slot in slots]


@dataclass(slots=True)
class LocalValues:
    """What single modules made of ORT's inputs.

    Attributes:
        values: Site id to array on the host.
        without_input: Module calls whose input from ORT could not be found.
        failed: Module calls that did not run alone, with the reason.
    """

    values: dict[str, np.ndarray] = field(default_factory=dict)
    without_input: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Done:
    """What is left of a call that ran alone, forward and backward.

    Attributes:
        input_gradients: One per input.
        parameter_grads: What it contributes, by name.
        inside: The calls that it did not run itself.
        replaceable: Whether the call around it may take ORT's values for it.
    """

    input_gradients: InputGradients
    parameter_grads: dict[str, torch.Tensor]
    inside: list[int]
    replaceable: bool


class LocalRuns:
    """Calls every module of the shadow again, alone.

    Args:
        twin: A copy of the shadow for this purpose; its buffers are written to.
        step: ORT's side.
        inputs: ORT's input to each call.
    """

    def __init__(self, twin: nn.Module, step: OrtStep, inputs: OrtInputs) -> None:
        self._modules = dict(twin.named_modules())
        self._parameters = {n: p for n, p in twin.named_parameters() if p.requires_grad}
        self._buffers = dict(twin.named_buffers())
        self._step = step
        self._inputs = inputs
        self._done: dict[int, _Done] = {}
        self._found = LocalValues()

    def run(self) -> LocalValues:
        """All of them, in the order in which they returned, so inner modules come first."""
        for index, call in enumerate(self._step.calls):
            label = call.module + (f"@{call.call}" if call.call else "")
            try:
                if not self._run_call(index, call):
                    self._found.without_input.append(label or "the model")
            except Exception as error:  # noqa: BLE001 - it is run as part of the one around it
                self._found.failed.append(f"{label or 'the model'} ({error})")
        self._add_parameters()
        return self._found

    def _run_call(self, index: int, call: ModuleCall) -> bool:
        """Run one call; False when its input from ORT is not known."""
        inputs = self._inputs.of(call)
        if inputs is None:
            return False
        unit = self._unit(index, call, inputs)
        unit.forward(self._modules)
        outputs = unit.outputs
        if unit.deviates:
            # Answers of ORT's hide what it made of other inputs; the backward begins at them.
            followed = self._unit(index, call, inputs)
            followed.forward(self._modules, follow=True)
            outputs = followed.outputs
        names = self._step.names(call)
        for slot, output in enumerate(outputs):
            if names[slot] or not call.module:
                site = Site(Direction.FORWARD, call.module, f"out{slot}", call.call)
                self._found.values[site.id] = host_values(output.detach().clone())
        gradients = self._arrived(call, unit.outputs)
        if gradients is not None:
            self._pull_back(index, unit, gradients)
        return True

    def _unit(self, index: int, call: ModuleCall, inputs: Sequence[OrtInput]) -> Unit:
        self._reset_buffers(call.module)
        stubs = self._stubs(index, call)
        return Unit(
            self._modules[call.module],
            call,
            inputs,
            stubs,
            self._masks(call, stubs),
            self._step.autocast,
        )

    def _stubs(self, index: int, call: ModuleCall) -> list[Stub]:
        """The calls inside that ORT shows; a module is left out if one of its calls is."""
        assert call.arguments is not None
        inside = range(call.arguments.begin, index)
        calls = self._step.calls
        kept_whole = {
            calls[i].module for i in inside if i not in self._done or not self._done[i].replaceable
        }
        return [
            Stub(
                i,
                calls[i],
                [self._step.values.get(name) for name in self._step.names(calls[i])],
                self._done[i].input_gradients,
                [each.tensor for each in self._inputs.of(calls[i]) or ()],
                self._masks(calls[i], ()),
            )
            for i in inside
            if calls[i].module not in kept_whole
        ]

    def _masks(self, call: ModuleCall, stubs: Sequence[Stub]) -> list[torch.Tensor]:
        """Those used by the call itself and by what runs inside of it."""
        assert call.arguments is not None
        skipped: set[int] = set()
        for stub in stubs:
            assert stub.call.arguments is not None
            skipped.update(range(*stub.call.arguments.masks))
        places = range(*call.arguments.masks)
        return [self._step.masks[place] for place in places if place not in skipped]

    def _reset_buffers(self, module: str) -> None:
        inside = f"{module}." if module else ""
        for name, before in self._step.buffers.items():
            if name.startswith(inside) and name in self._buffers:
                self._buffers[name].data = before.detach().clone()

    def _arrived(
        self, call: ModuleCall, outputs: Sequence[torch.Tensor]
    ) -> list[torch.Tensor | None] | None:
        """ORT's gradient of each output; None when one that matters was not seen."""
        if not call.module:
            gradients = list(self._step.root_gradients)
            return gradients if len(gradients) == len(outputs) else None
        found: list[torch.Tensor | None] = []
        for slot, name in enumerate(self._step.names(call)):
            gradient = self._step.values.get(gradient_name(name)) if name else None
            if gradient is not None and gradient.shape != outputs[slot].shape:
                gradient = None
            if gradient is None and call.gradients[slot] is not None:
                return None
            found.append(gradient)
        return found

    def _pull_back(self, index: int, unit: Unit, gradients: InputGradients) -> None:
        """The backward of one call, from ORT's gradients around it."""
        call = unit.call
        answered = [stub for stub in unit.stubs if stub.answered]
        inner = [
            (leaf, name)
            for stub in answered
            for leaf, name in zip(stub.leaves, self._step.names(stub.call), strict=True)
            if leaf.requires_grad
        ]
        leaves = [leaf for leaf in unit.leaves if leaf.requires_grad]
        reached = set(unit.module.parameters())
        own = {n: p for n, p in self._parameters.items() if p in reached}
        wanted = [*leaves, *(leaf for leaf, _ in inner), *own.values()]
        results = iter(unit.backward(gradients, wanted))
        of_inputs = [next(results) if leaf.requires_grad else None for leaf in unit.leaves]
        outgoing = self._step.names(call)
        for _, name in inner:
            gradient = next(results)
            # What is handed on as this module's output has further users outside.
            if name not in outgoing and self._step.uses.only_inside(name, call.module):
                self._add_gradient(name, gradient)
        grads = {name: grad for name, grad in zip(own, results, strict=True) if grad is not None}
        self._done[index] = _Done(
            of_inputs, grads, [stub.index for stub in answered], self._replaceable(unit)
        )

    def _add_gradient(self, name: str, gradient: torch.Tensor | None) -> None:
        if gradient is not None:
            array = host_values(gradient.detach().clone())
            for site in self._step.gradient_sites.get(gradient_name(name), ()):
                self._found.values[site.id] = array

    def _replaceable(self, unit: Unit) -> bool:
        """Whether ORT shows everything of a call that the model uses."""
        call = unit.call
        names = self._step.names(call)
        shown = all(
            name or gradient is None for name, gradient in zip(names, call.gradients, strict=True)
        )
        complete = call.arguments is not None and call.arguments.complete
        # The same value goes in and out of a module that does nothing.
        passes_on = any(each.value_name and each.value_name in names for each in unit.inputs)
        return bool(call.module) and shown and any(names) and complete and not passes_on

    def _add_parameters(self) -> None:
        """Gradients of parameters: the sum over all calls that use them, if all of them ran."""
        total: dict[str, torch.Tensor] = {}
        for index in self._disjoint():
            for name, gradient in self._done[index].parameter_grads.items():
                total[name] = total[name] + gradient if name in total else gradient
        calls = Counter(call.module for call in self._step.calls)
        ran = Counter(
            self._step.calls[index].module
            for index, done in self._done.items()
            if done.replaceable or not self._step.calls[index].module
        )
        whole = {module for module, count in calls.items() if ran[module] == count}
        for name, gradient in total.items():
            users = self._step.uses.users.get(f"{ROOT}.{name}", (None,))
            if all(_covered(user, whole) for user in users):
                site = parameter_site(Direction.PARAMETER_GRAD, name)
                self._found.values[site.id] = host_values(gradient.detach().clone())

    def _disjoint(self) -> Iterator[int]:
        """Calls that together run everything once: the model's, and those it did not run itself.

        Without the model's own call, those that no other took ORT's values for.
        """
        last = len(self._step.calls) - 1
        taken = {i for done in self._done.values() if done.replaceable for i in done.inside}
        waiting = (
            [last]
            if last in self._done
            else [i for i, done in self._done.items() if done.replaceable and i not in taken]
        )
        while waiting:
            index = waiting.pop()
            yield index
            waiting += self._done[index].inside


def _covered(user: str | None, whole: set[str]) -> bool:
    """Whether what a module does with a parameter is part of a call that ran."""
    if user is None:
        return False
    while user and user not in whole:
        user = user.rpartition(".")[0]
    return user in whole
