"""Things worth knowing that need no mending: exports after the first, steps not sampled."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.record import EventKind, Finding, GraphRecord, Mode, RunEvent, RunInfo, Severity, View


class ReExport(Detector):
    """ORTModule exported the model again."""

    name = "re_export"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._told: dict[Mode, int] = {}

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """Once per export and mode, whatever the number of stages."""
        if graph.export_index <= self._told.get(graph.mode, 0):
            return
        self._told[graph.mode] = graph.export_index
        times = graph.export_index
        yield self.finding(
            Severity.INFO,
            f"ORTModule exported the {graph.mode.value} graph again",
            evidence=f"{times + 1} exports so far.",
            explanation=(
                "It does so when the inputs change in a way the graph does not cover: another "
                "number of inputs, another rank or dtype, or gradients switched on or off. Each "
                "export costs seconds. The Graph view shows the newest one."
            ),
            remedy="Keep ranks, dtypes and requires_grad of the inputs the same from step to step.",
            place=graph.mode.value,
            view=View.GRAPH,
        )


class SamplingSkipped(Detector):
    """A step that was due was not recorded."""

    name = "sampling_skipped"

    def on_event(self, event: RunEvent) -> Iterable[Finding]:
        """Passes the reason on."""
        if event.kind is EventKind.SAMPLING_SKIPPED:
            yield self.finding(
                Severity.INFO,
                "Some steps that were due were not recorded in full",
                evidence=event.message,
                explanation=(
                    "Recording never holds training up: when it falls behind, it leaves steps "
                    "out. Losses are kept of every step all the same."
                ),
                remedy="Nothing is wrong. To see more steps in full, sample less often (every=N).",
                step=event.step,
            )
