"""Steps as capture hands them over, made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.record import (
    Direction,
    Finding,
    GraphRecord,
    Half,
    LossObservation,
    Mode,
    ModuleRecord,
    NodeRecord,
    ParameterRecord,
    RunInfo,
    Severity,
    Site,
    SiteRecord,
    SiteStatus,
    Stage,
    StepCapture,
    StepRecord,
    TensorStats,
)
from ortviz.session.recorder import Recorder


def stats(array: np.ndarray) -> TensorStats:
    finite = array[np.isfinite(array)].astype(np.float64)
    return TensorStats(
        shape=array.shape,
        dtype="float32",
        element_count=array.size,
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        mean=float(finite.mean()),
        std=float(finite.std()),
        l2_norm=float(np.linalg.norm(finite)),
        zero_count=int((array == 0).sum()),
        nan_count=0,
        posinf_count=0,
        neginf_count=0,
        first_nonfinite_index=None,
    )


@dataclass
class Make:
    """Makes what a sink is given."""

    def info(self, **more: Any) -> RunInfo:
        settings: dict[str, Any] = {
            "run_id": "0123456789abcdef",
            "name": "model",
            "created_unix_secs": 1.0,
            "every": 1,
            "engine": "ortmodule",
            "engine_reason": "",
            "versions": (("torch", "2.13.0"),),
            "modules": (
                ModuleRecord("", "Net", 0, training=True),
                ModuleRecord("fc", "Linear", 6, training=True),
            ),
            "parameters": (ParameterRecord("fc.weight", (2, 3), "float32", requires_grad=True),),
            **more,
        }
        return RunInfo(**settings)

    def capture(self, step: int, difference: float = 0.0, size: int = 6) -> StepCapture:
        reference = np.linspace(0.1, 1.0, size, dtype=np.float32)
        candidate = reference + np.float32(difference)
        site = Site(Direction.FORWARD, "fc", "out0")
        sides = [
            SiteRecord(site, 0, SiteStatus.CAPTURED, stats(values), module_type="Linear")
            for values in (reference, candidate)
        ]
        record = StepRecord(step, Mode.TRAINING, False, (sides[0],), (sides[1],))
        return StepCapture(record, {site.id: reference}, {site.id: candidate})

    def observation(self, step: int, size: int = 4) -> LossObservation:
        target = np.arange(1, size + 1, dtype=np.float32)
        return LossObservation(
            step, target + np.float32(0.5), target, "float32", 0.5, "mae", gradient=target * 0
        )

    def graph(self) -> GraphRecord:
        node = NodeRecord(0, "Gemm", "Gemm", "", ("x",), ("y",), Half.FORWARD, "fc", "output_name")
        return GraphRecord(
            Mode.TRAINING, Stage.EXECUTION_MODEL, (node,), (("Gemm", 1),), b"onnx bytes"
        )


class QuietEngine:
    """Finds one thing, at the steps it is told to."""

    def __init__(self, at: tuple[int, ...] = ()) -> None:
        self.at = at

    def on_started(self) -> list[Finding]:
        return []

    def on_step(self, record: StepRecord, comparison: object) -> list[Finding]:
        if record.step not in self.at:
            return []
        return [
            Finding("k", "test", Severity.WARNING, "title", "evidence", "why", "do", record.step)
        ]

    def on_losses(self, losses: object) -> list[Finding]:
        return []

    def on_graph(self, graph: object) -> list[Finding]:
        return []

    def on_event(self, event: object) -> list[Finding]:
        return []


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def engine() -> type[QuietEngine]:
    return QuietEngine


@pytest.fixture
def start(tmp_path: Path, make: Make) -> Any:
    """A recorder that has begun; closed at the end of the test."""
    begun: list[Recorder] = []

    def started(**more: Any) -> Recorder:
        more.setdefault("engine", QuietEngine())
        every = more.pop("every", 1)
        recorder = Recorder(more.pop("path", tmp_path / "run.ortviz"), **more)
        recorder.started(make.info(every=every))
        begun.append(recorder)
        return recorder

    yield started
    for recorder in begun:
        recorder.close(10.0)
