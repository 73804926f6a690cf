"""Each module of the shadow on ORT's own input: what it would have made of it.

Where ORT's output differs from this, the difference was born in that module; what it inherited
from modules before it is on both sides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import nn

from ortviz.capture.autocast import AutocastState
from ortviz.capture.ort_inputs import OrtInput, OrtInputs, OutputKey
from ortviz.capture.plan import gradient_name
from ortviz.capture.random_state import preserved_random_state
from ortviz.capture.replay import DropoutReplay
from ortviz.capture.stats import host_values
from ortviz.capture.trace import ModuleCall
from ortviz.capture.trees import tensors_in
from ortviz.graphs import ROOT, ValueUses
from ortviz.record import Direction, Site

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class OrtStep:
    """ORT's side of a step, as far as single modules are concerned.

    Attributes:
        calls: The shadow's, in order.
        outputs: (module, call, output index) -> ONNX value.
        values: ONNX value name -> what ORT had, gradients included.
        uses: Of the exported graph.
        gradient_sites: Name of a gradient in ORT's graph -> the sites it is shown at.
        masks: Dropout masks in the order in which the shadow used them.
        buffers: As they were before the step, by name.
        autocast: As the user's forward found it.
    """

    calls: Sequence[ModuleCall]
    outputs: Mapping[OutputKey, str]
    values: Mapping[str, torch.Tensor]
    uses: ValueUses
    gradient_sites: Mapping[str, Sequence[Site]]
    masks: Sequence[torch.Tensor]
    buffers: Mapping[str, torch.Tensor]
    autocast: AutocastState


@dataclass(slots=True)
class LocalValues:
    """What single modules made of ORT's inputs.

    Attributes:
        values: Site id to array on the host.
        without_input: Module calls whose input from ORT could not be found.
        failed: Module calls that raised, with the error.
    """

    values: dict[str, np.ndarray] = field(default_factory=dict)
    without_input: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


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
        self._call_counts = Counter(call.module for call in step.calls)
        self._found_inputs = [inputs.of(call) for call in step.calls]
        self._use_counts = Counter(
            (call.module, each.value_name)
            for call, found in zip(step.calls, self._found_inputs, strict=True)
            for each in found or ()
        )
        self._homes = {name: step.uses.home(f"{ROOT}.{name}") for name in self._parameters}
        self._found = LocalValues()

    def run(self) -> LocalValues:
        """All of them, in the order in which they returned, so inner modules come first."""
        for call, inputs in zip(self._step.calls, self._found_inputs, strict=True):
            # The model as a whole on ORT's input is the shadow itself.
            if not call.module and len(self._modules) > 1:
                continue
            label = call.module + (f"@{call.call}" if call.call else "")
            if inputs is None:
                self._found.without_input.append(label)
                continue
            try:
                self._run_call(call, inputs)
            except Exception as error:  # noqa: BLE001 - one module less
                self._found.failed.append(f"{label} ({type(error).__name__}: {error})")
        return self._found

    def _run_call(self, call: ModuleCall, inputs: Sequence[OrtInput]) -> None:
        leaves = [_leaf(each) for each in inputs]
        outputs = self._call_again(call, leaves)
        if outputs is None:
            return
        for slot, output in enumerate(outputs):
            if (call.module, call.call, slot) in self._step.outputs:
                site = Site(Direction.FORWARD, call.module, f"out{slot}", call.call)
                self._found.values[site.id] = host_values(output.detach().clone())
        gradients = self._arrived(call, outputs)
        if gradients is not None:
            self._pull_back(call, inputs, leaves, gradients)

    def _call_again(
        self, call: ModuleCall, leaves: Sequence[torch.Tensor]
    ) -> list[torch.Tensor] | None:
        """The module's outputs; None when it drew random numbers that ORT did not give."""
        assert call.arguments is not None
        begin, end = call.arguments.masks
        for name, before in self._step.buffers.items():
            if name.startswith(f"{call.module}." if call.module else ""):
                self._buffers[name].data = before.detach().clone()
        # A module may change its input in place, which a leaf forbids.
        args, kwargs = call.arguments.filled(
            [leaf.clone() if leaf.requires_grad else leaf for leaf in leaves]
        )
        replay = DropoutReplay(self._step.masks[begin:end])
        module = self._modules[call.module]
        with (
            preserved_random_state(),
            torch.enable_grad(),
            self._step.autocast.restored(),
            replay,
        ):
            outputs = list(tensors_in(module(*args, **kwargs)))
        drew = replay.unmatched_count or replay.other_random_ops
        same = [o.shape for o in outputs] == [o.shape for o in call.outputs]
        return outputs if same and not drew else None

    def _arrived(
        self, call: ModuleCall, outputs: Sequence[torch.Tensor]
    ) -> list[tuple[torch.Tensor, torch.Tensor]] | None:
        """(output, ORT's gradient of it); None when one that matters was not seen."""
        pairs = []
        for slot, output in enumerate(outputs):
            if not output.requires_grad:
                continue
            value = self._step.outputs.get((call.module, call.call, slot), "")
            gradient = self._step.values.get(gradient_name(value))
            if gradient is not None and gradient.shape == output.shape:
                pairs.append((output, gradient.to(output.dtype)))
            elif call.gradients[slot] is not None:
                return None
        return pairs or None

    def _pull_back(
        self,
        call: ModuleCall,
        inputs: Sequence[OrtInput],
        leaves: Sequence[torch.Tensor],
        arrived: Sequence[tuple[torch.Tensor, torch.Tensor]],
    ) -> None:
        """Gradients of the inputs and parameters that nothing outside of this call uses."""
        wanted: list[tuple[torch.Tensor, Sequence[Site]]] = []
        for each, leaf in zip(inputs, leaves, strict=True):
            sites = self._step.gradient_sites.get(gradient_name(each.value_name), ())
            if leaf.requires_grad and sites and self._only_user(call, each.value_name):
                wanted.append((leaf, sites))
        for name, parameter in self._parameters.items():
            module, _, local = name.rpartition(".")
            site = Site(Direction.PARAMETER_GRAD, module, local)
            if self._owns(call, name):
                wanted.append((parameter, [site]))
        wanted = [(t, sites) for t, sites in wanted if sites[0].id not in self._found.values]
        if not wanted:
            return
        with preserved_random_state(), torch.enable_grad():
            gradients = torch.autograd.grad(
                [output for output, _ in arrived],
                [tensor for tensor, _ in wanted],
                [gradient for _, gradient in arrived],
                allow_unused=True,
            )
        for (_, sites), gradient in zip(wanted, gradients, strict=True):
            if gradient is not None:
                array = host_values(gradient.detach().clone())
                self._found.values.update((site.id, array) for site in sites)

    def _only_user(self, call: ModuleCall, value_name: str) -> bool:
        """Whether all that uses a value is in this call."""
        if self._call_counts[call.module] > 1:
            calls = zip(self._step.calls, self._found_inputs, strict=True)
            if any(each.module == call.module and found is None for each, found in calls):
                return False
        alone = self._use_counts[call.module, value_name] == 1
        return alone and self._step.uses.only_inside(value_name, call.module)

    def _owns(self, call: ModuleCall, parameter: str) -> bool:
        """Whether all that happens to a parameter happens in this call."""
        home = self._homes[parameter]
        if home is None or self._call_counts[call.module] != 1:
            return False
        return not call.module or home == call.module or home.startswith(f"{call.module}.")


def _leaf(given: OrtInput) -> torch.Tensor:
    tensor = given.tensor.detach().clone()
    return tensor.requires_grad_(given.needs_grad and tensor.is_floating_point())
