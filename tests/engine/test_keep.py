"""Whole tensors of real steps: kept, and made anew by running the step again."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ortviz
from ortviz.api import Settings, attach_eager
from ortviz.errors import CaptureError, UnknownNameError
from ortviz.record import KeepRules, Side
from ortviz.session.run import Run
from tests.engine.families import BY_NAME, FAMILIES, Transformer, prediction

pytestmark = pytest.mark.engine

EVERYTHING = ("*/*",)


def train(
    model: nn.Module, family: str, steps: int = 3, rerun_at: Iterable[int] = (), **options: object
) -> Run:
    """Train a family's model under ortviz; its run, closed."""
    torch.manual_seed(0)
    wrapped = ortviz.wrap(model, **options)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    generator = torch.Generator().manual_seed(1)
    run: Run = wrapped.ortviz  # type: ignore[assignment]
    for step in range(steps):
        result = prediction(wrapped(BY_NAME[family].batch(generator)))
        nn.functional.mse_loss(result, torch.zeros_like(result)).backward()
        optimizer.step()
        optimizer.zero_grad()
        if step in rerun_at:
            run.steps[step].rerun(model)
    run.close()
    return run


def different(first: np.ndarray, second: np.ndarray) -> bool:
    return (
        first.dtype != second.dtype
        or first.shape != second.shape
        or first.tobytes() != second.tobytes()
    )


@pytest.mark.parametrize("level", ["module", "tensor"])
@pytest.mark.parametrize("family", [family.name for family in FAMILIES])
def test_a_rerun_is_bit_for_bit_what_was_kept(tmp_path: Path, family: str, level: str) -> None:
    model = BY_NAME[family].build()
    run = train(
        model, family, path=tmp_path / "run.ortviz", keep=EVERYTHING, rerun=True, level=level
    )
    assert run.problems == ()
    step = run.steps[1]
    again = step.rerun(model)
    assert again.why_no_ort == ""
    assert again.differing == ()
    kept = step.kept
    captured = [seen for seen in (*step.record.reference, *step.record.candidate) if seen.stats]
    # Parameters are shared by both sides, so they are there once.
    assert len(kept) == len(captured)
    wrong = [
        (each.side.value, each.site_id)
        for each in kept
        if different(again.tensor(each.site_id, each.side), step.tensor(each.site_id, each.side))
    ]
    assert wrong == []
    assert {each.side for each in kept} == set(Side)
    assert [v.verdict for v in again.compare().sites] == [v.verdict for v in step.compare().sites]


