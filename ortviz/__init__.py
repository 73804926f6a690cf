"""Debug a PyTorch model that trains through ONNX Runtime, side by side with eager PyTorch.

In a notebook: ``%load_ext ortviz``, then ``%%ortviz model --every 10`` above a training cell.
Elsewhere::

    dbg = ortviz.wrap(model, every=10)   # a real ORTModule
    run = dbg.ortviz                     # the recorded run
    run.findings                         # what is wrong, where, why and what to do
    run.to_html("report.html")

Names are loaded on first use: ``import ortviz`` imports neither torch nor ONNX Runtime.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ortviz import errors, losses
    from ortviz.api import load, unwrap, wrap
    from ortviz.compare import Tolerance
    from ortviz.magics import load_ipython_extension, unload_ipython_extension
    from ortviz.session.registry import runs
    from ortviz.session.run import Run

    __version__: str

__all__ = [
    "GraphInspector",
    "Run",
    "Tolerance",
    "__version__",
    "errors",
    "last_run",
    "load",
    "load_ipython_extension",
    "losses",
    "runs",
    "unload_ipython_extension",
    "unwrap",
    "wrap",
]

_HOME = {
    "GraphInspector": "ortviz.inspector",
    "Run": "ortviz.session.run",
    "Tolerance": "ortviz.compare",
    "load": "ortviz.api",
    "load_ipython_extension": "ortviz.magics",
    "runs": "ortviz.session.registry",
    "unload_ipython_extension": "ortviz.magics",
    "unwrap": "ortviz.api",
    "wrap": "ortviz.api",
}
_ROOMS = ("errors", "losses")


def last_run() -> Run:
    """The run of this process that began, or was loaded, last.

    Raises:
        UnknownNameError: There is none.
    """
    from ortviz.session.registry import runs

    return runs.last()


def __getattr__(name: str) -> object:
    """Load a public name from the room it lives in, the first time it is asked for."""
    found: object
    if name in _HOME:
        found = getattr(import_module(_HOME[name]), name)
    elif name in _ROOMS:
        found = import_module(f"{__name__}.{name}")
    elif name == "__version__":
        found = _version()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:
        # Used from a source folder that was never installed.
        return "0+unknown"
