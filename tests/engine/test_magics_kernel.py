"""The magics with real ORTModule in a real kernel."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engine

SETUP = """
%load_ext ortviz
import threading
import torch
import ortviz
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
criterion = torch.nn.L1Loss()

def train(model, steps=3):
    for _ in range(steps):
        loss = criterion(model(torch.ones(2, 4)), torch.ones(2, 2))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()
"""


@pytest.fixture(scope="module")
def notebook(kernel: Any) -> Any:
    kernel.run(SETUP, timeout_secs=120)
    return kernel


def test_in_the_cell_it_is_an_ortmodule_afterwards_the_original_trained(notebook: Any) -> None:
    notebook.run("original, before = model, model[0].weight.detach().clone()")
    text = notebook.run_text(
        "%%ortviz model --every 5 --total 20\n"
        "from onnxruntime.training.ortmodule import ORTModule\n"
        "inside, alias = isinstance(model, ORTModule), model\n"
        "train(model, 20)\ninside"
    )
    assert text.strip().endswith("True")
    text = notebook.run_text(
        "print(model is original, alias is original, (model[0].weight != before).any().item())\n"
        "run = ortviz.runs['model']\n"
        "print(run, list(run.steps), len(run.graphs), run.problems)\n"
        "print([t.name for t in threading.enumerate() if t.name.startswith('ortviz')])\n"
        "print(len(model._forward_hooks), train(model, 2) < 1e9)"
    )
    assert "True True True" in text
    assert "<Run 'model': ended, 20 steps" in text
    assert "[0, 5, 10, 15] 5 ()" in text
    assert "[]\n0 True" in text


def test_nodes_are_timed_when_asked(notebook: Any) -> None:
    notebook.run("%%ortviz model --node-times\ntrain(model.train(), 2)")
    text = notebook.run_text("print(ortviz.last_run().node_times)")
    assert "Gemm" in text
    assert "on what step 0 was fed (cpu, median of 20 runs)" in text


def test_training_mode_is_the_models_own(notebook: Any) -> None:
    notebook.run("model.eval()")
    text = notebook.run_text(
        "%%ortviz model\nprint('inside', model.training)\nmodel.train()\ntrain(model, 1)"
    )
    assert "inside False" in text
    assert "True" in notebook.run_text("model.training, model[1].training")
    text = notebook.run_text(
        "%%ortviz model\ntrain(model, 1)\nmodel.eval()\n"
        "with torch.no_grad(): print(model(torch.ones(1, 4)).shape)"
    )
    assert "torch.Size([1, 2])" in text
    assert "(False, False)" in notebook.run_text("model.training, model[1].training")
    assert "('inference', 'optimized')" in notebook.run_text("list(ortviz.last_run().graphs)")
    notebook.run("model.train()")


def test_a_cell_that_rebinds_the_variable_keeps_its_own_value(notebook: Any) -> None:
    notebook.run("import copy; keep = model")
    notebook.run("%%ortviz model\ntrain(model, 1)\nmodel = torch.nn.Linear(4, 2)")
    assert "Linear" in notebook.run_text("type(model).__name__")
    notebook.run("model = keep")
    notebook.run("%%ortviz model\nmodel = model.train()")
    assert "True" in notebook.run_text("model is keep")


def test_wrap_and_unwrap_beyond_one_cell(notebook: Any) -> None:
    notebook.run("%ortviz wrap model --every 2 --name kept")
    notebook.run("train(model, 4)")
    text = notebook.run_text("print(type(model).__name__, model.ortviz, list(model.ortviz.steps))")
    assert "ORTModule <Run 'kept': live, 4 steps" in text
    assert "[0, 2]" in text
    text = notebook.run_text("%%ortviz model\nprint('ran', train(model, 1) < 1e9)")
    assert "already an ORTModule by ortviz. Its run is model.ortviz." in text
    assert "ran True" in text
    assert "Wrote report.html" in notebook.run_text("%ortviz report model report.html")
    notebook.run("%ortviz unwrap model")
    text = notebook.run_text("print(model is keep, ortviz.runs['kept'].status)")
    assert "True ended" in text


REFUSED = """
class Refused(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.RNN(4, 2, batch_first=True)
    def forward(self, x):
        return self.rnn(x[:, None])[0][:, 0]
refused = Refused()
optimizer = torch.optim.SGD(refused.parameters(), lr=0.01)
"""


def test_a_model_that_ort_cannot_run_trains_on_and_says_so(notebook: Any) -> None:
    notebook.run(REFUSED)
    text = notebook.run_text("%%ortviz refused\nprint('trained', train(refused, 3) < 1e9)")
    assert "trained True" in text
    assert "runs in eager PyTorch, not in ONNX Runtime" in text
    assert "3 steps" in notebook.run_text("ortviz.last_run()")
    assert "fallback" in notebook.run_text("[f.detector for f in ortviz.last_run().findings]")


def test_strict_stops_at_a_model_that_ort_cannot_run(notebook: Any) -> None:
    text = notebook.run_text(
        "%%ortviz refused --strict\ntrain(refused, 3)\nreached = True", ok=False
    )
    assert "ONNX Runtime cannot train this model" in text
    assert "Use a module whose gradient ORT has (nn.LSTM or nn.GRU" in text
    assert text.count("ONNX Runtime cannot train this model") == 1
    assert "False" in notebook.run_text("'reached' in globals()")
    assert "Refused ended" in notebook.run_text(
        "print(type(refused).__name__, ortviz.last_run().status)"
    )


STRANGE = """
import dataclasses

@dataclasses.dataclass
class Batch:
    x: torch.Tensor

class TakesBatch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 2)
    def forward(self, batch):
        return self.fc(batch.x)

