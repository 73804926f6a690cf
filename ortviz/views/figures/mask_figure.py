"""The figure of what a loss left out."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from ortviz.protocol.codec import Buffers, column_array
from ortviz.protocol.wire import MaskedLossName
from ortviz.record.store import RunReader
from ortviz.views.figures.look import KIND_COLORS, KIND_LABELS, LOSS_LABELS, styled
from ortviz.views.mask_map import mask_map_view


def mask_map(
    reader: RunReader, loss: MaskedLossName = "mape", *, max_columns: int = 400
) -> go.Figure:
    """Which positions of a loss were masked at which steps, the batch axis folded.

    Args:
        reader: The run.
        loss: ``mape`` or ``smape``.
        max_columns: Most columns; a column may stand for several steps.

    Raises:
        UnknownNameError: Another loss.
    """
    first, last = reader.loss_step_range() or (0, -1)
    found = reader.masked_elements(loss, first, last)
    buffers = Buffers()
    view = mask_map_view(loss, found, first, last, max_columns, buffers)
    codes, counts = (column_array(view[name], buffers.parts()) for name in ("codes", "counts"))
    steps = column_array(view["steps"], buffers.parts())
    colors = list(KIND_COLORS.values())
    scale = [(place / 3, color) for kind, color in enumerate(colors) for place in (kind, kind + 1)]
    figure = go.Figure(
        go.Heatmap(
            x=steps + (view["steps_per_bin"] - 1) / 2,
            y=view["positions"],
            z=np.where(codes == 0, np.nan, codes),
            customdata=counts,
            zmin=0.5,
            zmax=3.5,
            colorscale=scale,
            colorbar={"tickvals": [1, 2, 3], "ticktext": list(KIND_LABELS.values())},
            hovertemplate="step %{x:.0f}, position %{y}: %{customdata} masked<extra></extra>",
            xgap=1 if len(steps) <= 200 else 0,
            ygap=1,
        )
    )
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(title_text=view["axis_label"], type="category", autorange="reversed")
    title = f"Elements that {LOSS_LABELS[loss]} left out of {reader.info().name}"
    return styled(figure, title, 420)
