"""Training under ortviz is, bit for bit, training under plain ORTModule."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from ortviz._compat import ensure_ortmodule
from ortviz.capture import detach, finish, wrap_module
from ortviz.record import Verify
from tests.engine.families import FAMILIES, Family, prediction
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine
STEPS = 20
HOOKS = [name for name in vars(nn.Module()) if name.endswith("_hooks") or "_hooks_" in name]
GLOBAL_HOOKS = [
    name for name in vars(torch_module) if name.startswith("_global_") and "hook" in name
]


@dataclass
class Outcome:
    """Everything that could have been disturbed."""

    weights: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]
    grads: dict[str, torch.Tensor | None]
    outputs: list[torch.Tensor]
    torch_random: torch.Tensor
    python_random: object
    numpy_random: np.ndarray
    ort_random: torch.Tensor
    hooks: list[tuple[str, int]]
    threads: int


def train(family: Family, wrapped: nn.Module, model: nn.Module) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.L1Loss()
    outputs = []
    for step in range(STEPS):
        if step:
            optimizer.zero_grad()
        output = prediction(wrapped(family.batch(generator)))
        outputs.append(output.detach().clone())
        # A draw of the user's own between forward and backward.
        target = torch.randn(output.shape)
        criterion(output, target).backward()
        optimizer.step()
    return outputs


def ort_draw() -> torch.Tensor:
    """What ORT's generator, which cannot be read, gives next."""
    api = ensure_ortmodule()
    module = api.ORTModule(nn.Sequential(nn.Linear(1, 64, bias=False), nn.Dropout(0.5)))
    return module(torch.ones(4, 1)).detach() != 0


def outcome(
    family: Family, every: int | None, folder: Path, verify: Verify = Verify.AUTO
) -> Outcome:
    ensure_ortmodule()
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)
    model = family.build()
    sink = ListSink(every or 1)
    if every is None:
        wrapped = ensure_ortmodule().ORTModule(model)
    else:
        wrapped = wrap_module(model, sink, name="m", every=every, save_dir=folder, verify=verify)
    outputs = train(family, wrapped, model)
    if every is not None:
        finish(wrapped)
        assert not sink.problems, sink.problems
        assert len(sink.captures) == len(range(0, STEPS, every))
        assert detach(wrapped) is model
    hooks = [
        (f"{name}.{attribute}", len(getattr(module, attribute)))
        for name, module in model.named_modules()
        for attribute in HOOKS
    ]
    hooks += [(name, len(getattr(torch_module, name) or ())) for name in GLOBAL_HOOKS]
    return Outcome(
        weights={n: p.detach().clone() for n, p in model.named_parameters()},
        buffers={n: b.detach().clone() for n, b in model.named_buffers()},
        grads={n: None if p.grad is None else p.grad.clone() for n, p in model.named_parameters()},
        outputs=outputs,
        torch_random=torch.get_rng_state(),
        python_random=random.getstate(),
        numpy_random=np.random.get_state()[1],
        ort_random=ort_draw(),
        hooks=hooks,
        threads=torch.get_num_threads(),
    )


@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_bit_for_bit(family: Family, every: int, tmp_path: Path) -> None:
    same_as_plain(outcome(family, None, tmp_path), outcome(family, every, tmp_path))


def same_as_plain(plain: Outcome, seen: Outcome) -> None:
    for step, (expected, got) in enumerate(zip(plain.outputs, seen.outputs, strict=True)):
        assert torch.equal(expected, got), f"output of step {step}"
    for name, expected in plain.weights.items():
        assert torch.equal(expected, seen.weights[name]), name
    for name, expected in plain.buffers.items():
        assert torch.equal(expected, seen.buffers[name]), name
    for name, grad in plain.grads.items():
        other = seen.grads[name]
        assert (grad is None) == (other is None), name
        assert grad is None or other is None or torch.equal(grad, other), name
    assert torch.equal(plain.torch_random, seen.torch_random)
    assert plain.python_random == seen.python_random
    assert np.array_equal(plain.numpy_random, seen.numpy_random)
    assert torch.equal(plain.ort_random, seen.ort_random)
    assert plain.hooks == seen.hooks
    assert plain.threads == seen.threads


def test_the_check_can_fail(tmp_path: Path) -> None:
    """A different seed is noticed, so equality above means something."""
    family = FAMILIES[-1]
    first = outcome(family, None, tmp_path)
    torch.manual_seed(4)
    assert not torch.equal(first.ort_random, ort_draw())
    assert torch.isfinite(first.outputs[-1]).all()
