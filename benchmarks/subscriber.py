"""ONNX Runtime's own ``StatisticsSubscriber`` beside a sampled step of ortviz, on one model.

The subscriber calls custom autograd functions, which ONNX Runtime runs up to torch 2.6 only:
``python -m benchmarks.subscriber`` of ``.venv-torch24`` measures, and prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.row import Row

if TYPE_CHECKING:
    from torch import nn

ROUNDS, STEPS = 8, 5
PYTHON = Path(__file__).parents[1] / ".venv-torch24" / "bin" / "python"
LEVELS = ("module", "tensor")
_TIMEOUT_SECS = 600


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of running a step.

    Attributes:
        step_secs: Lower quartile of the wall time of a step.
        tensor_count: Tensors of which a step leaves statistics.
    """

    step_secs: float
    tensor_count: int


def measure() -> Iterator[Row]:
    """One row a level: what ortviz adds to a plain step, by what the subscriber adds to it."""
    found = _in_other_environment()
    if found is None:
        return
    plain, peer = found["plain"], found["subscriber"]
    added = peer.step_secs - plain.step_secs
    for level in LEVELS:
        own = found[level]
        yield Row(
            what=f"what a sampled step adds, {level} level, eager side included",
            peer="ORT's StatisticsSubscriber",
            ratio=(own.step_secs - plain.step_secs) / added,
            limit=None,
            detail=f"{own.step_secs / plain.step_secs:.1f} plain steps for {own.tensor_count} "
            f"tensors, against {peer.step_secs / plain.step_secs:.1f} for {peer.tensor_count}; "
            "torch 2.4.1",
        )


def _in_other_environment() -> dict[str, Measured] | None:
    if not PYTHON.exists():
        print("The StatisticsSubscriber needs torch 2.4.1: run `make test-torch24` once.")
        return None
    done = subprocess.run(
        [str(PYTHON), "-m", "benchmarks.subscriber"],
        cwd=PYTHON.parents[2],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECS,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return {name: Measured(**values) for name, values in answer.items()}


def measure_here() -> dict[str, Measured]:
    """Time all ways in turns, in this process.

    Returns:
        ``plain`` (ORTModule alone), ``subscriber``, and one for each level of ortviz.

    Raises:
        RuntimeError: ONNX Runtime runs no custom autograd functions with this torch.
    """
    import ortviz
    from benchmarks.transformer import Training, model
    from ortviz._compat import ensure_ortmodule

    api: Any = ensure_ortmodule()
    if not api.plan.custom_autograd:
        raise RuntimeError(f"torch {api.torch_version} is too new; {PYTHON} has the right one.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            "plain": api.ORTModule(model(), api.DebugOptions(log_level=api.LogLevel.ERROR)),
            "subscriber": api.ORTModule(
                subscribed(model(), folder / "statistics"),
                api.DebugOptions(log_level=api.LogLevel.ERROR),
            ),
            **{
                level: ortviz.wrap(model(), path=folder / f"{level}.ortviz", level=level)
                for level in LEVELS
            },
        }
        trainings = {way: Training(module) for way, module in ways.items()}
        secs: dict[str, list[float]] = {way: [] for way in ways}
        for round_number in range(ROUNDS + 1):
            for way, training in trainings.items():
                taken = _time(training)
                # The first round exports, compiles and checks.
                secs[way] += taken if round_number else []
        counts = {"plain": 0, "subscriber": _files(folder / "statistics")}
        for level in LEVELS:
            run = ways[level].ortviz
            run.close()
            counts[level] = _captured(run)
    return {
        way: Measured(statistics.quantiles(taken)[0], counts[way]) for way, taken in secs.items()
    }


def subscribed(module: nn.Module, folder: Path) -> nn.Module:
    """Give a module the subscriber, as ORT's documentation does."""
    from onnxruntime.training.utils.hooks import GlobalSubscriberManager, StatisticsSubscriber

    subscriber = StatisticsSubscriber(output_dir=str(folder), override_output_dir=True)
    GlobalSubscriberManager.subscribe(module, [subscriber])
    return module


def _time(training: Any) -> list[float]:
    secs = []
    for _ in range(STEPS):
        began = time.perf_counter()
        training.step()
        secs.append(time.perf_counter() - began)
    run = vars(training.module).get("ortviz")
    if run is not None:
        run.flush()
    return secs


def _files(folder: Path) -> int:
    """Tensors of the last step, one file each besides the list of them."""
    last = max(folder.iterdir(), key=lambda step: int(step.name.removeprefix("step_")))
    return sum(file.name != "order.txt" for file in last.iterdir())


def _captured(run: Any) -> int:
    """Tensors of ORT's run that the last step has statistics of, inputs and weights left out."""
    record = run.steps[max(run.steps)].record
    left_out = {"input", "parameter", "buffer"}
    return sum(
        seen.stats is not None and seen.site.direction.value not in left_out
        for seen in record.candidate
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        measured = measure_here()
    print(json.dumps({way: asdict(values) for way, values in measured.items()}))
    sys.exit(0)
