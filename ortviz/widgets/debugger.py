"""The debugger as a Jupyter widget: traits and wiring, nothing else."""

from __future__ import annotations

import weakref

from ortviz.session.run import Run
from ortviz.widgets.shown import ShownWidget

_widgets: weakref.WeakKeyDictionary[Run, DebuggerWidget] = weakref.WeakKeyDictionary()


class DebuggerWidget(ShownWidget):
    """Shows one run. Made by ``run.show()``; shown twice, both views are of one widget.

    Args:
        run: The run.
        height: In CSS pixels.
    """

    def __init__(self, run: Run, height: int | None = None) -> None:
        super().__init__(
            run,
            run.subscribe,
            height,
            run_id=run.info.run_id,
            run_path="" if run.path is None else str(run.path.absolute()),
            controls=run.controllable,
            name=run.name,
        )

    def __repr__(self) -> str:
        """What a viewer without widgets shows in its place."""
        where = f"ortviz.load({self.run_path!r}).show()" if self.run_path else "run.show()"
        return f"ortviz debugger of the run {self.name!r}; shown by {where} in a running notebook"


def widget_for(run: Run, height: int | None = None) -> DebuggerWidget:
    """The widget of a run; made when it is first asked for.

    Args:
        run: The run.
        height: In CSS pixels; None to leave it.
    """
    widget = _widgets.get(run)
    if widget is None or widget.comm is None:
        widget = _widgets[run] = DebuggerWidget(run, height)
    elif height is not None:
        widget.height = height
    return widget
