"""The figure of the losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ortviz.record import Side
from ortviz.record.store import LOSS_NAMES, MASK_KINDS, MASKED_LOSSES, SIDES, LossBins, RunReader
from ortviz.views.figures.look import (
    COLORS,
    KIND_COLORS,
    KIND_LABELS,
    LOOK_HERE,
    LOSS_LABELS,
    NAMES,
    escaped,
    faint,
    lanes,
    styled,
)
from ortviz.views.losses import WIRE_LOSSES, has_values
from ortviz.views.reading import newest_losses

_MARK_SYMBOLS = {"nan": "x-thin-open", "inf": "triangle-up", "-inf": "triangle-down"}


def losses(reader: RunReader, *, log: bool = False, max_points: int = 2000) -> go.Figure:
    """The curves of MAE, MAPE, sMAPE and the user's own loss over the steps, masked counts below.

    Args:
        reader: The run.
        log: Logarithmic axes for the losses; values ≤ 0 are then not drawn.
        max_points: Most points per curve; folded steps show their range as a band.
    """
    bins = reader.loss_bins(max_points=max_points)
    newest = newest_losses(reader)
    seen = newest.candidate or newest.reference if newest else None
    trains_with = seen.user_loss if seen else ""
    shown = [name for name in WIRE_LOSSES if any(has_values(bins, side, name) for side in (0, 1))]
    if trains_with in shown and "user" in shown:
        shown.remove("user")  # the same curve as that of its own name
    rows = [*shown, "masked", "not finite"]
    figure = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.03,
        row_heights=[3.0] * len(shown) + [1.5, 0.8],
    )
    for row, name in enumerate(shown, start=1):
        for trace in _curves(bins, name, row == 1):
            figure.add_trace(trace, row=row, col=1)
        label = trains_with if name == "user" and trains_with else LOSS_LABELS[name]
        is_trained = name in (trains_with, "user")
        figure.update_yaxes(
            title_text=f"{escaped(label)}<br>(trained)" if is_trained else label,
            type="log" if log else "linear",
            row=row,
            col=1,
        )
    loss = "smape" if trains_with == "smape" else "mape"
    for bars in _masked_bars(bins, loss):
        figure.add_trace(bars, row=len(shown) + 1, col=1)
    figure.update_yaxes(title_text=f"masked,<br>{LOSS_LABELS[loss]}", row=len(shown) + 1, col=1)
    figure.add_trace(_marks(reader), row=len(rows), col=1)
    figure.update_yaxes(**lanes(["loss", "gradient"]), row=len(rows), col=1)
    figure.update_xaxes(title_text="step", row=len(rows), col=1)
    return styled(figure, f"Losses of {reader.info().name}", 120 + 130 * len(rows))


def _curves(bins: LossBins, name: str, legend: bool) -> Iterator[go.Scatter]:
    place = LOSS_NAMES.index(name)
    for side in (Side.CANDIDATE, Side.REFERENCE):
        index = SIDES.index(side)
        low, high = bins.minimum[index, place], bins.maximum[index, place]
        last = bins.last[index, place]
        if not np.isfinite(last).any():
            continue
        common = {"x": bins.steps, "legendgroup": side.value, "line_color": COLORS[side]}
        if bins.steps_per_bin > 1:
            edge = {**common, "mode": "lines", "line_width": 0, "showlegend": False}
            yield go.Scatter(y=low, hoverinfo="skip", **edge)
            fill = faint(COLORS[side])
            yield go.Scatter(y=high, hoverinfo="skip", fill="tonexty", fillcolor=fill, **edge)
        sparse = side is Side.REFERENCE
        yield go.Scatter(
            y=last,
            name=NAMES[side],
            mode="markers" if sparse else "lines",
            marker={"symbol": "square-open", "size": 5, "color": COLORS[side]},
            line_width=1.5,
            showlegend=legend,
            **common,
        )


def _masked_bars(bins: LossBins, loss: str) -> Iterator[go.Bar]:
    counts = bins.masked[MASKED_LOSSES.index(loss)]
    for kind, name in enumerate(MASK_KINDS):
        yield go.Bar(
            x=bins.steps,
            y=np.where(counts[kind] > 0, counts[kind].astype(np.float64), np.nan),
            width=bins.steps_per_bin,
            name=f"masked {KIND_LABELS[name]}",
            marker={"color": KIND_COLORS[name], "line_width": 0},
            showlegend=bool(counts[kind].any()),
        )


def _marks(reader: RunReader) -> go.Scatter:
    marks = reader.loss_marks().marks
    return go.Scatter(
        x=[mark.step for mark in marks],
        y=[int(mark.what == "gradient") for mark in marks],
        text=[f"{mark.what} {mark.kind} ({NAMES[mark.side]})" for mark in marks],
        hovertemplate="step %{x}: %{text}<extra></extra>",
        mode="markers",
        marker={
            "symbol": [_MARK_SYMBOLS[mark.kind] for mark in marks],
            "color": LOOK_HERE,
            "size": 8,
            "line": {"width": 1.6, "color": LOOK_HERE},
        },
        name="not finite",
        showlegend=False,
    )
