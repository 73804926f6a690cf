"""What the recorder says when it cannot keep up, or has no room left."""

from __future__ import annotations

from ortviz.errors import StoreError
from ortviz.record import EventKind, GraphRecord, Problem, RunEvent


def skipped(count: int, step: int) -> RunEvent:
    """So many steps that were due have not been sampled, up to this one."""
    steps = "1 step that was due was" if count == 1 else f"{count} steps that were due were"
    return RunEvent(
        EventKind.SAMPLING_SKIPPED,
        step,
        f"{steps} not sampled, because earlier ones were still being written. "
        "Sample less often: every= (--every) with a larger number.",
    )


def refused_graph(graph: GraphRecord) -> Problem:
    """A saved stage that did not fit into the queue."""
    return Problem(
        what=f"The stage {graph.stage.value} of the {graph.mode.value} graph could not be "
        "recorded: too much waits to be written.",
        remedy="Nothing is wrong with the training. Record to a faster disk, by path=.",
    )


def first_loss_dropped(step: int) -> Problem:
    """From here on losses are missing; told at once, since the count comes at the end only."""
    return Problem(
        what=f"From step {step} on, some steps have no recorded losses: training is "
        "faster than they can be written.",
        remedy="Nothing is wrong with the training. The count follows when it ends.",
        step=step,
    )


def losses_dropped(count: int, step_count: int, step: int) -> Problem:
    """How many steps have no losses, told at the end."""
    return Problem(
        what=f"{count} of {step_count} steps have no recorded losses, because training was "
        "faster than they could be written.",
        remedy="Nothing is wrong with the training. A run on a faster disk, or a larger batch, "
        "keeps them all.",
        step=step,
    )


def budget_used(max_bytes: int, tensor_count: int, tensor_bytes: int, step: int) -> Problem:
    """Kept tensors have reached their budget."""
    return Problem(
        what=f"The {_megabytes(max_bytes)} ({max_bytes} bytes) for kept tensors are used up at "
        f"step {step}: {tensor_count} tensors take {tensor_bytes} bytes. "
        "From here on statistics are kept without tensors.",
        remedy="More room: ortviz.wrap(keep_bytes=…). A narrower keep= or a larger every= makes "
        "it last longer; rerun=True keeps the newest steps so that they can be run again.",
        step=step,
    )


def too_large_to_rerun(size_bytes: int, max_bytes: int) -> Problem:
    """One step alone is larger than the budget."""
    return Problem(
        what=f"No step of this run can be re-run: what one takes (weights, inputs and masks) is "
        f"{_megabytes(size_bytes)}, and keep_bytes allows {_megabytes(max_bytes)} ({max_bytes} "
        "bytes).",
        remedy=f"Pass keep_bytes={2 * size_bytes} or more to ortviz.wrap, which is room for two.",
    )


def refused_by_the_disk(step: int, error: StoreError) -> Problem:
    """Statistics could be written, tensors could not."""
    return Problem(
        what=f"Tensors are no longer kept from step {step} on: {error.what}",
        remedy=f"Statistics go on. {error.remedy}",
        step=step,
        detail=str(error),
    )


def _megabytes(size_bytes: int) -> str:
    size = size_bytes / (1 << 20)
    return f"{size:.0f} MB" if size >= 10 else f"{size:.2g} MB"
