"""ONNX Runtime's own ``StatisticsSubscriber`` beside sampled steps of ortviz, on one model.

The subscriber calls custom autograd functions, which ONNX Runtime runs up to torch 2.6 only. So the
times are taken by ``python -m benchmarks.subscriber`` of ``.venv-torch24``, in one process and in
turns; it prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.row import Row

if TYPE_CHECKING:
    from torch import nn

ROUNDS, STEPS = 8, 5
PLAIN, SUBSCRIBER = "plain", "subscriber"
SAMPLED: Mapping[str, Mapping[str, object]] = {
    "module level, ORT's side": {"compare": False},
    "tensor level, ORT's side": {"compare": False, "level": "tensor"},
    "tensor level, both sides": {"level": "tensor"},
}
"""Ways of sampling every step, and the arguments of ``ortviz.wrap``."""
BAR = "tensor level, ORT's side"
ROOT = Path(__file__).parents[1]
PYTHON_VARIABLE = "ORTVIZ_TORCH24_PYTHON"
"""Names the Python of such an environment that lies elsewhere."""
PYTHON = Path(os.environ.get(PYTHON_VARIABLE, ROOT / ".venv-torch24" / "bin" / "python"))
_PEER = "what ORT's StatisticsSubscriber adds"
_TIMEOUT_SECS = 900


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of running a step.

    Attributes:
        secs: Wall time of a step, one mean for each round.
        tensor_count: Tensors of which a step leaves statistics.
    """

    secs: list[float]
    tensor_count: int


def measure() -> Iterator[Row]:
    """What sampling adds to a plain step by what the subscriber adds, and how many tensors."""
    if not PYTHON.exists():
        why = "needs torch 2.4.1: run `make test-torch24` once"
        yield Row(f"what sampling adds, {BAR}", _PEER, None, 0.1, why)
        return
    found = _in_other_environment()
    plain, peer = found[PLAIN], found[SUBSCRIBER]
    for way in SAMPLED:
        own = found[way]
        shares = [
            (ours - base) / (theirs - base)
            for ours, theirs, base in zip(own.secs, peer.secs, plain.secs, strict=True)
        ]
        yield Row(
            what=f"what sampling adds, {way}",
            peer=_PEER,
            ratio=statistics.median(shares),
            limit=0.1 if way == BAR else None,
            detail=f"{_multiple(own, plain)} of a plain step against {_multiple(peer, plain)}, "
            f"medians of {ROUNDS} rounds; torch 2.4.1",
        )
    yield Row(
        what="tensors ORT's StatisticsSubscriber covers",
        peer=f"tensors of a sampled step, {BAR}",
        ratio=peer.tensor_count / found[BAR].tensor_count,
        limit=0.5,
        detail=f"{peer.tensor_count} against {found[BAR].tensor_count}; "
        + ", ".join(f"{way} {found[way].tensor_count}" for way in SAMPLED if way != BAR),
    )


def _multiple(way: Measured, plain: Measured) -> str:
    ratio = statistics.median(ours / base for ours, base in zip(way.secs, plain.secs, strict=True))
    return f"{ratio:.1f} times"


def _in_other_environment() -> dict[str, Measured]:
    done = subprocess.run(
        [str(PYTHON), "-m", "benchmarks.subscriber"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECS,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{PYTHON} -m benchmarks.subscriber failed:\n{done.stderr[-2000:]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return {name: Measured(**values) for name, values in answer.items()}


def measure_here() -> dict[str, Measured]:
    """Time all ways in turns, in this process.

    Returns:
        ``plain`` (ORTModule alone), ``subscriber``, and each of :data:`SAMPLED`.

    Raises:
        RuntimeError: ONNX Runtime runs no custom autograd functions with this torch.
    """
    import ortviz
    from benchmarks.transformer import Training, model
    from benchmarks.turns import Way, in_turns
    from ortviz._compat import ensure_ortmodule

    api: Any = ensure_ortmodule()
    if not api.plan.custom_autograd:
        raise RuntimeError(f"torch {api.torch_version} is too new; {PYTHON} has the right one.")
    quiet = api.DebugOptions(log_level=api.LogLevel.ERROR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        modules: dict[str, Any] = {
            PLAIN: api.ORTModule(model(), quiet),
            SUBSCRIBER: api.ORTModule(subscribed(model(), folder / "statistics"), quiet),
        }
        for number, (way, arguments) in enumerate(SAMPLED.items()):
            modules[way] = ortviz.wrap(model(), path=folder / f"{number}.ortviz", **arguments)  # type: ignore[arg-type]
        runs = {way: module.ortviz for way, module in modules.items() if way in SAMPLED}
        ways = {}
        for way, module in modules.items():
            settle = runs[way].flush if way in runs else lambda: None
            ways[way] = Way(Training(module).step, settle, STEPS)
        times = in_turns(ways, ROUNDS)
        counts = {PLAIN: 0, SUBSCRIBER: _files(folder / "statistics")}
        for way, run in runs.items():
            run.close()
            counts[way] = _seen(run)
    return {way: Measured(times.by_way[way], counts[way]) for way in ways}


def subscribed(module: nn.Module, folder: Path) -> nn.Module:
    """Give a module the subscriber, as ORT's documentation does."""
    from onnxruntime.training.utils.hooks import GlobalSubscriberManager, StatisticsSubscriber

    subscriber = StatisticsSubscriber(output_dir=str(folder), override_output_dir=True)
    GlobalSubscriberManager.subscribe(module, [subscriber])
    return module


def _files(folder: Path) -> int:
    """Tensors of the last step, one file each besides the list of them."""
    last = max(folder.iterdir(), key=lambda step: int(step.name.removeprefix("step_")))
    return sum(file.name != "order.txt" for file in last.iterdir())


def _seen(run: Any) -> int:
    """Tensors that ORT's run made and the last step has statistics of."""
    record = run.steps[max(run.steps)].record
    not_made = {"input", "parameter", "buffer"}
    return sum(
        seen.stats is not None and seen.site.direction.value not in not_made
        for seen in record.candidate
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        measured = measure_here()
    print(json.dumps({way: asdict(values) for way, values in measured.items()}))
