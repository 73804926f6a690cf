"""The shadow copies until it knows that a model changes no output in place, and tells if one is."""

from __future__ import annotations

import torch
from torch import nn

from ortviz.capture.shadow import Shadow, ShadowRun


class Doubling(nn.Module):
    """Doubles the output of its layer, in place where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.in_place = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return y.mul_(2) if self.in_place else y * 2


def one_run(shadow: Shadow, x: torch.Tensor) -> tuple[ShadowRun, bool]:
    run = shadow.forward([x], {}, {}, None)
    return run, shadow.backward(run, [torch.ones_like(output) for output in run.outputs])


def layer_output(run: ShadowRun) -> torch.Tensor:
    (call,) = (call for call in run.trace.calls if call.module == "layer")
    return call.outputs[0]


def test_in_place_from_the_first_run_on_is_copied() -> None:
    model, x = Doubling(), torch.randn(4, 3)
    model.in_place = True
    shadow = Shadow(model)
    for _ in range(3):
        run, usable = one_run(shadow, x)
        assert usable
        assert torch.equal(layer_output(run), model.layer(x))


def test_in_place_in_a_later_run_is_told_and_then_copied() -> None:
    model, x = Doubling(), torch.randn(4, 3)
    shadow = Shadow(model)
    for _ in range(2):
        run, usable = one_run(shadow, x)
        assert usable
        assert torch.equal(layer_output(run), model.layer(x))
    shadow._module.in_place = True
    assert not one_run(shadow, x)[1]
    run, usable = one_run(shadow, x)
    assert usable
    assert torch.equal(layer_output(run), model.layer(x))


def test_values_are_those_of_their_step_after_the_optimiser_went_on() -> None:
    model, x = Doubling(), torch.randn(4, 3)
    shadow = Shadow(model)
    one_run(shadow, x)
    run, _ = one_run(shadow, x)
    expected, seen = model.layer(x).detach(), layer_output(run)
    grads = {name: grad.clone() for name, grad in run.parameter_grads.items() if grad is not None}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    one_run(shadow, x)
    assert torch.equal(seen, expected)
    for name, grad in grads.items():
        assert torch.equal(run.parameter_grads[name], grad), name
