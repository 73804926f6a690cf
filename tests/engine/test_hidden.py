"""The eager side's own run is seen by nothing of the user's that watches the whole process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module
from torch.utils._python_dispatch import TorchDispatchMode

from ortviz._compat import ensure_ortmodule
from ortviz.capture import finish, wrap_module
from ortviz.compare import compare_step
from tests.engine.families import mlp
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine
STEPS = 3


class Counting(TorchDispatchMode):
    """A counter of operations, as people use for FLOPs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def forwards(module: nn.Module) -> None:
    for step in range(STEPS):
        module(torch.full((8, 4), float(step))).square().mean().backward()


def watched(folder: Path, sink: ListSink | None = None) -> nn.Module:
    return wrap_module(mlp(), sink or ListSink(), name="m", every=1, save_dir=folder)


def test_global_hooks_run_as_often_as_without(tmp_path: Path) -> None:
    counts = []
    for module in (ensure_ortmodule().ORTModule(mlp()), watched(tmp_path)):
        seen: list[str] = []
        handles = [
            torch_module.register_module_forward_pre_hook(
                lambda each, args, seen=seen: seen.append(f"pre {type(each).__name__}")
            ),
            torch_module.register_module_forward_hook(
                lambda each, args, result, seen=seen: seen.append(type(each).__name__)
            ),
        ]
        tables = list(torch_module._global_forward_hooks.items())
        forwards(module)
        assert list(torch_module._global_forward_hooks.items()) == tables
        for handle in handles:
            handle.remove()
        counts.append(seen)
    assert counts[0] == counts[1]
    assert counts[0].count("ORTModule") == STEPS


def test_saved_tensor_hooks_run_as_often_as_without(tmp_path: Path) -> None:
    counts = []
    for module in (ensure_ortmodule().ORTModule(mlp()), watched(tmp_path)):
        forwards(module)
        packed: list[torch.Size] = []

        def pack(tensor: torch.Tensor, packed: list[torch.Size] = packed) -> torch.Tensor:
            packed.append(tensor.shape)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            forwards(module)
        counts.append(packed)
    assert counts[0] == counts[1]


def test_the_shadow_is_hidden_from_dispatch_modes(tmp_path: Path) -> None:
    """The operations that the eager side alone needs never reach a counter of the user's."""
    module = watched(tmp_path)
    forwards(module)
    with Counting() as counting:
        module(torch.ones(8, 4))
    assert not [name for name in counting.names if "addmm" in name or "tanh" in name]


def test_old_weight_norm_is_part_of_the_computation_and_not_a_hook_of_the_users(
    tmp_path: Path,
) -> None:
    """Its weight is computed by a hook of torch's own, which the eager side needs."""
    torch.manual_seed(1)
    layer = nn.utils.weight_norm(nn.Linear(4, 4))
    model = nn.Sequential(layer, nn.Tanh(), nn.Linear(4, 2))
    sink = ListSink()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.5)
    for _ in range(3):
        wrapped(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
    finish(wrapped)
    assert not sink.problems
    for capture in sink.captures:
        compared = compare_step(capture)
        assert compared.first_divergence == {}
        errors = {site.site.id: site.max_abs_error for site in compared.sites}
        assert errors["parameter_grad/0#weight_g"] is not None
        assert errors["parameter_grad/0#weight_v"] is not None
