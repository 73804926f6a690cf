"""``run.figures``: plotly figures for papers and talks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ortviz.errors import EnvironmentProblem
from ortviz.session.contents import Reading

if TYPE_CHECKING:
    from types import ModuleType

    import plotly.graph_objects as go


class Figures:
    """Each method makes one figure from what is recorded so far.

    Raises:
        EnvironmentProblem: plotly is not installed.
    """

    def __init__(self, read: Reading) -> None:
        self._read = read

    def losses(self, *, log: bool = False, max_points: int = 2000) -> go.Figure:
        """The three losses of both sides, masked counts below.

        Args:
            log: Logarithmic axes.
            max_points: Most points per curve.
        """
        return self._read(lambda reader: _plotting().losses(reader, log=log, max_points=max_points))

    def gradients(self, step: int | None = None) -> go.Figure:
        """Norms of the gradients along depth at a sampled step, the newest by default.

        Raises:
            UnknownNameError: The step was not sampled.
        """
        return self._read(lambda reader: _plotting().gradients(reader, step))

    def mask_map(
        self, loss: Literal["mape", "smape"] = "mape", *, max_columns: int = 400
    ) -> go.Figure:
        """Which positions of a loss were masked at which steps.

        Args:
            loss: The loss.
            max_columns: Most columns.
        """
        return self._read(
            lambda reader: _plotting().mask_map(reader, loss, max_columns=max_columns)
        )


def _plotting() -> ModuleType:
    try:
        from ortviz.views import figures
    except ImportError as error:
        raise EnvironmentProblem(
            f"Figures need plotly, which cannot be imported ({error}).", "Run: pip install plotly"
        ) from error
    return figures