strange = TakesBatch()
optimizer = torch.optim.SGD(strange.parameters(), lr=0.01)
before = strange.fc.weight.detach().clone()
"""


def test_inputs_that_ortmodule_refuses_train_on_and_say_so(notebook: Any) -> None:
    notebook.run(STRANGE)
    text = notebook.run_text(
        "%%ortviz strange\nfor _ in range(3):\n"
        "    loss = criterion(strange(Batch(torch.ones(2, 4))), torch.ones(2, 2))\n"
        "    loss.backward(); optimizer.step(); optimizer.zero_grad()\n"
        "print('changed', (strange.fc.weight != before).any().item())"
    )
    assert "changed True" in text
    assert "runs in eager PyTorch, not in ONNX Runtime" in text
    text = notebook.run_text(
        "run = ortviz.last_run(); print(run, run.losses.arrays().mae.shape, run.problems)"
    )
    assert "3 steps" in text
    assert "(3,)" in text


def test_targets_without_a_ratio_are_noted_and_training_goes_on(notebook: Any) -> None:
    notebook.run("model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())")
    notebook.run(
        "%%ortviz model\nclasses = torch.nn.CrossEntropyLoss()\n"
        "classes(model(torch.ones(2, 4)), torch.tensor([0, 2])).backward()\n"
        "criterion(model(torch.ones(2, 4))[:0], torch.ones(0, 3)).backward()"
    )
    text = notebook.run_text(
        "losses = [ortviz.last_run().losses.at(step) for step in (0, 1)]\n"
        "print([one.note for one in losses], [one.candidate.user_loss for one in losses])"
    )
    assert "CrossEntropyLoss" in text
    assert "without elements" in text


def test_variables_of_the_notebook_in_the_header(notebook: Any) -> None:
    notebook.run("STEPS = 3")
    notebook.run("%%ortviz model --total $STEPS --name {'x' + 'y'}\npass")
    assert "xy 3" in notebook.run_text(
        "print(ortviz.last_run().name, ortviz.last_run().state.total_steps)"
    )
