"""Exports after the first one: when, why, and what happens where ORTModule does not look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz.capture import finish, wrap_module
from ortviz.compare import compare_step
from ortviz.findings import FindingsEngine
from ortviz.record import EventKind, Mode, Stage
from tests.engine.families import BY_NAME
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine

BUILD_CHECKED = "SKIP_CHECK_DISABLED"
SESSION_CHECKED = "SKIP_CHECK_BUILD_GRADIENT|SKIP_CHECK_DEVICE"


class Adaptive(nn.Module):
    """Takes what it is given: an optional tensor, a number, a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, 2)

    def forward(
        self,
        x: torch.Tensor,
        other: torch.Tensor | None = None,
        scale: float = 1.0,
        extra: dict[str, torch.Tensor] | None = None,
    ) -> torch.Tensor:
        hidden = self.first(x) * scale
        if other is not None:
            hidden = hidden + self.second(other)
        if extra is not None:
            hidden = hidden + extra["a"].float()
        return self.head(self.drop(torch.relu(hidden)))


class Trained:
    """A watched model and what was told of its steps."""

    def __init__(self, folder: Path, model: nn.Module | None = None) -> None:
        torch.manual_seed(2)
        self.sink = ListSink()
        self.model = model or Adaptive()
        self.wrapped = wrap_module(self.model, self.sink, name="m", every=1, save_dir=folder)

    def step(self, *args: object, **kwargs: object) -> list[str]:
        """One step; what ORTModule was seen to make for it."""
        told = len(self.sink.events)
        self.wrapped(*args, **kwargs).sum().backward()
        events = self.sink.events[told:]
        assert all(event.kind is EventKind.EXPORT for event in events)
        assert all(event.step == self.sink.steps[-1] for event in events)
        return [event.message for event in events]

    def fine(self) -> bool:
        """No Problem, every step recorded and, by comparison, the same on both sides."""
        finish(self.wrapped)
        assert not self.sink.problems, self.sink.problems
        assert [capture.record.step for capture in self.sink.captures] == self.sink.steps
        return all(compare_step(c).first_divergence == {} for c in self.sink.captures)


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTMODULE_SKIPCHECK_POLICY", BUILD_CHECKED)


@pytest.fixture
def deterministic_off() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


AGAIN = "ORTModule exported the training graph again: "
BUILT = "ORTModule built the training graph again without a new export: "


