"""Copies, pickles and other treatment of a wrapped module; none of it touches the recorded run."""

from __future__ import annotations

import copy
import io
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import ortviz
from ortviz._compat import ensure_ortmodule
from ortviz.capture import is_wrapped
from ortviz.record import RunStatus, Verdict
from tests.engine.families import Convolutional, Transformer, mlp

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTVIZ_RUNS", str(tmp_path / "runs"))


def by_pickle(module: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(module))


def by_torch_save(module: nn.Module) -> nn.Module:
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


COPIES = [copy.deepcopy, by_pickle, by_torch_save]


def train(module: nn.Module, steps: int = 1) -> None:
    for _ in range(steps):
        module(torch.ones(3, 4)).square().mean().backward()


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("trained", [0, 2])
def test_a_copy_is_an_independent_ortmodule(copied, trained: int) -> None:
    model = mlp()
    wrapped = ortviz.wrap(model)
    train(wrapped, trained)
    run = wrapped.ortviz
    random = torch.get_rng_state()
    twin = copied(wrapped)
    assert torch.equal(torch.get_rng_state(), random)
    assert isinstance(twin, ensure_ortmodule().ORTModule)
    assert not is_wrapped(twin)
    assert "ortviz" not in vars(twin)
    assert twin.module is not model
    assert torch.equal(twin(torch.ones(3, 4)), wrapped(torch.ones(3, 4)))
    before = [parameter.clone() for parameter in model.parameters()]
    for parameter in twin.parameters():
        assert parameter.grad is None or trained
        parameter.data += 1
    train(twin)
    assert all(map(torch.equal, before, model.parameters()))
    train(wrapped)
    assert run.state.step_count == trained + 2
    assert not run.problems
    assert run.status is RunStatus.LIVE
    ortviz.unwrap(wrapped)


def test_a_copy_of_a_copy_and_wrapping_a_copy() -> None:
    wrapped = ortviz.wrap(mlp())
    train(wrapped)
    twin = by_pickle(copy.deepcopy(copy.deepcopy(wrapped)))
    again = ortviz.wrap(twin.module, name="copy")
    train(again)
    assert again.ortviz.steps[0].compare().first_divergence == {}
    ortviz.unwrap(again)
    ortviz.unwrap(wrapped)
    assert isinstance(copy.deepcopy(wrapped), type(wrapped)), "also after the run has ended"


def test_modes_hooks_and_shared_parameters_are_copied() -> None:
    model = Transformer()
    model.head.weight = model.shared.weight  # type: ignore[assignment]
    model.head = nn.Linear(16, 16)
    model.head.weight = model.shared.weight
    model.blocks[0].eval()
    model.embedding.requires_grad_(False)
    wrapped = ortviz.wrap(model)
    model.blocks[0].eval()
    seen: list[int] = []
    wrapped.register_forward_hook(lambda module, args, result: seen.append(1))
    twin = copy.deepcopy(wrapped)
    inner = twin.module
    assert inner.head.weight is inner.shared.weight
    assert inner.head.weight is not model.head.weight
    assert [m.training for m in inner.modules()] == [m.training for m in model.modules()]
    assert not inner.embedding.weight.requires_grad
    assert len(vars(twin)["_forward_hooks"]) == 1
    assert not seen
    ortviz.unwrap(wrapped)


def test_a_moving_average_beside_the_training() -> None:
    """What people copy a model for."""
    torch.manual_seed(1)
    wrapped = ortviz.wrap(Convolutional())
    average = copy.deepcopy(wrapped).eval().requires_grad_(False)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    for _ in range(3):
        wrapped(torch.randn(4, 3, 8, 8))["scores"].square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            for mean, new in zip(average.parameters(), wrapped.parameters(), strict=True):
                mean.lerp_(new, 0.5)
            assert average(torch.ones(2, 3, 8, 8))["scores"].isfinite().all()
    assert list(wrapped.ortviz.steps) == [0, 1, 2]
    assert not wrapped.ortviz.problems
    ortviz.unwrap(wrapped)


def test_another_process_reads_the_pickle(tmp_path: Path) -> None:
    wrapped = ortviz.wrap(mlp())
    train(wrapped)
    torch.save(wrapped, tmp_path / "model.pt")
    expected = wrapped(torch.ones(3, 4)).sum().item()
    ortviz.unwrap(wrapped)
    code = (
        "import sys, torch\n"
        "model = torch.load(sys.argv[1], weights_only=False)\n"
        "print(type(model).__name__, model(torch.ones(3, 4)).sum().item())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "model.pt")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.split() == ["ORTModule", str(expected)], done.stderr


def test_a_state_dict_goes_round() -> None:
    wrapped = ortviz.wrap(mlp())
    train(wrapped)
    state = {name: torch.full_like(value, 0.5) for name, value in wrapped.state_dict().items()}
    assert str(wrapped.load_state_dict(state)) == "<All keys matched successfully>"
    train(wrapped)
    record = wrapped.ortviz.steps[1].record
    weights = [each.stats for each in record.candidate if each.site.id.startswith("parameter/")]
    assert weights
    assert all(stats is not None and stats.minimum == stats.maximum == 0.5 for stats in weights)
    assert wrapped.ortviz.steps[1].compare().first_divergence == {}
    plain = mlp()
    plain.load_state_dict(wrapped.state_dict())
    ortviz.unwrap(wrapped)


def test_another_dtype_before_the_first_step() -> None:
    # ORT's CPU kernels have no ReluGrad in float64.
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    wrapped = ortviz.wrap(model).to(torch.float64)
    for _ in range(2):
        wrapped(torch.ones(3, 4, dtype=torch.float64)).square().mean().backward()
    comparison = wrapped.ortviz.steps[1].compare()
    assert comparison.first_divergence == {}
    assert any(site.verdict is not Verdict.NOT_COMPARABLE for site in comparison.sites)
    assert not wrapped.ortviz.problems
    ortviz.unwrap(wrapped)


def test_another_dtype_in_the_middle_is_ortmodules_error_and_the_run_goes_on() -> None:
    """ORTModule does not look again; that it raises is its own doing."""
    wrapped = ortviz.wrap(mlp())
    train(wrapped)
    wrapped.double()
    with pytest.raises(Exception, match=r"[Tt]ype"):
        wrapped(torch.ones(3, 4, dtype=torch.float64))
    wrapped.float()
    train(wrapped)
    assert not wrapped.ortviz.problems
    assert len(wrapped.ortviz.steps) == 2
    ortviz.unwrap(wrapped)


def test_unwrap_in_every_state() -> None:
    """Before any step, between forward and backward, in eval mode, after a failure, twice."""
    untouched = mlp()
    assert ortviz.unwrap(ortviz.wrap(untouched)) is untouched

    model = mlp()
    wrapped = ortviz.wrap(model)
    loss = wrapped(torch.ones(3, 4)).sum()
    assert ortviz.unwrap(wrapped) is model
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert ortviz.unwrap(wrapped) is model

    model = mlp()
    wrapped = ortviz.wrap(model)
    with torch.no_grad():
        wrapped.eval()(torch.ones(3, 4))
    assert ortviz.unwrap(wrapped) is model
    assert not model.training

    model = mlp()
    wrapped = ortviz.wrap(model)
    with pytest.raises(Exception, match="4"):
        wrapped(torch.ones(3, 9))
    assert ortviz.unwrap(wrapped) is model
    train(model)
