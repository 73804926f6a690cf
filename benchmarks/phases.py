"""Where the time of a recorded step goes: clocks around ortviz's own functions."""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

TRAINING, RECORDER = "training thread", "recorder's thread"

PHASES: tuple[tuple[str, str], ...] = (
    ("ONNX Runtime, forward", "ortviz.capture.taps:Taps.run_forward"),
    ("ONNX Runtime, backward", "ortviz.capture.taps:Taps.run_backward"),
    ("copies of ORT's inputs and gradients", "ortviz.capture.taps:Taps._copy_feeds"),
    ("copies of ORT's inputs and gradients", "ortviz.capture.taps:read_gradients"),
    ("values inside modules", "ortviz.capture.readings:Readings.reduce"),
    ("eager PyTorch, forward", "ortviz.capture.shadow:run_forward"),
    ("eager PyTorch, backward", "ortviz.capture.shadow:run_backward"),
    ("eager PyTorch, getting ready", "ortviz.capture.shadow:Shadow._sync"),
    ("inputs and weights", "ortviz.capture.observer:StepObserver._note_start"),
    ("statistics", "ortviz.capture.records:tensor_stats"),
    ("statistics", "ortviz.capture.readings:tensor_stats"),
    ("records of both sides", "ortviz.capture.observer:assemble"),
    ("whether to look deeper, and looking", "ortviz.capture.deep:DeepSteps.look"),
    ("watching for the loss", "ortviz.capture.loss_watch:LossWatch.open"),
    ("watching for the loss", "ortviz.capture.loss_watch:LossWatch.close"),
    ("watching for the loss", "ortviz.capture.loss_watch:LossWatch._leave"),
    ("the loss of the step", "ortviz.capture.observer:StepObserver._hand_over_loss"),
    ("handing over", "ortviz.session.recorder:Recorder.captured"),
    ("comparison", "ortviz.compare.steps:Comparer.compare"),
    ("three losses", "ortviz.session.worker:step_losses"),
    ("detectors", "ortviz.session.worker:Worker._look"),
    ("writing", "ortviz.session.worker:Worker._write"),
    ("writing", "ortviz.session.worker:Worker._store_state"),
)
"""What a phase is called, and a function whose time, calls of other phases left out, it is."""


@dataclass(slots=True)
class Clocks:
    """Seconds by thread and phase.

    Attributes:
        secs: Of the training thread wall time, waiting for the recorder's included; of the
            recorder's thread the processor's.
    """

    secs: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    _open: threading.local = field(default_factory=threading.local)

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a clock around it."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            training = threading.current_thread() is threading.main_thread()
            if training or not threading.current_thread().name.startswith("ortviz-recorder"):
                thread, now = TRAINING, time.perf_counter
            else:
                thread, now = RECORDER, time.thread_time
            stack: list[float] = self._open.__dict__.setdefault("inner", [])
            stack.append(0.0)
            began = now()
            try:
                return function(*args, **kwargs)
            finally:
                taken = now() - began
                self.secs[thread, phase] += taken - stack.pop()
                if stack:
                    stack[-1] += taken

        return call


@contextmanager
def clocked() -> Iterator[Clocks]:
    """Put clocks around all phases while the block runs."""
    clocks = Clocks()
    undo: list[tuple[Any, str, Any]] = []
    try:
        for phase, where in PHASES:
            module, _, path = where.partition(":")
            *owners, name = path.split(".")
            owner = functools.reduce(getattr, owners, importlib.import_module(module))
            original = getattr(owner, name)
            undo.append((owner, name, original))
            setattr(owner, name, clocks.timed(phase, original))
        yield clocks
    finally:
        for owner, name, original in reversed(undo):
            setattr(owner, name, original)
