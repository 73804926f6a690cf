"""Training steps with ortviz beside the same steps of plain ORTModule and of eager PyTorch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.row import Row
from benchmarks.turns import Times, Way, in_turns

if TYPE_CHECKING:
    from benchmarks.transformer import Training

ROUNDS, QUICK_ROUNDS = 15, 40
PLAIN, EAGER = "plain ORTModule", "eager PyTorch"
UNSAMPLED = "step that is not sampled"
MODULE = "sampled, module level, ORT's side with statistics"
TENSOR = "sampled, tensor level, ORT's side with statistics"
FULL = "sampled, both sides, compared and written"
FULL_TENSOR = "sampled, both sides, at the tensor level"
TENTH = "every 10th step sampled, both sides"

BARS: Mapping[str, tuple[float | None, tuple[str, ...]]] = {
    MODULE: (1.6, (PLAIN,)),
    TENSOR: (3.0, (PLAIN,)),
    FULL: (2.5, (PLAIN, EAGER)),
    FULL_TENSOR: (None, (PLAIN, EAGER)),
    TENTH: (None, (PLAIN,)),
}
"""What is asked of each, and of what the time is a multiple."""
ARGUMENTS: Mapping[str, Mapping[str, object]] = {
    UNSAMPLED: {"every": 10**9},
    MODULE: {"compare": False},
    TENSOR: {"compare": False, "level": "tensor"},
    FULL: {},
    FULL_TENSOR: {"level": "tensor"},
    TENTH: {"every": 10},
}
"""Of ``ortviz.wrap``."""


def measure() -> Iterator[Row]:
    """One row for steps that are not sampled, one for each way of sampling."""
    with trainings(PLAIN, UNSAMPLED) as both:
        times = in_turns(ways(both, 20), QUICK_ROUNDS)
        yield _row(times, UNSAMPLED, 1.02, (PLAIN,))
    with trainings(PLAIN, EAGER, *BARS) as all_of_them:
        times = in_turns(ways(all_of_them, 10), ROUNDS)
        for what, (limit, peers) in BARS.items():
            yield _row(times, what, limit, peers)


@contextmanager
def trainings(*names: str) -> Iterator[dict[str, Training]]:
    """The same model trained in several ways, each past its export and its first checks."""
    import ortviz
    from benchmarks.transformer import Training, model
    from ortviz._compat import ensure_ortmodule

    api = ensure_ortmodule()
    made: dict[str, Training] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(names):
            if name == PLAIN:
                options = api.DebugOptions(log_level=api.LogLevel.ERROR)
                made[name] = Training(api.ORTModule(model(), options))
            elif name == EAGER:
                made[name] = Training(model())
            else:
                path = Path(folder) / f"{number}.ortviz"
                wrapped = ortviz.wrap(model(), path=path, **ARGUMENTS[name])  # type: ignore[arg-type]
                made[name] = Training(wrapped)
            for _ in range(3):
                made[name].step()
        yield made
        for training in made.values():
            run = vars(training.module).get("ortviz")
            if run is not None:
                run.close()


def ways(of: Mapping[str, Training], step_count: int) -> dict[str, Way]:
    """Each training's steps; those of ortviz until all is in the file."""
    found = {}
    for name, training in of.items():
        run = vars(training.module).get("ortviz")
        settle = (lambda: None) if run is None else run.flush
        found[name] = Way(training.step, settle, step_count)
    return found


def _row(times: Times, what: str, limit: float | None, peers: tuple[str, ...]) -> Row:
    from benchmarks.transformer import BATCH, BLOCKS, LENGTH, WIDTH

    ratio = times.ratio(what, *peers)
    others = " + ".join(f"{times.median(peer) * 1e3:.1f}" for peer in peers)
    return Row(
        what=what,
        peer=" + ".join(peers),
        ratio=ratio.median,
        limit=limit,
        detail=f"{times.median(what) * 1e3:.1f} ms against {others} ms; half of "
        f"{len(times.by_way[what])} rounds between {ratio.low:.2f} and {ratio.high:.2f}; "
        f"transformer of {BLOCKS} blocks, {BATCH} × {LENGTH} × {WIDTH}",
    )


if __name__ == "__main__":
    for row in measure():
        print(f"{row.what}: {row.ratio:.2f} of {row.peer}, {row.verdict} ({row.detail})")
