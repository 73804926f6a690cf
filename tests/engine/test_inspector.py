"""``GraphInspector`` on live modules: five stages of a copy, and nothing of the module touched."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ortviz
from ortviz.errors import SourceError

pytestmark = pytest.mark.engine
STAGES = ["torch_exported", "post_processed", "optimized_pre_grad", "optimized", "execution_model"]


class Small(nn.Module):
    """Draws, counts batches, and calls a module twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.5)
        self.b = nn.Linear(8, 2)

    def forward(self, x, scale=None):
        y = self.b(self.drop(torch.relu(self.norm(self.a(x)))))
        return y if scale is None else y * scale


@pytest.fixture(autouse=True)
def runs_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("ORTVIZ_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def inspected():
    """A module in eval mode with gradients and hooks, before and after it was exported."""
    torch.manual_seed(3)
    model = Small()
    model(torch.randn(5, 4)).sum().backward()
    model.eval()
    model.norm.train()
    seen: list[str] = []
    model.a.register_forward_hook(lambda *given: seen.append("forward"))
    model.register_full_backward_hook(lambda *given: seen.append("backward"))
    x = torch.randn(5, 4, requires_grad=True)
    before = state_of(model, x)
    inspector = ortviz.GraphInspector(model, x, scale=torch.tensor(2.0))
    after = state_of(model, x)
    return inspector, before, after, seen


def state_of(model, x):
    return {
        "state": {name: value.clone() for name, value in model.state_dict().items()},
        "grads": {name: p.grad.clone() for name, p in model.named_parameters()},
        "modes": [module.training for module in model.modules()],
        "hooks": [[*m._forward_hooks, *m._backward_hooks] for m in model.modules()],
        "attributes": [sorted(vars(module)) for module in model.modules()],
        "torch": torch.get_rng_state().clone(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].copy(),
        "input": (x.detach().clone(), x.grad),
        "grad_mode": torch.is_grad_enabled(),
    }


def equal(left, right):
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return left == right


def test_a_module_is_shown_as_a_run_with_five_stages(inspected):
    inspector, *_ = inspected
    assert list(inspector.stages) == [("training", stage) for stage in STAGES]
    assert inspector.graph == ["training", "execution_model"]
    assert inspector.run_path.endswith("Small.ortviz")
    run = inspector._opened
    assert [module.name for module in run.info.modules] == ["", "a", "norm", "drop", "b"]
    assert run.info.modules[1].type_name == "Linear"
    modules = {node.module for node in inspector.stages["execution_model"].record.nodes}
    assert {"a", "norm", "drop", "b"} <= modules
    assert inspector.structure.groups[0].label == "forward"


@pytest.mark.parametrize(
    "what",
    ["state", "grads", "modes", "hooks", "attributes", "torch", "python", "numpy", "input"],
)
def test_nothing_of_the_module_is_touched(inspected, what):
    _, before, after, seen = inspected
    assert equal(before[what], after[what])
    assert seen == []


def test_orts_generator_draws_nothing(inspected):
    """Training with dropout goes on as if nobody had looked."""

    other = Small()

    def trained(*, look: bool) -> torch.Tensor:
        torch.manual_seed(7)
        model = ortviz.wrap(Small(), every=1000, verify="never")
        x = torch.randn(5, 4)
        losses = []
        for step in range(4):
            if look and step == 2:
                ortviz.GraphInspector(other, x)
            loss = model(x).sum()
            loss.backward()
            losses.append(loss.detach())
        model.ortviz.close()
        return torch.stack(losses)

    assert torch.equal(trained(look=False), trained(look=True))


def test_the_temporary_run_goes_with_the_inspector():
    inspector = ortviz.GraphInspector(nn.Linear(2, 2), torch.ones(1, 2), name="my model")
    path = Path(inspector.run_path)
    assert path.is_file()
    assert inspector.name == "my model"
    inspector.close()
    del inspector
    gc.collect()
    assert not path.parent.exists()


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.rnn(x)[0])


def test_what_ortmodule_cannot_train_shows_the_stages_that_came_out():
    inspector = ortviz.GraphInspector(Recurrent(), torch.randn(5, 2, 3))
    assert [stage for _, stage in inspector.stages] == STAGES[:3]
    payload, _ = inspector._opened.answer("graphs", {})
    assert "has no gradient for it" in payload["notes"][0]
    assert payload["first"] == {"mode": "training", "stage": "optimized_pre_grad"}


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("not today")


def test_a_module_without_any_graph_is_refused_with_the_reason():
    with pytest.raises(SourceError, match=r"Broken has no graph.*not today"):
        ortviz.GraphInspector(Broken(), torch.ones(2))


def test_wrapped_models_show_their_run():
    model = ortviz.wrap(Small())
    waiting = ortviz.GraphInspector(model)
    assert waiting.graph == []
    with pytest.raises(ortviz.errors.UnknownNameError, match="There is no graph yet"):
        _ = waiting.structure
    model(torch.randn(5, 4)).sum().backward()
    assert len(ortviz.GraphInspector(model).stages) == 5
    assert waiting.run_path == str(model.ortviz.path)
    model.ortviz.close()


def test_other_ortmodules_show_what_they_saved(tmp_path):
    from onnxruntime.training.ortmodule import DebugOptions, ORTModule

    with pytest.raises(SourceError, match=r"it saves no graphs.*ortviz\.wrap"):
        ortviz.GraphInspector(ORTModule(Small()))
    saving = ORTModule(
        Small(), DebugOptions(save_onnx=True, onnx_prefix="mine", save_path=str(tmp_path))
    )
    with pytest.raises(SourceError, match=r"no graph of it in .* yet.*call it once"):
        ortviz.GraphInspector(saving)
    saving(torch.randn(5, 4))
    inspector = ortviz.GraphInspector(saving)
    assert [stage for _, stage in inspector.stages] == STAGES
    assert inspector.onnx_path == str(tmp_path / "mine_execution_model_training.onnx")


def test_a_part_of_a_training_graph_runs_in_onnx_runtime(inspected, tmp_path):
    import onnxruntime

    inspector, *_ = inspected
    nodes = inspector.stages["execution_model"].record.nodes
    wanted = [node.index for node in nodes if node.module == "b" and node.half.value == "forward"]
    part = inspector.extract(wanted, tmp_path / "b.onnx")
    session = onnxruntime.InferenceSession(str(part.path), providers=["CPUExecutionProvider"])
    feeds = {
        each.name: np.ones([size if isinstance(size, int) else 5 for size in each.shape], "float32")
        for each in session.get_inputs()
    }
    (made, *_) = session.run(None, feeds)
    assert made.shape == (5, 2)
