"""``run.time_nodes()``: says what is being timed, and shows what came of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from html import escape

from ortviz._compat.progress import text_stream
from ortviz.record import NodeTimes
from ortviz.session.node_times import NodeTimeTable

_LISTED = 5
_NAMED = 3


class _Phase(Enum):
    WAITING = auto()
    UNDER_WAY = auto()
    OVER = auto()


class NodeTiming:
    """One request to time the nodes of a training step; shows itself as far as it is.

    Printed as it goes: when the step begins, and what came of it.

    Args:
        repeats: Runs to take the median of.
        table: Reads what was measured last.
        ended: Whether the run is over.
    """

    def __init__(
        self, repeats: int, table: Callable[[], NodeTimeTable], ended: Callable[[], bool]
    ) -> None:
        self._repeats = repeats
        self._table = table
        self._ended = ended
        self._phase = _Phase.WAITING
        self._step: int | None = None
        self._measured: NodeTimes | None = None
        _say(f"the nodes of the next training step will be timed, {_runs(repeats)} beside it.")

    @property
    def step(self) -> int | None:
        """The step whose nodes are timed; None before it has begun."""
        return self._step

    @property
    def done(self) -> bool:
        """Whether it is over: there are times, or a reason why there are none."""
        return self._phase is _Phase.OVER

    @property
    def times(self) -> NodeTimeTable | None:
        """The nodes, slowest first; None before they were timed, or when others were since."""
        if self._measured is None:
            return None
        table = self._table()
        return table if table.measured == self._measured else None

    @property
    def summary(self) -> str:
        """How far it is, in a sentence or two."""
        if self._phase is _Phase.WAITING:
            if self._ended():
                return "No nodes were timed: the run ended before another training step."
            return "Waiting for the next training step, whose nodes are then timed."
        if self._phase is _Phase.UNDER_WAY and not self._ended():
            return f"Timing the nodes of step {self._step}: its backward has not ended yet."
        return _outcome(self._step, self._measured)

    # --- told by the recorder, on the training thread --------------------------------------------

    def began(self, step: int) -> None:
        """The step that is timed begins."""
        self._step, self._phase = step, _Phase.UNDER_WAY
        _say(f"timing the nodes of step {step} on what it is fed, {_runs(self._repeats)} …")

    def over(self, measured: NodeTimes | None) -> None:
        """The step is complete.

        Args:
            measured: None where measuring failed, which the run's problems tell.
        """
        self._measured, self._phase = measured, _Phase.OVER
        listed = " run.node_times lists them with their modules." if _has_times(measured) else ""
        _say(f"{_outcome(self._step, measured)}{_slowest(measured)}{listed}")

    # --- for people -----------------------------------------------------------------------------

    def __repr__(self) -> str:
        table = self.times
        if table is None or not table:
            return self.summary
        return f"{self.summary}\n{table.text(_LISTED)}"

    def _repr_html_(self) -> str:
        table = self.times
        shown = "" if table is None or not table else table.html(_LISTED)
        return f"<p>{escape(self.summary)}</p>{shown}"


class Timings:
    """The requests of one run, told of the step that answers them all."""

    def __init__(self) -> None:
        self._asked: tuple[NodeTiming, ...] = ()
        self._under_way: tuple[NodeTiming, ...] = ()
        self._step: int | None = None

    def ask(self, timing: NodeTiming) -> None:
        """Have it told of the next step that is timed."""
        self._asked = (*self._asked, timing)

    def began(self, step: int) -> None:
        """A step that was asked for begins."""
        # One whose step never was complete.
        self.over(self._step, None)
        self._under_way, self._asked, self._step = self._asked, (), step
        for timing in self._under_way:
            timing.began(step)

    def over(self, step: int | None, measured: NodeTimes | None) -> None:
        """A sampled step is complete.

        Args:
            step: Its number.
            measured: What was measured in it.
        """
        if step != self._step:
            return
        under_way, self._under_way, self._step = self._under_way, (), None
        for timing in under_way:
            timing.over(measured)


def _outcome(step: int | None, measured: NodeTimes | None) -> str:
    if measured is None:
        return f"The nodes of step {step} were not timed; run.problems says why."
    if not measured.nodes:
        return f"The nodes of step {step} were not timed. {measured.reason}".rstrip()
    count = len(measured.nodes)
    return (
        f"Timed {count:,} node{'' if count == 1 else 's'} of step {step}: together "
        f"{measured.node_secs * 1e3:.3g} ms (median of {_runs(measured.repeat_count)})."
    )


def _slowest(measured: NodeTimes | None) -> str:
    if measured is None or not measured.node_secs:
        return ""
    nodes = sorted(measured.nodes, key=lambda node: -node.secs)[:_NAMED]
    shares = ", ".join(f"{node.op_type} {node.secs / measured.node_secs:.1%}" for node in nodes)
    return f" Slowest: {shares}."


def _has_times(measured: NodeTimes | None) -> bool:
    return measured is not None and bool(measured.nodes)


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def _say(sentence: str) -> None:
    # The training goes on whatever has become of the cell's output.
    with suppress(Exception):
        print(f"ortviz: {sentence}", file=text_stream(), flush=True)
