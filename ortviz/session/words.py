"""What the recorder says when it cannot keep up."""

from __future__ import annotations

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