@pytest.mark.usefixtures("checking")
def test_each_export_says_why(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    x = torch.randn(3, 4)
    assert trained.step(x) == ["ORTModule exported the training graph for the first time."]
    assert trained.step(torch.randn(2, 4)) == [], "a smaller batch needs no other graph"
    assert trained.step(x, other=x) == [f"{AGAIN}input other is new (float32 with 2 axes)."]
    assert trained.step(x) == [f"{AGAIN}input other is gone."]
    assert trained.step(x, scale=2.0) == [f"{AGAIN}input scale is new (float)."]
    assert trained.step(x, scale=3) == [f"{AGAIN}input scale was float and is int."]
    extra = {"a": torch.ones(4)}
    assert trained.step(x, None, 1, extra) == [
        f"{AGAIN}input extra['a'] is new (float32 with 1 axis)."
    ]
    assert trained.step(x, None, 1, {"a": torch.ones(4, dtype=torch.int64)}) == [
        f"{AGAIN}input extra['a'] was float32 with 1 axis and is int64 with 1 axis."
    ]
    assert trained.step(torch.randn(2, 3, 4))[0].startswith(
        f"{AGAIN}input x was float32 with 2 axes and is float32 with 3 axes; input "
    )
    trained.wrapped.note = "an attribute of the user's model"
    (message,) = trained.step(torch.randn(2, 3, 4))
    assert message.startswith(f"{AGAIN}an attribute of the model was set through the ORTModule")
    assert trained.fine()
    exported = [g for g in trained.sink.graphs if g.stage is Stage.TORCH_EXPORTED]
    assert [g.export_index for g in exported] == list(range(9))


@pytest.mark.usefixtures("checking")
def test_gradients_switched_on_and_off_build_another_graph(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    x = torch.randn(3, 4)
    trained.step(x)
    needing = x.clone().requires_grad_()
    assert trained.step(needing) == [f"{BUILT}input x needs a gradient."]
    assert needing.grad is not None
    assert trained.step(x) == [f"{BUILT}input x no longer needs a gradient."]
    trained.model.first.weight.requires_grad_(False)
    trained.model.zero_grad()
    assert trained.step(x) == [f"{BUILT}parameter first.weight no longer needs a gradient."]
    assert trained.model.first.weight.grad is None
    trained.model.first.weight.requires_grad_(True)
    assert trained.step(x) == [f"{BUILT}parameter first.weight needs a gradient again."]
    assert trained.model.first.weight.grad is not None
    assert trained.fine()


@pytest.mark.usefixtures("deterministic_off")
def test_a_new_session_is_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTMODULE_SKIPCHECK_POLICY", SESSION_CHECKED)
    trained = Trained(tmp_path)
    trained.step(torch.randn(3, 4))
    torch.use_deterministic_algorithms(True)
    (message,) = trained.step(torch.randn(3, 4))
    assert message.startswith("ORTModule made a new session for the training graph: ")
    assert message.endswith("torch.use_deterministic_algorithms was switched on.")
    assert trained.fine()
    assert {g.export_index for g in trained.sink.graphs} == {0}


@pytest.mark.usefixtures("checking")
def test_taps_follow_the_new_graph(tmp_path: Path) -> None:
    """`second` is not in the first graph; once it is, its tensors are read from it."""
    trained = Trained(tmp_path)
    x = torch.randn(3, 4)
    trained.step(x)
    trained.step(x, other=x)
    assert trained.fine()
    before, after = (compare_step(capture) for capture in trained.sink.captures)
    assert "forward/second#out0" not in {
        site.site.id for site in before.sites if site.max_abs_error is not None
    }
    found = {site.site.id: site.max_abs_error for site in after.sites}
    assert found["forward/second#out0"] is not None
    assert found["backward/second#out0"] is not None
    assert found["parameter_grad/second#weight"] is not None


def test_by_default_ortmodule_does_not_look_and_the_step_says_so(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    x = torch.randn(3, 4)
    trained.step(x)
    assert trained.step(x, other=x) == []
    assert trained.step(x.clone().requires_grad_()) == []
    trained.model.drop.eval()
    assert trained.step(x) == []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        trained.step(x)
    trained.model.drop.train()
    trained.step(x)
    finish(trained.wrapped)
    assert [capture.record.unseen_changes for capture in trained.sink.captures] == [
        (),
        ("input other is new (float32 with 2 axes)",),
        ("input x needs a gradient",),
        ("module drop was put into eval mode",),
        ("module drop was put into eval mode", "autocast was off and is bfloat16 on cpu"),
        (),
    ]
    assert not trained.sink.problems
    diverged = [bool(compare_step(c).first_divergence) for c in trained.sink.captures]
    assert diverged[1], "ORT's graph does not know the new input"
    assert diverged[3], "ORT's graph still drops"
    assert not diverged[0]
    assert not diverged[5]


def test_changed_shapes_need_no_other_graph(tmp_path: Path) -> None:
    """The last, smaller batch; sequences of other lengths; back again."""
    family = BY_NAME["transformer"]
    trained = Trained(tmp_path, family.build())
    assert len(trained.step(torch.randint(0, 11, (4, 5)))) == 1
    for shape in ((2, 5), (1, 5), (4, 9), (3, 1), (4, 5)):
        assert trained.step(torch.randint(0, 11, shape)) == []
        record = trained.sink.captures[-1].record
        assert record.unseen_changes == ()
        seen = {r.site.id: r.stats for r in record.candidate}["forward/embedding#out0"]
        assert seen is not None
        assert seen.shape == (*shape, 16)
    assert trained.fine()


@pytest.mark.usefixtures("checking")
def test_eval_mode_has_exports_of_its_own(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    x = torch.randn(3, 4)
    trained.step(x)
    with torch.no_grad():
        trained.wrapped(x)
        trained.wrapped.eval()
        trained.wrapped(x, other=x)
    trained.wrapped.train()
    trained.step(x)
    assert [event.message for event in trained.sink.events[1:]] == [
        "ORTModule exported the inference graph for the first time.",
        "ORTModule exported the inference graph again: input other is new (float32 with 2 axes).",
    ]
    assert trained.fine()
    modes = [g.mode for g in trained.sink.graphs if g.stage is Stage.EXECUTION_MODEL]
    assert modes == [Mode.TRAINING, Mode.INFERENCE, Mode.INFERENCE]


def test_modules_that_ortmodule_puts_into_training_mode_are_named(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 2))
    model[1].eval()
    trained = Trained(tmp_path, model)
    assert model[1].training, "by building the ORTModule"
    model[2].eval()
    trained.wrapped(torch.randn(5, 4)).sum().backward()
    assert model[2].training, "by the export"
    told = [(event.step, event.module) for event in trained.sink.events if event.module]
    assert told == [(0, "1"), (0, "2")]
    assert trained.sink.info is not None
    engine = FindingsEngine(trained.sink.info)
    found = [each for event in trained.sink.events for each in engine.on_event(event)]
    assert [each.title for each in found] == [
        "ORTModule put 1 (Dropout) into training mode, though it was in eval mode",
        "ORTModule put 2 (BatchNorm1d) into training mode, though it was in eval mode",
    ]
