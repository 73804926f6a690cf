"""The figure of the gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ortviz.errors import UnknownNameError
from ortviz.protocol.codec import read_wire_float
from ortviz.protocol.messages import GradientRow, GradientState
from ortviz.record import Side
from ortviz.record.store import SIDES, RunReader
from ortviz.views.figures.look import COLORS, LOOK_HERE, NAMES, lanes, styled
from ortviz.views.gradients import gradients_view
from ortviz.views.reading import compared_step

_STATE_SYMBOLS: dict[GradientState, str] = {
    "zero": "circle-open",
    "nan": "x-thin-open",
    "inf": "triangle-up",
    "none": "line-ew-open",
    "not_captured": "diamond-open",
}
_DASHES = {Side.REFERENCE: "dot", Side.CANDIDATE: "solid"}
_SYMBOLS = {Side.REFERENCE: "square-open", Side.CANDIDATE: "circle"}


def gradients(reader: RunReader, step: int | None = None) -> go.Figure:
    """L2 norms of the gradients of parameters and module outputs along depth, input side first.

    Below each: which gradients are zero, NaN, infinite, None or were not captured.

    Args:
        reader: The run.
        step: A recorded step; the newest one when None.

    Raises:
        UnknownNameError: The step was not recorded, or none is recorded yet.
    """
    wanted = reader.latest_sampled_step() if step is None else step
    if wanted is None:
        raise UnknownNameError("No step is recorded yet.", "Train a step first.")
    rows = gradients_view(reader.info(), *compared_step(reader, wanted))["rows"]
    kinds = {"parameter": "parameter gradients", "module_output": "output gradients"}
    figure = make_subplots(
        rows=2,
        cols=2,
        shared_xaxes=True,
        shared_yaxes=True,
        row_heights=[4.0, 1.0],
        vertical_spacing=0.04,
        horizontal_spacing=0.04,
        column_titles=list(kinds.values()),
    )
    for column, kind in enumerate(kinds, start=1):
        of_kind = [row for row in rows if row["kind"] == kind]
        for side in Side:
            figure.add_trace(_norms(of_kind, side, column == 1), row=1, col=column)
            figure.add_trace(_states(of_kind, side), row=2, col=column)
    figure.update_yaxes(type="log", exponentformat="power", row=1)
    figure.update_yaxes(title_text="L2 norm", row=1, col=1)
    figure.update_yaxes(**lanes([NAMES[side] for side in reversed(SIDES)]), row=2)
    figure.update_xaxes(tickangle=-60, tickfont_size=10, row=2)
    return styled(figure, f"Gradients of {reader.info().name} at step {wanted}", 620)


def _norms(rows: Sequence[GradientRow], side: Side, legend: bool) -> go.Scatter:
    norms = [
        row["candidate_norm"] if side is Side.CANDIDATE else row["reference_norm"] for row in rows
    ]
    numbers = [read_wire_float(norm) for norm in norms]
    return go.Scatter(
        x=[row["label"] for row in rows],
        # A logarithmic axis has no place for 0; the strip below says where the norm is 0.
        y=[number if number else math.nan for number in numbers],
        name=NAMES[side],
        legendgroup=side.value,
        showlegend=legend,
        mode="lines+markers",
        line={"color": COLORS[side], "width": 1.5, "dash": _DASHES[side]},
        marker={"color": COLORS[side], "symbol": _SYMBOLS[side], "size": 6},
    )


def _states(rows: Sequence[GradientRow], side: Side) -> go.Scatter:
    states = [
        row["candidate_state"] if side is Side.CANDIDATE else row["reference_state"] for row in rows
    ]
    lane = list(reversed(SIDES)).index(side)
    return go.Scatter(
        x=[row["label"] for row in rows],
        y=[lane if state in _STATE_SYMBOLS else None for state in states],
        text=[state.replace("_", " ") for state in states],
        hovertemplate=f"%{{x}}: %{{text}}<extra>{NAMES[side]}</extra>",
        mode="markers",
        marker={
            "symbol": [_STATE_SYMBOLS.get(state, "circle") for state in states],
            "color": [LOOK_HERE if state in ("nan", "inf") else COLORS[side] for state in states],
            "size": 8,
            "line_width": 1.6,
        },
        showlegend=False,
    )
