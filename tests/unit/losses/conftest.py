"""darts 0.48.1's formulas, written out here once more so that the losses have a judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ortviz.losses import MAELoss, MapeLoss, SmapeLoss

_INT_OF_SIZE = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def _divide(a: Tensor, b: Tensor) -> Tensor:
    r = a / b
    r[r != r] = 0.0
    r[r == float("inf")] = 0.0
    r[r == -float("inf")] = 0.0
    return r


def _mae(p: Tensor, t: Tensor) -> Tensor:
    return torch.mean(torch.abs(t - p))


def _mape(p: Tensor, t: Tensor) -> Tensor:
    return torch.mean(torch.abs(_divide(t - p, t)))


def _smape(p: Tensor, t: Tensor) -> Tensor:
    return torch.mean(_divide(torch.abs(t - p), (torch.abs(t) + torch.abs(p)).detach()))


def _smape_full(p: Tensor, t: Tensor) -> Tensor:
    return torch.mean(_divide(torch.abs(t - p), torch.abs(t) + torch.abs(p)))


@dataclass(frozen=True)
class Case:
    """One of our losses and the formula it must follow."""

    name: str
    ours: Callable[..., nn.Module]
    formula: Callable[[Tensor, Tensor], Tensor]
    kwargs: tuple[tuple[str, Any], ...] = ()

    def loss(self, **kwargs: Any) -> Any:
        return self.ours(**dict(self.kwargs), **kwargs)


CASES = (
    Case("mae", MAELoss, _mae),
    Case("mape", MapeLoss, _mape),
    Case("smape", SmapeLoss, _smape),
    Case("smape_full", SmapeLoss, _smape_full, (("block_denom_grad", False),)),
)


@pytest.fixture(scope="session", params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Each of the losses in turn."""
    return request.param


@pytest.fixture(scope="session")
def cases() -> dict[str, Case]:
    """All losses by name."""
    return {case.name: case for case in CASES}


@dataclass(frozen=True)
class Outcome:
    """A loss and both its gradients."""

    value: Tensor
    by_input: Tensor
    by_target: Tensor


@pytest.fixture(scope="session")
def run() -> Callable[[Callable[[Tensor, Tensor], Tensor], Tensor, Tensor], Outcome]:
    """Compute a loss and both gradients from fresh leaves with the memory layout of the given."""

    def compute(
        loss: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, target: Tensor
    ) -> Outcome:
        p = prediction.detach().requires_grad_()
        t = target.detach().requires_grad_()
        value = loss(p, t)
        value.backward()
        assert p.grad is not None
        assert t.grad is not None
        return Outcome(value.detach(), p.grad, t.grad)

    return compute


@pytest.fixture(scope="session")
def same_bits() -> Callable[[Tensor, Tensor], bool]:
    """Compare two tensors bit by bit, the payload of NaN and the sign of 0 included."""

    def compare(a: Tensor, b: Tensor) -> bool:
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        as_int = _INT_OF_SIZE[a.element_size()]
        return torch.equal(a.contiguous().view(as_int), b.contiguous().view(as_int))

    return compare
