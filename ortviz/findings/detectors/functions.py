"""A custom autograd Function whose own backward ONNX Runtime does not run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.version import InvalidVersion, Version

from ortviz.findings.detector import Detector
from ortviz.record import (
    Direction,
    Finding,
    FunctionCall,
    GraphRecord,
    Mode,
    RunInfo,
    Severity,
    SiteStatus,
    Stage,
    StepComparison,
    StepRecord,
    Verdict,
    View,
)

_PYTHON_OP = "PythonOp"
_NUMBERED = re.compile(r"_id_\d+$")
_LAST_TORCH = Version("2.7")
"""From this version on ONNX Runtime cannot run Functions in Python."""
_GRADIENTS = (Direction.BACKWARD, Direction.PARAMETER_GRAD)


class IgnoredBackward(Detector):
    """One finding per module and Function."""

    name = "ignored_backward"

    def __init__(self, info: RunInfo) -> None:
        super().__init__(info)
        self._in_graph: frozenset[str] | None = None
        self._ignored: dict[FunctionCall, None] = {}

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """Remembers which Functions the graph calls in Python."""
        if (graph.mode, graph.stage) == (Mode.TRAINING, Stage.POST_PROCESSED):
            self._in_graph = frozenset(
                _NUMBERED.sub("", node.name).rpartition(".")[2]
                for node in graph.nodes
                if node.op_type == _PYTHON_OP
            )
        return ()

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """Compares them with what the eager side called, and sees whether gradients suffer."""
        if record.fallback or self._in_graph is None:
            return
        for call in record.functions:
            if call.function not in self._in_graph:
                self._ignored[call] = None
        for call in self._ignored:
            yield self._finding(record, call, _first_difference(record, comparison))

    def _finding(self, record: StepRecord, call: FunctionCall, difference: str) -> Finding:
        effect = (
            f"The gradients differ, first at {difference}."
            if difference
            else "The gradients of this step agree within rounding all the same."
        )
        return self.finding(
            Severity.ERROR if difference else Severity.WARNING,
            f"ORT does not run the backward of {call.function} in {self.label(call.module)}",
            evidence=f"No {_PYTHON_OP} of it in ORT's graph. {effect}",
            explanation=(
                f"What {call.function}.forward does was exported as plain operations, and ORT "
                f"differentiates those. {call.function}.backward is in no graph, so a gradient "
                "that it makes on purpose (straight-through, clipped, reversed) is lost."
            ),
            remedy=self._remedy(),
            place=f"{call.module}:{call.function}",
            step=record.step,
            module=call.module,
            site_id=difference,
            view=View.GRADIENTS,
        )

    def _remedy(self) -> str:
        outside = (
            "leave the part that calls it out of the wrapped model: wrap what comes before and "
            "what comes after."
        )
        installed = dict(self.info.versions).get("torch", "")
        try:
            too_new = Version(installed) >= _LAST_TORCH
        except InvalidVersion:
            too_new = True
        if too_new:
            return (
                f"Install torch 2.4 to 2.6, where ONNX Runtime runs it in Python (this is torch "
                f"{installed or 'of unknown version'}), or {outside}"
            )
        return (
            "Set ORTMODULE_ENABLE_CUSTOM_AUTOGRAD=1 before Python starts, so that ONNX Runtime "
            f"runs it in Python, or {outside}"
        )


def _first_difference(record: StepRecord, comparison: StepComparison | None) -> str:
    """The first gradient on which the sides do not agree; empty when they do."""
    if comparison is None:
        return ""
    for direction in _GRADIENTS:
        if direction in comparison.first_divergence:
            return comparison.first_divergence[direction].id
    missing = {
        seen.site
        for seen in record.candidate
        if seen.site.direction in _GRADIENTS and seen.status is SiteStatus.NO_GRADIENT
    }
    for found in comparison.sites:
        if found.site in missing and found.verdict is Verdict.NOT_COMPARABLE:
            reference = next((r for r in record.reference if r.site == found.site), None)
            if reference is not None and reference.stats is not None and reference.stats.l2_norm:
                return found.site.id
    return ""
