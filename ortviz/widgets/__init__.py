"""What Jupyter shows of a run: the anywidget, and the comm that JupyterLab's plugin opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortviz.widgets.debugger import DebuggerWidget, widget_for

__all__ = ["DebuggerWidget", "widget_for"]


def __getattr__(name: str) -> object:
    """Import anywidget only when something is shown."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ortviz.widgets import debugger

    return getattr(debugger, name)
