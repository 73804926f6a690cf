"""Reads that need a second thought: what may be missing from a run, and what then stands for it."""

from __future__ import annotations

from ortviz.errors import UnknownNameError
from ortviz.record import StepComparison, StepLosses, StepRecord
from ortviz.record.store import RunReader

_LOOK_BACK_STEPS = 20


def compared_step(reader: RunReader, step: int) -> tuple[StepRecord, StepComparison]:
    """A recorded step with its comparison; an empty one where only one side ran.

    Raises:
        UnknownNameError: The step was not recorded.
    """
    record = reader.step(step)
    try:
        return record, reader.comparison(step)
    except UnknownNameError:
        return record, StepComparison(step, (), {})


def newest_losses(reader: RunReader) -> StepLosses | None:
    """The newest losses of which a side was seen, looking back a few steps; else None.

    The very last step may have been broken off between the model and the loss.
    """
    newest = reader.latest_losses()
    if newest is None:
        return None
    for step in range(newest.step, max(newest.step - _LOOK_BACK_STEPS, -1), -1):
        try:
            losses = reader.losses(step)
        except UnknownNameError:
            continue
        if losses.candidate or losses.reference:
            return losses
    return None
