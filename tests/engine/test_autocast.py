"""torch.autocast around a wrapped model: what works, and what is said where ORT cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz._compat import ensure_ortmodule
from ortviz.capture import finish, wrap_module
from ortviz.capture.autocast import AutocastState
from ortviz.compare import compare_step
from ortviz.findings import FindingsEngine
from ortviz.record import Direction, EventKind, SiteStatus, Verdict
from tests.engine.families import BY_NAME, Convolutional, mlp
from tests.engine.sinks import ListSink, statuses

pytestmark = pytest.mark.engine


class Outside(nn.Module):
    """LayerNorm, which ORT cannot run under autocast, taken out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 32)
        self.norm = nn.LayerNorm(32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x)
        with torch.autocast("cpu", enabled=False):
            return self.norm(hidden.float())


class Elementwise(nn.Module):
    """Only operations that autocast leaves in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x * self.weight)


def train(module: nn.Module, dtype: torch.dtype, steps: int = 2) -> None:
    x = torch.randn(8, 4)
    for _ in range(steps):
        with torch.autocast("cpu", dtype=dtype):
            result = module(x)
        result.float().square().mean().backward()


@pytest.mark.parametrize(
    ("build", "dtype"),
    [
        (mlp, torch.float16),
        (Outside, torch.float16),
        (Elementwise, torch.float16),
        (Elementwise, torch.bfloat16),
        (BY_NAME["lstm"].build, torch.bfloat16),
    ],
)
def test_both_sides_autocast(
    tmp_path: Path, build: Callable[[], nn.Module], dtype: torch.dtype
) -> None:
    torch.manual_seed(4)
    sink = ListSink()
    model = build()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    if isinstance(next(model.children(), None), nn.LSTM):
        for _ in range(2):
            with torch.autocast("cpu", dtype=dtype):
                wrapped(torch.randn(4, 6, 4)).square().mean().backward()
    else:
        train(wrapped, dtype)
    finish(wrapped)
    assert not sink.problems
    for capture in sink.captures:
        assert capture.record.autocast == str(dtype).removeprefix("torch.")
        compared = compare_step(capture)
        assert compared.first_divergence == {}, compared.first_divergence
        judged = {Verdict.EQUAL, Verdict.ROUNDING}
        grads = [s for s in compared.sites if s.site.direction is Direction.PARAMETER_GRAD]
        assert grads
        assert {site.verdict for site in grads} <= judged


def test_the_eager_side_computes_in_the_same_dtypes(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(Convolutional(), sink, name="m", every=1, save_dir=tmp_path)
    with torch.autocast("cpu", dtype=torch.float16):
        wrapped(torch.randn(4, 3, 8, 8))["scores"].sum().backward()
    finish(wrapped)
    record = sink.captures[0].record

    def dtypes(side: tuple) -> dict[str, str]:
        return {
            seen.site.id: seen.stats.dtype
            for seen in side
            if seen.status is SiteStatus.CAPTURED and seen.site.direction is Direction.FORWARD
        }

    ours, theirs = dtypes(record.reference), dtypes(record.candidate)
    assert "float16" in ours.values()
    # What ORTModule returns: its session casts nothing back that nobody reads.
    assert theirs.pop("forward/#out0") == "float32"
    assert {site: ours[site] for site in theirs} == theirs


def test_autocast_is_found_again_wherever_the_shadow_runs() -> None:
    with torch.autocast("cpu", dtype=torch.float16):
        state = AutocastState.now()
        outer = AutocastState.now()
    assert state.on("cpu") == "float16"
    assert state.on("cuda") == ""
    x = torch.randn(2, 2)
    with state.restored():
        assert (x @ x).dtype is torch.float16
        assert not torch.is_autocast_cache_enabled()
    assert (x @ x).dtype is torch.float32
    assert torch.is_autocast_cache_enabled()
    with torch.autocast("cpu", dtype=torch.bfloat16), AutocastState(()).restored():
        assert (x @ x).dtype is torch.float32
    assert outer == state


def test_the_users_cache_of_cast_weights_is_not_used(tmp_path: Path) -> None:
    """Otherwise a second step under one `with` would meet the first step's weights."""
    torch.manual_seed(4)
    sink = ListSink()
    model = nn.Linear(4, 2)
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=5.0)
    with torch.autocast("cpu", dtype=torch.float16):
        for _ in range(3):
            wrapped(torch.ones(3, 4)).float().sum().backward()
            optimizer.step()
    finish(wrapped)
    assert all(compare_step(capture).first_divergence == {} for capture in sink.captures)


@pytest.mark.parametrize(
    ("model", "remedy", "module"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), "autocast off", "1"),
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU()), "autocast off", "0"),
    ],
)
def test_what_ort_cannot_do_is_said_with_what_to_do(
    tmp_path: Path, model: nn.Module, remedy: str, module: str
) -> None:
    sink = ListSink()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path, on_failure="eager")
    train(wrapped, torch.bfloat16)
    finish(wrapped)
    assert not sink.problems
    fallbacks = [event for event in sink.events if event.kind is EventKind.FALLBACK]
    assert [event.module for event in fallbacks] == [module]
    assert [capture.record.fallback for capture in sink.captures] == [True, True]
    assert sink.info is not None
    (finding,) = FindingsEngine(sink.info).on_event(fallbacks[0])
    assert remedy in finding.remedy
    assert "autocast" in finding.explanation


def test_where_ortmodule_raises_so_does_the_wrapped_one(tmp_path: Path) -> None:
    plain = ensure_ortmodule().ORTModule(mlp())
    wrapped = wrap_module(mlp(), ListSink(), name="m", every=1, save_dir=tmp_path)
    messages = []
    for module in (plain, wrapped):
        with pytest.raises(Exception, match="NOT_IMPLEMENTED") as caught:
            train(module, torch.bfloat16)
        messages.append((type(caught.value), str(caught.value)))
    assert messages[0] == messages[1]


def test_autocast_around_the_loss_alone(tmp_path: Path) -> None:
    torch.manual_seed(4)
    sink = ListSink()
    model = mlp()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    for _ in range(2):
        output = wrapped(torch.randn(8, 4))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            nn.L1Loss()(output @ torch.eye(2), torch.zeros(8, 2)).backward()
    finish(wrapped)
    assert not sink.problems
    for capture in sink.captures:
        assert capture.record.autocast == ""
        assert compare_step(capture).first_divergence == {}


@pytest.mark.skipif(
    ensure_ortmodule().plan.custom_autograd, reason="this torch's export cannot run it either"
)
def test_eager_pytorch_that_cannot_run_the_model_is_no_fault_of_the_recording(
    tmp_path: Path,
) -> None:
    """Eager PyTorch has no float16 LSTM on a CPU, ORT runs it in float32."""
    sink = ListSink()
    wrapped = wrap_module(BY_NAME["lstm"].build(), sink, name="m", every=1, save_dir=tmp_path)
    for _ in range(2):
        with torch.autocast("cpu", dtype=torch.float16):
            result = wrapped(torch.randn(4, 6, 4))
        result.float().sum().backward()
    finish(wrapped)
    (problem,) = sink.problems
    assert "eager PyTorch cannot run the model as it is called here" in problem.what
    assert len(sink.captures) == 2
    statuses_seen = statuses(sink.captures[1])
    assert statuses_seen["forward/#out0"] is SiteStatus.CAPTURED
    assert statuses_seen["parameter_grad/head#weight"] is SiteStatus.CAPTURED
