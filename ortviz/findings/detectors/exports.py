"""Things worth knowing that need no mending: exports after the first, steps not sampled."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.findings.detector import Detector
from ortviz.record import (
    EventKind,
    Finding,
    GraphRecord,
    Mode,
    RunEvent,
    RunInfo,
    Severity,
    StepComparison,
    StepRecord,
    View,
)

_STALE_LIMIT = 8


class ReExport(Detector):
    """ORTModule exported the model again."""

    name = "re_export"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._told: dict[Mode, int] = {}
        self._reason = ""

    def on_event(self, event: RunEvent) -> Iterable[Finding]:
        """Remembers why; the graphs follow."""
        if event.kind is EventKind.EXPORT and event.module is None:
            self._reason = event.message
        return ()

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """Once per export and mode, whatever the number of stages."""
        if graph.export_index <= self._told.get(graph.mode, 0):
            return
        self._told[graph.mode] = graph.export_index
        times = graph.export_index
        yield self.finding(
            Severity.INFO,
            f"ORTModule exported the {graph.mode.value} graph again",
            evidence=" ".join(filter(None, (self._reason, f"{times + 1} exports so far."))),
            explanation=(
                "It does so when the inputs change in a way the graph does not cover: another "
                "number of inputs, another rank or dtype, or gradients switched on or off. Each "
                "export costs seconds. The Graph view shows the newest one."
            ),
            remedy="Keep ranks, dtypes and requires_grad of the inputs the same from step to step.",
            place=graph.mode.value,
            view=View.GRAPH,
        )


class StaleGraph(Detector):
    """ORTModule went on with a graph that was exported for another call."""

    name = "stale_graph"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._told: set[str] = set()

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Once for each kind of change, of which the first few are told."""
        for change in record.unseen_changes:
            if change not in self._told and len(self._told) >= _STALE_LIMIT:
                continue
            self._told.add(change)
            yield self.finding(
                Severity.WARNING,
                f"ORTModule ran the graph it had, though {change}",
                evidence="Compared with the call for which it exported.",
                explanation=(
                    "ORTModule exports for the call of its first step. Unless its checks are on "
                    "it never looks at a later call, and at the modes of modules and autocast it "
                    "looks at no time: new inputs are ignored, and everything else is computed "
                    "as it was right for the first call."
                ),
                remedy=(
                    "Call the model in the same way at every step; set modes and autocast before "
                    "the first one, and wrap the model anew to change them. For changing inputs, "
                    "set ORTMODULE_SKIPCHECK_POLICY=SKIP_CHECK_DISABLED in the environment before "
                    "the model is wrapped: ORTModule then exports again by itself."
                ),
                place=change,
                step=record.step,
                view=View.TRACES,
            )


class ModesReset(Detector):
    """ORTModule put modules into training mode that the user had in eval mode."""

    name = "modes_reset"

    def on_event(self, event: RunEvent) -> Iterable[Finding]:
        """One finding for each module."""
        if event.kind is EventKind.EXPORT and event.module is not None:
            label = self.label(event.module)
            yield self.finding(
                Severity.WARNING,
                f"ORTModule put {label} into training mode, though it was in eval mode",
                evidence=event.message,
                explanation=(
                    "ORTModule calls train() on the whole model when it is built and when it "
                    "exports, so a part that was frozen with eval() trains again: Dropout drops, "
                    "and BatchNorm normalises with the batch's own statistics. That is in the "
                    "graph, whatever mode the module is put into later."
                ),
                remedy=(
                    f"Leave {label} out of the wrapped model and call it in eager PyTorch, or "
                    "replace it by what it does in eval mode (nothing for Dropout, a fixed scale "
                    "and shift for BatchNorm)."
                ),
                place=event.module,
                step=event.step,
                module=event.module,
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
