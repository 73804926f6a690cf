"""`ortviz.wrap` with real ORTModule: the run beside the model."""

from __future__ import annotations

import copy
import gc
import tempfile
import threading
from pathlib import Path

import pytest
import torch
from onnx import load_from_string
from torch import nn

import ortviz
from ortviz.errors import WrapError
from ortviz.record import RunStatus

pytestmark = pytest.mark.engine


class NotExportable(nn.Module):
    """The exporter has nothing for torch.special.i0."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, 4) -> (batch, 2)."""
        return torch.special.i0(self.fc(x))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTVIZ_RUNS", str(tmp_path / "runs"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def train(model: nn.Module, steps: int) -> None:
    for _ in range(steps):
        model(torch.ones(3, 4)).abs().mean().backward()


def test_the_run_is_an_attribute_of_the_wrapped_model_only(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    wrapped = ortviz.wrap(model, every=2, total_steps=4)
    from onnxruntime.training.ortmodule import ORTModule

    assert isinstance(wrapped, ORTModule)
    run = wrapped.ortviz
    assert isinstance(run, ortviz.Run)
    assert not hasattr(model, "ortviz")
    assert ortviz.last_run() is run
    assert ortviz.runs["Sequential"] is run
    assert list(wrapped.state_dict()) == list(model.state_dict())
    train(wrapped, 4)
    assert list(run.steps) == [0, 2]
    assert run.steps[2].compare().sites
    graph = load_from_string(run.graphs["execution_model"].model_bytes).graph
    assert any(node.op_type == "YieldOp" for node in graph.node)
    assert len(run.graphs) == 5
    assert run.path is not None
    assert run.path.parent == tmp_path / "runs"
    assert ortviz.unwrap(wrapped) is model
    assert run.status is RunStatus.ENDED
    train(wrapped, 1)
    assert run.state.step_count == 4
    assert not [t.name for t in threading.enumerate() if t.name.startswith("ortviz")]


def test_a_model_that_nobody_holds_any_more_ends_its_run(tmp_path: Path) -> None:
    wrapped = ortviz.wrap(nn.Linear(4, 2), name="forgotten")
    train(wrapped, 2)
    run = wrapped.ortviz
    del wrapped
    gc.collect()
    assert run.status is RunStatus.ENDED
    run.close()
    assert len(run.steps) == 2
    assert list((tmp_path / "tmp").glob("ortviz-onnx-*")) == []


def test_wrapping_again_says_where_the_run_is() -> None:
    wrapped = ortviz.wrap(nn.Linear(4, 2))
    with pytest.raises(WrapError, match=r"Its run is model\.ortviz"):
        ortviz.wrap(wrapped)
    ortviz.unwrap(wrapped)


def test_the_second_run_of_a_path_takes_a_free_name(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        wrapped = ortviz.wrap(nn.Linear(4, 2), path=tmp_path / "mine.ortviz")
        names.append(wrapped.ortviz.path.name)
        ortviz.unwrap(wrapped)
    assert names == ["mine.ortviz", "mine-2.ortviz"]


def test_a_run_is_no_value_that_is_copied() -> None:
    wrapped = ortviz.wrap(nn.Linear(4, 2))
    train(wrapped, 1)
    run = wrapped.ortviz
    assert copy.deepcopy({"run": run})["run"] is run
    ortviz.unwrap(wrapped)


def test_strict_raises_where_ortmodule_would_go_on_silently() -> None:
    model = NotExportable()
    wrapped = ortviz.wrap(model)
    train(wrapped, 2)
    assert [event.kind.value for event in wrapped.ortviz.events].count("fallback") == 1
    ortviz.unwrap(wrapped)
    strict = ortviz.wrap(model, strict=True)
    with pytest.raises(Exception, match="i0"):
        train(strict, 1)
    ortviz.unwrap(strict)
