"""The losses as part of a model that ORTModule trains, or that the TorchScript exporter exports."""

from __future__ import annotations

import copy
import inspect
import io
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ortviz._compat import ensure_ortmodule
from ortviz.errors import EnvironmentProblem

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore")]

# torch 2.4 has only the TorchScript exporter and no argument to choose it by.
_HAS_CHOICE = "dynamo" in inspect.signature(torch.onnx.export).parameters
_TORCHSCRIPT: dict[str, bool] = {"dynamo": False} if _HAS_CHOICE else {}


class _Forecaster(nn.Module):
    """A model whose forward ends in its loss, and that counts how often Python runs it."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        self.loss = loss
        self.python_runs = 0

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        self.python_runs += 1
        return self.loss(self.layers(x), y)


@pytest.fixture(scope="module")
def ortmodule() -> Callable[[nn.Module], nn.Module]:
    try:
        return ensure_ortmodule().ORTModule
    except EnvironmentProblem as problem:
        pytest.skip(str(problem))


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    return torch.randn(5, 6), torch.randn(5, 3)


def _gradients(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
    model.zero_grad()
    value = model(x, y)
    value.backward()
    return value.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


def _train_both(ortmodule, loss: nn.Module, x: Tensor, y: Tensor):
    """Run one step eagerly and three through ORT; ORT must not hand the later ones to Python."""
    model = _Forecaster(loss)
    eager = _gradients(copy.deepcopy(model), x, y)
    wrapped = ortmodule(model)
    _gradients(wrapped, x, y)
    runs_for_export = model.python_runs
    _gradients(wrapped, x, y)
    ort = _gradients(wrapped, x, y)
    assert model.python_runs == runs_for_export
    return eager, ort


@pytest.mark.parametrize("safe", [False, True])
def test_ort_has_the_loss_and_gradients_of_eager(safe, case, ortmodule, batch) -> None:
    (value, grads), (ort_value, ort_grads) = _train_both(
        ortmodule, case.loss(safe_grad=safe), *batch
    )
    torch.testing.assert_close(ort_value, value)
    assert len(grads) == len(ort_grads) == 4
    for ours, ort in zip(grads, ort_grads, strict=True):
        torch.testing.assert_close(ort, ours)


@pytest.mark.parametrize("name", ["mape", "smape", "smape_full"])
@pytest.mark.parametrize("trouble", ["zero", "nan"])
def test_safe_grad_holds_in_ort(trouble, name, cases, ortmodule, batch) -> None:
    x, y = batch
    y[1, 2] = 0.0 if trouble == "zero" else float("nan")
    (value, grads), (ort_value, ort_grads) = _train_both(
        ortmodule, cases[name].loss(safe_grad=True), x, y
    )
    torch.testing.assert_close(ort_value, value)
    for ours, ort in zip(grads, ort_grads, strict=True):
        assert torch.isfinite(ours).all()
        torch.testing.assert_close(ort, ours)


def test_a_zero_target_poisons_ort_as_it_does_eager(cases, ortmodule, batch) -> None:
    x, y = batch
    y[1, 2] = 0.0
    (value, grads), (ort_value, ort_grads) = _train_both(ortmodule, cases["mape"].loss(), x, y)
    torch.testing.assert_close(ort_value, value)
    for ours, ort in zip(grads, ort_grads, strict=True):
        assert ours.isnan().any()
        torch.testing.assert_close(ort, ours, equal_nan=True)


def test_plain_detach_is_lost_in_ort_which_is_why_ours_is_not_plain(ortmodule, batch) -> None:
    class Plain(nn.Module):
        def forward(self, p: Tensor, t: Tensor) -> Tensor:
            return torch.mean(torch.abs(t - p) / (torch.abs(t) + torch.abs(p)).detach())

    (value, grads), (ort_value, ort_grads) = _train_both(ortmodule, Plain(), *batch)
    torch.testing.assert_close(ort_value, value)
    assert not torch.allclose(ort_grads[-1], grads[-1], rtol=0.05)


@pytest.mark.parametrize("safe", [False, True])
def test_torchscript_export_gives_the_same_value(safe, case) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    loss = case.loss(safe_grad=safe)
    p, t = torch.randn(7, 2), torch.randn(7, 2)
    t[0, 0] = p[0, 0] = 0.0
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        torch.onnx.export(loss, (p, t), file, input_names=["p", "t"], **_TORCHSCRIPT)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    (value,) = session.run(None, {"p": p.numpy(), "t": t.numpy()})
    np.testing.assert_allclose(value, loss(p, t).item(), rtol=1e-6)
    assert loss.mask.element_count == 14
