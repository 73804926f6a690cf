"""``python -m benchmarks --why``: where the time of sampled steps goes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.table import Table

from benchmarks.phases import TRAINING, clocked
from benchmarks.step_time import EAGER, FULL, MODULE, PLAIN, TENSOR, UNSAMPLED, trainings

STEPS, WARM_STEPS = 40, 12


def explain() -> Iterator[Table]:
    """One table for each way of sampling: milliseconds a step, by thread and phase."""
    for name in (UNSAMPLED, MODULE, TENSOR, FULL):
        with trainings(PLAIN, EAGER, name) as made:
            plain, eager = (_step_secs(made[peer].step) for peer in (PLAIN, EAGER))
            yield _table(name, made[name], plain, eager)


def _table(name: str, training: object, plain_secs: float, eager_secs: float) -> Table:
    step, run = training.step, training.module.ortviz  # type: ignore[attr-defined]
    for _ in range(WARM_STEPS):
        step()
    run.flush()
    with clocked() as clocks:
        taken = _step_secs(step)
        run.flush()
    shown = Table(
        title=f"{name}: {taken * 1e3:.1f} ms a step (plain ORTModule {plain_secs * 1e3:.1f} ms, "
        f"eager PyTorch {eager_secs * 1e3:.1f} ms)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in ("thread", "phase", "ms a step"):
        shown.add_column(heading, justify="right" if heading == "ms a step" else "left")
    known = sum(secs for (thread, _), secs in clocks.secs.items() if thread == TRAINING)
    rows = [(key, secs / STEPS) for key, secs in clocks.secs.items()]
    rows.append(
        ((TRAINING, "the rest: loss, optimiser, ORTModule's Python"), taken - known / STEPS)
    )
    for (thread, phase), secs in sorted(rows, key=lambda row: (row[0][0] != TRAINING, -row[1])):
        if secs * 1e3 >= 0.005:
            shown.add_row(thread, phase, f"{secs * 1e3:.2f}")
    return shown


def _step_secs(step: object) -> float:
    began = time.perf_counter()
    for _ in range(STEPS):
        step()  # type: ignore[operator]
    return (time.perf_counter() - began) / STEPS
