"""How long the nodes of ORT's graph take, where that was measured."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_REPEATS = 20
"""How often a step is run again to time its nodes."""


@dataclass(frozen=True, slots=True)
class NodeTime:
    """One node of stage ``execution_model``.

    Attributes:
        output: Its first output, by which it is found in the saved stage.
        op_type: Its operator as it was timed: a Dropout that is given its mask is a DropoutGrad.
        secs: Seconds a run, median; ONNX Runtime counts whole microseconds of each call.
        call_count: Kernel calls a run; more than 1 where several nodes go by the same name, or in
            the body of a loop.
    """

    output: str
    op_type: str
    secs: float
    call_count: int = 1


@dataclass(frozen=True, slots=True)
class NodeTimes:
    """The nodes of the training graph, timed by ONNX Runtime's own profiler beside the training.

    Attributes:
        step: The step whose inputs, masks and gradients they were run on.
        repeat_count: Runs that were timed, those that warm up left out; 0 when it was impossible.
        nodes: In the order in which they first ran.
        forward_secs: Wall time of the same runs' forward, median; None when there was none.
        backward_secs: Likewise of the backward.
        reason: Why there are no times, for a person; else empty.
        masks_given: Whether dropout masks were given instead of drawn, which takes less time.
        device: Where they ran, for example ``cpu``.
    """

    step: int
    repeat_count: int
    nodes: tuple[NodeTime, ...] = ()
    forward_secs: float | None = None
    backward_secs: float | None = None
    reason: str = ""
    masks_given: bool = False
    device: str = ""

    @property
    def node_secs(self) -> float:
        """All nodes together, in seconds."""
        return sum(node.secs for node in self.nodes)

    @property
    def run_secs(self) -> float | None:
        """Wall time of forward and backward, in seconds; None when there was no run."""
        if self.forward_secs is None or self.backward_secs is None:
            return None
        return self.forward_secs + self.backward_secs
