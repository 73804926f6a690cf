"""What `import ortviz` gives, and what it does not bring along."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import ortviz
from ortviz.errors import EnvironmentProblem, StoreError, WrapError

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {
    "GraphInspector",
    "Run",
    "Tolerance",
    "__version__",
    "errors",
    "last_run",
    "load",
    "load_ipython_extension",
    "losses",
    "runs",
    "unload_ipython_extension",
    "unwrap",
    "wrap",
}


def python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names_are_these_and_all_of_them_are_there() -> None:
    assert set(ortviz.__all__) == PUBLIC
    assert set(dir(ortviz)) == PUBLIC
    for name in PUBLIC:
        assert getattr(ortviz, name) is not None
    assert ortviz.wrap.__doc__
    with pytest.raises(AttributeError, match="no attribute 'rap'"):
        ortviz.rap  # noqa: B018


def test_import_brings_nothing_heavy_along() -> None:
    modules = "{'torch', 'onnxruntime', 'onnx', 'numpy', 'plotly', 'anywidget', 'sqlite3', 'rich'}"
    assert python(f"import sys, ortviz; print(sorted({modules} & set(sys.modules)))") == "[]"


def test_importing_changes_nothing_of_torchs() -> None:
    code = (
        "import torch, inspect\n"
        "seed, export = torch.manual_seed, torch.onnx.export\n"
        "import ortviz; ortviz.wrap, ortviz.Run, ortviz.losses.MapeLoss\n"
        "print(torch.manual_seed is seed, torch.onnx.export is export)"
    )
    assert python(code) == "True True"


def test_losses_and_files_work_without_onnx_runtime(tmp_path: Path) -> None:
    code = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('onnxruntime', 'torch'):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
sys.path.insert(0, {str(ROOT / "tests" / "unit" / "session")!r})
import pathlib, ortviz
from conftest import Make, QuietEngine
from ortviz.session.recorder import Recorder
make = Make()
recorder = Recorder(pathlib.Path({str(tmp_path / "r.ortviz")!r}), engine=QuietEngine())
recorder.started(make.info())
recorder.captured(make.capture(0))
recorder.observed(make.observation(0))
recorder.close()
run = ortviz.load({str(tmp_path / "r.ortviz")!r})
print(run.steps, run.losses.at(0).candidate.mae, run.figures.losses() is not None)
try:
    ortviz.wrap(object())
except ortviz.errors.EnvironmentProblem as problem:
    print(problem)
"""
    text = python(code)
    assert "<1 sampled step: 0> 0.5 True" in text
    assert "PyTorch cannot be imported" in text
    assert "ortviz doctor" in text


class TestBadInput:
    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("ORTVIZ_RUNS", str(tmp_path / "runs"))
        yield
        assert not (tmp_path / "runs").exists(), "a refused model left a run behind"

    @pytest.mark.parametrize(
        ("model", "words"),
        [
            ("a name", "a torch.nn.Module, and this is .*str"),
            (nn.Linear, "this is .*class Linear"),
            (torch.ones(2), "this is .*Tensor"),
            (None, "this is .*NoneType"),
            (nn.DataParallel(nn.Linear(2, 2)), r"ortviz\.wrap\(model\.module\)"),
        ],
    )
    def test_what_is_no_model(self, model: Any, words: str) -> None:
        with pytest.raises(WrapError, match=words):
            ortviz.wrap(model)

    @pytest.mark.parametrize("every", [0, -1, 1.5, "2", True, None])
    def test_every(self, every: Any) -> None:
        with pytest.raises(WrapError, match="every is a whole number of steps from 1 up"):
            ortviz.wrap(nn.Linear(2, 2), every=every)

    @pytest.mark.parametrize("level", ["tensors", "", None, 2])
    def test_level(self, level: Any) -> None:
        with pytest.raises(WrapError, match=r'no level .*level="module" reads .*level="tensor"'):
            ortviz.wrap(nn.Linear(2, 2), level=level)

    def test_total_steps(self) -> None:
        with pytest.raises(WrapError, match="total_steps is a whole number"):
            ortviz.wrap(nn.Linear(2, 2), total_steps=0)

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StoreError, match=r"cannot be recorded at .*run\.ortviz"):
            ortviz.wrap(nn.Linear(2, 2), path=tmp_path / "file" / "run.ortviz")
        with pytest.raises(StoreError, match="it is a folder"):
            ortviz.wrap(nn.Linear(2, 2), path=tmp_path)

    def test_no_onnx_runtime(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise EnvironmentProblem("onnxruntime-training is not installed.", "Install it.")

        monkeypatch.setattr("ortviz._compat.ortmodule._api", None)
        monkeypatch.setattr("ortviz._compat.ortmodule.check_requirements", refuse)
        before = os.environ.copy()
        with pytest.raises(EnvironmentProblem, match=r"not installed\. Install it\. `ortviz doct"):
            ortviz.wrap(nn.Linear(2, 2), strict=True)
        assert os.environ == before

    def test_unwrap_of_what_was_not_wrapped(self) -> None:
        with pytest.raises(WrapError, match="This Linear was not wrapped by ortviz"):
            ortviz.unwrap(nn.Linear(2, 2))

    def test_load_of_what_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="There is no run file"):
            ortviz.load(tmp_path / "nothing.ortviz")
