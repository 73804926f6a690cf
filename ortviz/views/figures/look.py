"""The one look of all figures: colours, words and layout."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from ortviz.record import Side

COLORS = {Side.REFERENCE: "#1769c2", Side.CANDIDATE: "#d1660a"}
"""Eager and ORT; as in ``extension/style/debugger/tokens.css``, so that pictures agree."""
LOOK_HERE = "#b3125c"
NAMES = {Side.REFERENCE: "eager PyTorch", Side.CANDIDATE: "ONNX Runtime"}
LOSS_LABELS = {"mae": "MAE", "mape": "MAPE", "smape": "sMAPE", "user": "your loss"}
KIND_LABELS = {"nan": "NaN", "posinf": "+∞", "neginf": "−∞"}
KIND_COLORS = {"nan": LOOK_HERE, "posinf": "#dd7fa9", "neginf": "#5e0a31"}

_GRID = "rgba(128, 128, 128, 0.25)"


def styled(figure: go.Figure, title: str, height: int) -> go.Figure:
    """The one look: no boxes, faint grid, readable on light and dark pages."""
    axis = {"gridcolor": _GRID, "zeroline": False, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure.update_layout(
        title={
            "text": escaped(title),
            "x": 0,
            "xref": "paper",
            "y": 0.98,
            "yanchor": "top",
            "font_size": 15,
        },
        height=height,
        font={"family": "system-ui, sans-serif", "size": 12, "color": "#777"},
        paper_bgcolor="rgba(0, 0, 0, 0)",
        plot_bgcolor="rgba(0, 0, 0, 0)",
        margin={"l": 70, "r": 20, "t": 80, "b": 50},
        legend={
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 0.98,
            "yref": "container",
            "yanchor": "top",
        },
        barmode="stack",
        bargap=0.1,
    )


def lanes(names: Sequence[str]) -> dict[str, object]:
    """An axis of a few named lanes, the first at the bottom; numbers keep their place."""
    places = list(range(len(names)))
    return {"tickvals": places, "ticktext": list(names), "range": [-0.6, len(names) - 0.4]}


def escaped(text: str) -> str:
    """Text of the user's that plotly must not take for markup."""
    return text.replace("<", "&lt;")


def faint(color: str) -> str:
    """A ``#rrggbb`` colour, mostly transparent."""
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"
