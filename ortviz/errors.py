"""Every error ortviz raises on purpose. Each says what happened, where, and what to do."""

from __future__ import annotations


class OrtvizError(Exception):
    """Base of all errors of ortviz.

    Args:
        what: One sentence that says what happened and where.
        remedy: One sentence that says what to do; shown after ``what``.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class EnvironmentProblem(OrtvizError):  # noqa: N818 - it names the machine, not a mistake
    """ORTModule cannot work on this machine as it is; ``ortviz doctor`` says more."""


class WrapError(OrtvizError, TypeError):
    """What was given to :func:`ortviz.wrap` cannot be wrapped."""


class SourceError(OrtvizError, TypeError):
    """What was given to :class:`ortviz.GraphInspector` has no graph."""


class CaptureError(OrtvizError):
    """A step could not be recorded. Training goes on; the run lists it as a Problem."""


class StoreError(OrtvizError, OSError):
    """The run file cannot be created, written or read."""


class LossInputError(OrtvizError, ValueError):
    """The tensors given to a loss of ortviz do not fit each other or have no elements."""


class UnknownNameError(OrtvizError, LookupError):
    """A step, site, stage, view or notebook variable that does not exist."""


class ProtocolError(OrtvizError, ValueError):
    """A message between the browser and its host is not as ``ortviz.protocol`` defines it."""