def test_a_new_model_of_the_same_architecture_does(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    train(Transformer(), "transformer", path=path, keep="forward/blocks.1*", rerun=True)
    with ortviz.load(path) as run:
        step = run.steps[2]
        again = step.rerun(Transformer(), ort=False)
        assert again.differing == ()
        assert len(step.kept) > 10
        for each in step.kept:
            if each.side is Side.REFERENCE:
                kept = step.tensor(each.site_id, "eager")
                assert not different(again.tensor(each.site_id, "eager"), kept)
        with pytest.raises(UnknownNameError, match="ORT's side of step 2 did not run again"):
            again.tensor("forward/head#out0")


def state_of(model: nn.Module) -> dict[str, object]:
    return {
        "values": [(name, value.clone()) for name, value in model.state_dict().items()],
        "ids": [id(value) for value in (*model.parameters(), *model.buffers())],
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "needs": [p.requires_grad for p in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "hooks": [len(module._forward_hooks) for module in model.modules()],
        "random": (random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()),
        "threads": torch.get_num_threads(),
        "keys": [sorted(vars(module)) for module in model.modules()],
    }


def same(first: object, second: object) -> bool:
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


@pytest.mark.parametrize("family", ["cnn_batchnorm", "transformer"])
def test_a_rerun_changes_nothing_of_the_model(tmp_path: Path, family: str) -> None:
    model = BY_NAME[family].build()
    run = train(model, family, path=tmp_path / "run.ortviz", rerun=True)
    ran: list[int] = []
    model.register_forward_hook(lambda *_: ran.append(1))
    model.eval()
    before = state_of(model)
    with torch.no_grad():
        run.steps[0].rerun(model)
        assert not torch.is_grad_enabled()
    after = state_of(model)
    assert [key for key in before if not same(before[key], after[key])] == []
    assert ran == []


@pytest.mark.parametrize("family", ["dropout", "cnn_batchnorm"])
def test_a_rerun_in_the_middle_does_not_disturb_training(tmp_path: Path, family: str) -> None:
    """ORT's generator of dropout masks, which can be seeded but not read, goes on as it was."""
    torch.manual_seed(3)
    first = BY_NAME[family].build()
    second = copy.deepcopy(first)
    train(first, family, steps=6, path=tmp_path / "a.ortviz", rerun=True)
    train(second, family, steps=6, rerun_at=(1, 3), path=tmp_path / "b.ortviz", rerun=True)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize("level", ["module", "tensor"])
@pytest.mark.parametrize("family", ["dropout", "cnn_batchnorm", "transformer"])
def test_kept_steps_do_not_disturb_training(tmp_path: Path, family: str, level: str) -> None:
    torch.manual_seed(3)
    plain = BY_NAME[family].build()
    kept = copy.deepcopy(plain)
    train(plain, family, steps=5, path=tmp_path / "a.ortviz", every=100)
    options = {"keep": EVERYTHING, "histograms": EVERYTHING, "rerun": True, "level": level}
    train(kept, family, steps=5, path=tmp_path / "b.ortviz", **options)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, kept.state_dict()[name]), name


class Nested(nn.Module):
    """Nested arguments, a switch, a frozen part, one in evaluation mode, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.drop = nn.Dropout(0.5)
        self.second = nn.Linear(6, 3)

    def forward(
        self, pair: list[torch.Tensor], *, scale: float = 1.0, extra: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.first(pair[0] * scale + pair[1]) + extra["bias"]
        x = self.drop(torch.tanh(self.frozen(x)))
        return self.second(x), x


def test_nested_arguments_flags_and_missing_gradients_come_back(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Nested()
    wrapped = ortviz.wrap(
        model, path=tmp_path / "run.ortviz", keep=("forward/*", "*_grad/*"), rerun=True
    )
    for _ in range(2):
        first = torch.randn(5, 4, requires_grad=True)
        pair, extra = [first, torch.randn(5, 4)], {"bias": torch.randn(6)}
        result, _ = wrapped(pair, extra=extra)
        result.sum().backward()
        with torch.no_grad():
            # Whatever becomes of the inputs afterwards, the step had the ones it had.
            for tensor in (*pair, *extra.values()):
                tensor.zero_()
    run = wrapped.ortviz
    again = run.steps[1].rerun(model)
    run.close()
    assert (again.why_no_ort, again.differing) == ("", ())
    kept = run.steps[1].kept
    assert {each.site_id for each in kept} >= {"forward/second#out0", "parameter_grad/first#weight"}
    assert "parameter_grad/frozen#weight" not in {each.site_id for each in kept}
    for each in kept:
        made = again.tensor(each.site_id, each.side)
        assert not different(made, run.steps[1].tensor(each.site_id, each.side)), each


def test_autocast_and_bfloat16(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    # ONNX Runtime's CPU kernels know no bfloat16.
    rules = KeepRules(("forward/*",), reruns=True)
    settings = Settings(path=tmp_path / "run.ortviz", keep=rules)
    run = attach_eager(model, settings, "autocast on a CPU").run
    for _ in range(2):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result = model(torch.randn(8, 4))
        result.float().sum().backward()
    run.close()
    step = run.steps[1]
    again = step.rerun(model, ort=False)
    assert again.differing == ()
    eager = [each for each in step.kept if each.side is Side.REFERENCE]
    assert "bfloat16" in {each.dtype for each in eager}
    for each in eager:
        made = again.tensor(each.site_id, "eager")
        assert not different(made, step.tensor(each.site_id, "eager"))
        assert made.dtype == np.float32


class Square(torch.autograd.Function):
    """Runs as Python code in ORT's graph where this torch and ORT can do that."""

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)  # type: ignore[attr-defined]
        return x * x

    @staticmethod
    def backward(ctx: object, gradient: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return 2 * x * gradient


class Squared(nn.Module):
    """Calls a custom autograd Function between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(Square.apply(self.first(x)))


def test_a_custom_function_runs_again(tmp_path: Path) -> None:
    model = Squared()
    wrapped = ortviz.wrap(model, path=tmp_path / "run.ortviz", keep=EVERYTHING, rerun=True)
    for _ in range(3):
        wrapped(torch.randn(8, 4)).sum().backward()
    run = wrapped.ortviz
    run.close()
    step = run.steps[1]
    again = step.rerun(model)
    assert (again.why_no_ort, again.differing) == ("", ())
    for each in step.kept:
        made = again.tensor(each.site_id, each.side)
        assert not different(made, step.tensor(each.site_id, each.side)), each


class Noisy(nn.Module):
    """Draws random numbers that are no dropout, and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + torch.rand_like(x)


def test_other_randomness_comes_back_on_the_eager_side_only(tmp_path: Path) -> None:
    model = Noisy()
    wrapped = ortviz.wrap(model, path=tmp_path / "run.ortviz", keep="forward/*", rerun=True)
    for _ in range(2):
        wrapped(torch.randn(8, 4)).sum().backward()
    run = wrapped.ortviz
    run.close()
    again = run.steps[1].rerun(model)
    kept = run.steps[1].tensor("forward/#out0", "eager")
    assert not different(again.tensor("forward/#out0", "eager"), kept)
    assert "draws random numbers anew" in again.why_no_ort


class Drifting(nn.Module):
    """What it computes depends on more than what is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.factor = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * self.factor


def test_a_step_that_comes_out_differently_says_so(tmp_path: Path) -> None:
    model = Drifting()
    wrapped = ortviz.wrap(model, path=tmp_path / "run.ortviz", rerun=True)
    wrapped(torch.randn(8, 4)).sum().backward()
    run = wrapped.ortviz
    run.close()
    model.factor = 2.0
    again = run.steps[0].rerun(model)
    assert ("forward/#out0", "eager") in again.differing
    assert ("forward/layer#out0", "eager") not in again.differing
    assert "differ from the record" in repr(again)


def test_another_model_is_refused(tmp_path: Path) -> None:
    run = train(BY_NAME["mlp"].build(), "mlp", path=tmp_path / "run.ortviz", rerun=True)
    step = run.steps[0]
    with pytest.raises(CaptureError, match=r"parameter 0\.weight is \(8, 5\), recorded was"):
        step.rerun(nn.Sequential(nn.Linear(5, 8)))
    with pytest.raises(CaptureError, match=r"the parameter 1\.1\.weight \(8, 8\) that was"):
        step.rerun(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    larger = BY_NAME["mlp"].build()
    larger.add_module("more", nn.Linear(2, 2))
    with pytest.raises(CaptureError, match=r"its parameter more\.weight was not in"):
        step.rerun(larger)
    with pytest.raises(CaptureError, match=r"run again with a torch\.nn\.Module"):
        step.rerun("model")  # type: ignore[arg-type]


def test_a_step_that_was_not_kept_says_how_to(tmp_path: Path) -> None:
    model = BY_NAME["mlp"].build()
    run = train(model, "mlp", path=tmp_path / "a.ortviz")
    with pytest.raises(UnknownNameError, match="rerun=True"):
        run.steps[1].rerun(model)
    with pytest.raises(UnknownNameError, match=r"keep='forward/0#out0' to ortviz\.wrap"):
        run.steps[1].tensor("forward/0#out0")
    assert not run.steps[1].can_rerun
    run = train(BY_NAME["mlp"].build(), "mlp", path=tmp_path / "b.ortviz", rerun=True)
    with pytest.raises(UnknownNameError, match=r"run\.steps\[1\]\.rerun\(model\)"):
        run.steps[1].tensor("forward/0#out0")
    with pytest.raises(UnknownNameError, match="Similar ones are forward/2#out0"):
        run.steps[1].tensor("forward/22#out0")
    with pytest.raises(UnknownNameError, match="The sides are ort and eager"):
        run.steps[1].tensor("forward/0#out0", "torch")


def test_an_argument_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    class Options:
        factor = 2.0

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor, options: Options) -> torch.Tensor:
            return self.layer(x) * options.factor

    settings = Settings(path=tmp_path / "run.ortviz", keep=KeepRules(reruns=True))
    model = Model()
    attached = attach_eager(model, settings, "no ORT here")
    model(torch.randn(2, 4), Options()).sum().backward()
    attached.run.close()
    (problem,) = attached.run.problems
    assert "Options" in problem.what
    assert "cannot be re-run later" in problem.what
    assert not attached.run.steps[0].can_rerun


def test_a_fallback_step_runs_again_eagerly(tmp_path: Path) -> None:
    model = BY_NAME["dropout"].build()
    rules = KeepRules(("forward/*",), reruns=True)
    attached = attach_eager(model, Settings(path=tmp_path / "r.ortviz", keep=rules), "no ORT here")
    for _ in range(2):
        model(torch.randn(8, 4)).sum().backward()
    attached.run.close()
    step = attached.run.steps[1]
    again = step.rerun(model)
    assert again.why_no_ort == "ORTModule ran this step in eager PyTorch."
    # Its dropout draws from torch's generator, whose state was kept.
    kept = step.tensor("forward/2#out0", "eager")
    assert not different(again.tensor("forward/2#out0", "eager"), kept)


def test_histograms_are_kept_and_counted_anew(tmp_path: Path) -> None:
    run = train(
        BY_NAME["mlp"].build(),
        "mlp",
        path=tmp_path / "run.ortviz",
        histograms="backward/*",
        keep="forward/*",
        rerun=True,
    )
    step = run.steps[2]
    found = step.histogram("backward/0#out0", "eager")
    assert len(found.counts) == 64
    assert found.element_count == 64
    assert step.histogram("forward/0#out0", bins=7).counts == tuple(
        np.histogram(step.tensor("forward/0#out0").astype(np.float64), 7)[0]
    )
    with pytest.raises(UnknownNameError, match="has 64 bins"):
        step.histogram("backward/0#out0", "eager", bins=5)
    again = step.rerun(BY_NAME["mlp"].build(), ort=False)
    assert again.histogram("backward/0#out0", "eager", bins=64) == found
