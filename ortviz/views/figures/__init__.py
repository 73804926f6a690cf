"""Ordinary plotly figures of a run, for notebooks and papers; the only place that knows plotly.

Each function takes an open run and returns a ``plotly.graph_objects.Figure`` to show, change or
export like any other.
"""

from ortviz.views.figures.gradient_figure import gradients
from ortviz.views.figures.loss_figure import losses
from ortviz.views.figures.mask_figure import mask_map

__all__ = ["gradients", "losses", "mask_map"]
