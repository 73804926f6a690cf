"""Answers what a browser asks of a run: the one place the widget, the server and the report use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ortviz.errors import OrtvizError
from ortviz.protocol.codec import Buffers
from ortviz.protocol.messages import CommandName, SummaryView
from ortviz.protocol.validate import check_name, check_params
from ortviz.protocol.wire import MaskedLossName
from ortviz.record.store import RunReader
from ortviz.session.graph_commands import GRAPH_ANSWERS, run_graphs
from ortviz.session.overlays import graph_overlay, tensor_values
from ortviz.session.ranks import findings_of, open_rank, sibling_paths
from ortviz.views.findings import findings_view
from ortviz.views.gradients import gradients_view
from ortviz.views.histograms import histograms_view
from ortviz.views.losses import losses_view
from ortviz.views.mask_map import mask_map_view, masked_elements_view
from ortviz.views.reading import compared_step, newest_losses
from ortviz.views.run_view import run_view
from ortviz.views.summary import MAX_SAMPLED_STEPS, SPARK_POINTS, summary_view
from ortviz.views.traces import traces_view

DEFAULT_MAX_POINTS = 2000
"""Bins of ``losses`` unless asked for otherwise."""
DEFAULT_MAX_COLUMNS = 400
"""Bins of ``mask_map`` unless asked for otherwise."""

Params = Mapping[str, object]


def handle(reader: RunReader, command: str, params: Params) -> tuple[object, list[bytes]]:
    """Answer one command from what is recorded so far. Safe to call from several threads.

    Args:
        reader: The run.
        command: One of the names in ``messages.CommandName``, except ``control``.
        params: What that command takes; checked here.

    Returns:
        The payload (as ``messages.CommandAnswers`` says) and the buffers its columns refer to.

    Raises:
        ProtocolError: No such command, or parameters it does not take.
        UnknownNameError: A step, stage or mode that was not recorded.
        StoreError: The run file cannot be read.
        OrtvizError: ``control``, which only the kernel that trains can answer.
    """
    name = check_name(command)
    checked = check_params(name, params)
    rank = cast("int | None", checked.pop("rank", None))
    if rank is not None and rank != reader.info().rank:
        with open_rank(reader, rank) as other:
            return handle(other, name, checked)
    if name == "control":
        raise OrtvizError(
            "Sampling can only be controlled while the kernel that trains is running.",
            "What is recorded can be looked at all the same.",
        )
    buffers = Buffers()
    return _ANSWERS[name](reader, checked, buffers), buffers.parts()


def _run(reader: RunReader, params: Params, buffers: Buffers) -> object:
    info = reader.info()
    here = [info.rank, *sibling_paths(reader.path, info)]
    return run_view(info, sorted(here))


def _summary(reader: RunReader, params: Params, buffers: Buffers) -> object:
    return summary(reader, buffers)


def _losses(reader: RunReader, params: Params, buffers: Buffers) -> object:
    first, last = _optional_int(params, "first_step"), _optional_int(params, "last_step")
    bins = reader.loss_bins(first, last, _optional_int(params, "max_points") or DEFAULT_MAX_POINTS)
    marks = reader.loss_marks(bins.first_step, bins.last_step)
    return losses_view(bins, marks, newest_losses(reader), reader.loss_notes(), buffers)


def _mask_map(reader: RunReader, params: Params, buffers: Buffers) -> object:
    loss = cast(MaskedLossName, params.get("loss", "mape"))
    bounds = reader.loss_step_range() or (0, -1)
    first = max(bounds[0], _optional_int(params, "first_step") or 0)
    wanted = _optional_int(params, "last_step")
    last = bounds[1] if wanted is None else min(bounds[1], wanted)
    found = reader.masked_elements(loss, first, last)
    columns = _optional_int(params, "max_columns") or DEFAULT_MAX_COLUMNS
    return mask_map_view(loss, found, first, last, columns, buffers)


def _masked_elements(reader: RunReader, params: Params, buffers: Buffers) -> object:
    loss, step = cast(MaskedLossName, params["loss"]), cast(int, params["step"])
    return masked_elements_view(loss, reader.losses(step), reader.masked_elements_at(loss, step))


def _traces(reader: RunReader, params: Params, buffers: Buffers) -> object:
    return traces_view(*compared_step(reader, cast(int, params["step"])))


def _gradients(reader: RunReader, params: Params, buffers: Buffers) -> object:
    return gradients_view(reader.info(), *compared_step(reader, cast(int, params["step"])))


def _histograms(reader: RunReader, params: Params, buffers: Buffers) -> object:
    step = cast(int, params["step"])
    reader.step(step)
    return histograms_view(step, reader.kept.histograms(step), buffers)


def _graphs(reader: RunReader, params: Params, buffers: Buffers) -> object:
    return run_graphs(reader)


def _findings(reader: RunReader, params: Params, buffers: Buffers) -> object:
    return findings_view(findings_of(reader), reader.problems())


_ANSWERS: dict[CommandName, Callable[[RunReader, Params, Buffers], object]] = {
    "run": _run,
    "summary": _summary,
    "losses": _losses,
    "mask_map": _mask_map,
    "masked_elements": _masked_elements,
    "traces": _traces,
    "gradients": _gradients,
    "histograms": _histograms,
    "findings": _findings,
    "graphs": _graphs,
    **GRAPH_ANSWERS,
    "graph_overlay": graph_overlay,
    "tensor_values": tensor_values,
}


def summary(
    reader: RunReader, buffers: Buffers, shown_steps: NDArray[np.int64] | None = None
) -> SummaryView:
    """Where the run stands.

    Args:
        reader: The run.
        buffers: Takes the columns.
        shown_steps: int64 (step): the recorded steps that can be asked for; all when None.
    """
    return summary_view(
        reader.state(),
        reader.sampled_steps(MAX_SAMPLED_STEPS),
        reader.sampled_step_count(),
        reader.loss_bins(max_points=SPARK_POINTS),
        newest_losses(reader),
        findings_of(reader),
        reader.problems(),
        buffers,
        shown_steps,
    )


def _optional_int(params: Params, name: str) -> int | None:
    return cast("int | None", params.get(name))
