"""``run.node_times``: how long each node of ORT's graph takes, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from ortviz.record import Mode, NodeTimes, Stage
from ortviz.record.store import RunReader
from ortviz.session.tables import html_table, text_table
from ortviz.views.cells import module_label

_HEADINGS = ("share", "µs", "operator", "module", "node")
_SHOWN = 40
NOT_MEASURED = (
    "No times of nodes were measured: wrap with node_times=True, or call run.time_nodes() while "
    "it trains."
)

_EAGER = "This model trains in eager PyTorch, so there are no nodes of ONNX Runtime's to time."


@dataclass(frozen=True, slots=True)
class TimedNode:
    """A node and how long it takes.

    Attributes:
        index: Its place in stage ``execution_model``; None where that has no such node.
        name: As in the file; may be empty.
        output: Its first output.
        op_type: Its operator.
        module: Fully qualified name of the nn.Module it came from; None where that is not known.
        secs: Seconds a run, median.
        share: Of the time of all nodes, 0 to 1.
        call_count: Kernel calls a run.
    """

    index: int | None
    name: str
    output: str
    op_type: str
    module: str | None
    secs: float
    share: float
    call_count: int


class NodeTimeTable(Sequence[TimedNode]):
    """Nodes, slowest first; shows itself as a table.

    Args:
        measured: What was measured; None where nothing was.
        nodes: Slowest first.
    """

    def __init__(self, measured: NodeTimes | None, nodes: Sequence[TimedNode]) -> None:
        self.measured = measured
        self._nodes = tuple(nodes)

    @overload
    def __getitem__(self, index: int) -> TimedNode: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[TimedNode, ...]: ...
    def __getitem__(self, index: int | slice) -> TimedNode | tuple[TimedNode, ...]:
        return self._nodes[index]

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def summary(self) -> str:
        """What was measured, and what share of the step it makes; or why nothing was."""
        return " ".join(measured_notes(self.measured))

    def rows(self, most: int = _SHOWN) -> list[tuple[str, ...]]:
        """Share, microseconds, operator, module and name of the slowest nodes, as text."""
        return [
            (
                f"{node.share:.1%}",
                f"{node.secs * 1e6:,.0f}",
                node.op_type,
                "" if node.module is None else module_label(node.module),
                node.name or node.output,
            )
            for node in self._nodes[:most]
        ]

    def text(self, most: int = _SHOWN) -> str:
        """The slowest nodes as a table of plain text."""
        return text_table(_HEADINGS, self.rows(most), width=120)

    def html(self, most: int = _SHOWN) -> str:
        """The slowest nodes as a table for a notebook."""
        return html_table(_HEADINGS, self.rows(most))

    def __repr__(self) -> str:
        if not self._nodes:
            return self.summary
        return f"{self.text()}\n{self._more()}{self.summary}"

    def _repr_html_(self) -> str:
        from html import escape

        table = self.html() if self._nodes else ""
        return f"{table}<p>{escape(self._more() + self.summary)}</p>"

    def _more(self) -> str:
        left_out = len(self._nodes) - _SHOWN
        return f"{left_out:,} faster nodes are not listed. " if left_out > 0 else ""


def node_time_table(reader: RunReader) -> NodeTimeTable:
    """What was measured last, with what is known of the nodes."""
    measured = reader.node_times()
    if measured is None and reader.info().engine == "eager":
        measured = NodeTimes(0, 0, reason=_EAGER)
    if measured is None or not measured.nodes:
        return NodeTimeTable(measured, ())
    graph = reader.graph(Mode.TRAINING, Stage.EXECUTION_MODEL)
    known = {output: node for node in graph.nodes for output in node.outputs[:1]}
    total_secs = measured.node_secs or 1.0
    nodes = []
    for time in measured.nodes:
        node = known.get(time.output)
        nodes.append(
            TimedNode(
                index=None if node is None else node.index,
                name="" if node is None else node.name,
                output=time.output,
                op_type=time.op_type if node is None else node.op_type,
                module=None if node is None else node.module,
                secs=time.secs,
                share=time.secs / total_secs,
                call_count=time.call_count,
            )
        )
    return NodeTimeTable(measured, sorted(nodes, key=lambda node: -node.secs))


def measured_notes(measured: NodeTimes | None) -> list[str]:
    """What was measured, in sentences; or why nothing was.

    Args:
        measured: It; None where nothing was.
    """
    if measured is None:
        return [NOT_MEASURED]
    if measured.reason:
        return [measured.reason]
    run_secs = measured.run_secs
    share = ""
    if run_secs:
        share = f", {measured.node_secs / run_secs:.0%} of a run's {run_secs * 1e3:.3g} ms"
    note = (
        f"Measured by ONNX Runtime's profiler beside the training, on what step {measured.step} "
        f"was fed ({measured.device}, median of {measured.repeat_count} runs): nodes take "
        f"{measured.node_secs * 1e3:.3g} ms{share}."
    )
    notes = [note]
    if measured.device not in ("", "cpu"):
        notes.append(
            f"On {measured.device} the host may not wait for a kernel to end: times are those that "
            "the host sees."
        )
    if measured.masks_given:
        notes.append("Dropout was given its masks, which takes less time than drawing them.")
    return notes
