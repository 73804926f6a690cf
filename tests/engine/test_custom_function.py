"""A custom ``autograd.Function`` in the model: run by ORT in Python, or said to be lost."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import ortviz
from ortviz._compat import ensure_ortmodule
from ortviz.record import Direction, Finding, Severity, Verdict
from ortviz.session.run import Run

pytestmark = pytest.mark.engine

RUNS_THEM = ensure_ortmodule().plan.custom_autograd
in_python = pytest.mark.skipif(not RUNS_THEM, reason="ORT runs custom Functions up to torch 2.6")
inlined = pytest.mark.skipif(RUNS_THEM, reason="here ORT runs custom Functions in Python")
AGREE = (Verdict.EQUAL, Verdict.ROUNDING)


class Clip(torch.autograd.Function):
    """Clips forward; backward is on purpose three times what that would give, and not clipped."""

    backward_count = 0

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-0.5, 0.5)

    @staticmethod
    def backward(ctx, gradient):
        Clip.backward_count += 1
        (x,) = ctx.saved_tensors
        return 3 * gradient + 0 * x


class Square(torch.autograd.Function):
    """Backward is what differentiating forward gives."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class Calls(nn.Module):
    """A module that calls one Function."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function.apply(x)


def model(function: type[torch.autograd.Function]) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), Calls(function), nn.Tanh(), nn.Linear(8, 2))


def train(wrapped: nn.Module, count: int = 3) -> list[torch.Tensor]:
    """Train and return the weights."""
    generator = torch.Generator().manual_seed(2)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
    for _ in range(count):
        optimizer.zero_grad()
        x = torch.randn(8, 4, generator=generator)
        nn.MSELoss()(wrapped(x), torch.ones(8, 2)).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in wrapped.parameters()]


@dataclass
class Trained:
    run: Run
    weights: list[torch.Tensor]


def watched(module: nn.Module, folder: Path, **options: object) -> Trained:
    wrapped = ortviz.wrap(module, path=folder / "run.ortviz", **options)
    weights = train(wrapped)
    run = wrapped.ortviz
    run.close()
    assert not run.problems, run.problems
    return Trained(run, weights)


def ignored(run: Run) -> list[Finding]:
    return [each for each in run.findings if each.detector == "ignored_backward"]


@in_python
def test_ort_runs_it_in_python_and_both_sides_agree(tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = watched(model(Clip), tmp_path).run
    operations = [node.op_type for node in run.graphs["execution_model"].record.nodes]
    assert "PythonOp" in operations
    assert "PythonOpGrad" in operations
    for step in range(3):
        comparison = run.steps[step].compare()
        for site in ("forward/0#out0", "forward/1#out0", "backward/1#out0", "backward/0#out0"):
            assert comparison[site].verdict in AGREE, (step, site, comparison[site])
        assert not comparison.first_divergence
    assert not run.findings


@in_python
def test_its_own_backward_is_the_one_that_runs(tmp_path: Path) -> None:
    torch.manual_seed(1)
    Clip.backward_count = 0
    run = watched(model(Clip), tmp_path).run
    # Once in ORT's run and once on the eager side, in each of three steps.
    assert Clip.backward_count >= 6
    values = {record.site.id: record.stats for record in run.steps[2].record.candidate}
    before, after = values["backward/1#out0"], values["backward/0#out0"]
    assert before is not None
    assert after is not None
    assert after.l2_norm == pytest.approx(3 * before.l2_norm, rel=1e-5)


@in_python
@pytest.mark.parametrize("every", [1, 2])
def test_training_with_it_is_not_disturbed(every: int, tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = model(Clip)
    plain = train(ensure_ortmodule().ORTModule(copy.deepcopy(module)))
    seen = watched(module, tmp_path, every=every).weights
    assert all(torch.equal(one, other) for one, other in zip(plain, seen, strict=True))


@inlined
def test_that_its_backward_is_lost_is_told_where_it_is_called(tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = watched(model(Clip), tmp_path).run
    (finding,) = ignored(run)
    assert finding.severity is Severity.ERROR
    assert finding.module == "1"
    assert (finding.first_step, finding.last_step) == (0, 2)
    assert "Clip" in finding.title
    assert "torch 2.4 to 2.6" in finding.remedy
    assert torch.__version__ in finding.remedy
    # What enters the module is the first gradient that the lost backward would have made.
    assert finding.site_id == "backward/0#out0"
    assert run.steps[0].compare().first_divergence[Direction.BACKWARD].id == "backward/0#out0"


@inlined
def test_a_backward_that_is_the_derivative_costs_nothing_and_is_told_mildly(tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = watched(model(Square), tmp_path).run
    (finding,) = ignored(run)
    assert finding.severity is Severity.WARNING
    assert "agree within rounding" in finding.evidence
    assert not run.steps[2].compare().first_divergence


class Between(nn.Module):
    """The root itself calls a Function, between two children, one of which calls another."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.inner = nn.Sequential(nn.Linear(4, 4), Calls(Clip))
        self.last = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.tanh(Square.apply(self.inner(self.first(x)))))


@inlined
def test_each_function_is_told_at_the_module_that_calls_it(tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = watched(Between(), tmp_path).run
    places = {(each.module, each.title.split(" of ")[1].split(" in ")[0]) for each in ignored(run)}
    assert places == {("", "Square"), ("inner.1", "Clip")}


def test_a_model_without_one_is_not_accused(tmp_path: Path) -> None:
    torch.manual_seed(1)
    run = watched(nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), tmp_path).run
    assert not ignored(run)
    assert not any(run.steps[number].record.functions for number in run.steps)
