"""The answer to ``summary``, which is also pushed while live: bounded whatever the run's length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ortviz.protocol.codec import Buffers, wire_float
from ortviz.protocol.messages import ProblemRow, SummaryView
from ortviz.protocol.wire import LossName
from ortviz.record import Finding, Problem, Side, StepLosses
from ortviz.record.store import LOSS_NAMES, SIDES, LossBins, RunState
from ortviz.views.cells import float_column, int_column
from ortviz.views.findings import finding_counts, finding_marks, problem_rows
from ortviz.views.losses import has_values

SPARK_POINTS = 200
"""Bins of the small loss curve."""
MAX_SAMPLED_STEPS = 2000
MAX_MARKS = 500
MAX_PROBLEMS = 20
MAX_DETAIL_CHARS = 2000

_CANDIDATE = SIDES.index(Side.CANDIDATE)


def summary_view(
    state: RunState,
    sampled_steps: NDArray[np.int64],
    sampled_step_count: int,
    spark: LossBins,
    newest: StepLosses | None,
    findings: Sequence[Finding],
    problems: Sequence[Problem],
    buffers: Buffers,
    shown_steps: NDArray[np.int64] | None = None,
) -> SummaryView:
    """Where the run stands.

    Args:
        state: As the writer last said.
        sampled_steps: int64 (step), ascending; thinned where there are very many,
            the first and the last among them.
        sampled_step_count: How many there are in all.
        spark: The whole run's losses in at most :data:`SPARK_POINTS` bins.
        newest: The newest losses; None before the first.
        findings: All of the run.
        problems: All of the run, oldest first; the newest are shown.
        buffers: Takes the columns.
        shown_steps: The recorded steps that can be asked for, where that is not all of them.
    """
    shown = sampled_steps if shown_steps is None else shown_steps
    loss = spark_loss(spark, newest)
    place = LOSS_NAMES.index(loss)
    return {
        "status": state.status.value,
        "latest_step": state.latest_step,
        "step_count": state.step_count,
        "total_steps": state.total_steps,
        "steps_per_sec": wire_float(state.steps_per_sec),
        "sampled_step_count": sampled_step_count,
        "latest_sampled_step": int(sampled_steps[-1]) if len(sampled_steps) else None,
        "sampled_steps": int_column(buffers, thinned(shown, MAX_SAMPLED_STEPS)),
        "spark_steps": int_column(buffers, spark.steps),
        "spark_min": float_column(buffers, spark.minimum[_CANDIDATE, place]),
        "spark_max": float_column(buffers, spark.maximum[_CANDIDATE, place]),
        "spark_loss": loss,
        "finding_counts": finding_counts(findings),
        "finding_marks": finding_marks(findings, MAX_MARKS),
        "problems": _newest_problems(problems),
    }


def spark_loss(spark: LossBins, newest: StepLosses | None) -> LossName:
    """The loss the user trains with, by its own curve where it is one of the three; else MAE."""
    seen = newest.candidate or newest.reference if newest else None
    trained: dict[str, LossName] = {"mae": "mae", "mape": "mape", "smape": "smape"}
    if seen is not None and seen.user_loss in trained:
        return trained[seen.user_loss]
    return "user" if has_values(spark, _CANDIDATE, "user") else "mae"


def thinned(steps: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most ``most`` of the steps, evenly spread, first and last kept.

    Args:
        steps: int64 (step), ascending.
        most: At least 2.
    """
    if len(steps) <= most:
        return steps
    places = np.linspace(0, len(steps) - 1, most).round().astype(np.int64)
    kept: NDArray[np.int64] = steps[places]
    return kept


def _newest_problems(problems: Sequence[Problem]) -> list[ProblemRow]:
    rows = problem_rows(problems[-MAX_PROBLEMS:])
    for row in rows:
        row["detail"] = row["detail"][-MAX_DETAIL_CHARS:]
    return rows
