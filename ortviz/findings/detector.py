"""What a detector is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from ortviz.findings.words import module_label
from ortviz.record import (
    Finding,
    GraphRecord,
    RunEvent,
    RunInfo,
    Severity,
    StepComparison,
    StepLosses,
    StepRecord,
    View,
)


class Detector:
    """Looks at one run as it comes in. Override what is needed; the rest finds nothing.

    One object per run, used from one thread; it may remember what it saw, as long as that does
    not grow with the number of steps. Seeing the same thing again, it returns a finding of the
    same key, and the engine extends the first one.

    Args:
        info: The run.
    """

    name: ClassVar[str] = ""
    """Its identity, in ``snake_case``; goes into every finding and its key."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info

    def on_started(self) -> Iterable[Finding]:
        """The run begins; ``self.info`` is all there is."""
        return ()

    def on_step(self, record: StepRecord, comparison: StepComparison | None) -> Iterable[Finding]:
        """A sampled step; ``comparison`` is None when it could not be made."""
        return ()

    def on_losses(self, losses: StepLosses) -> Iterable[Finding]:
        """The losses of a step, sampled or not. Called at every step, so it must be quick."""
        return ()

    def on_event(self, event: RunEvent) -> Iterable[Finding]:
        """Something happened to the run."""
        return ()

    def on_graph(self, graph: GraphRecord) -> Iterable[Finding]:
        """ORTModule saved a stage."""
        return ()

    def label(self, module: str) -> str:
        """``fc1 (Linear)``, for a person; the root module is ``the model itself``."""
        types = {known.name: known.type_name for known in self.info.modules}
        return module_label(module, types.get(module, ""))

    def finding(
        self,
        severity: Severity,
        title: str,
        *,
        evidence: str,
        explanation: str,
        remedy: str,
        place: str = "",
        step: int | None = None,
        module: str | None = None,
        site_id: str = "",
        view: View = View.FINDINGS,
        origin: bool = False,
    ) -> Finding:
        """Make a finding of this detector.

        Args:
            severity: How much it matters.
            title: One sentence: what and where.
            evidence: The numbers it rests on, with units, without the step's number.
            explanation: Why it happens.
            remedy: What to do.
            place: Tells findings of this detector apart; part of the key.
            step: The step; None when it concerns the whole run.
            module: Fully qualified module name; None when none.
            site_id: Site it points at; empty when none.
            view: Which view shows it best.
            origin: Whether it names where trouble begins, not what follows from it.
        """
        return Finding(
            key=f"{self.name}:{place}" if place else self.name,
            detector=self.name,
            severity=severity,
            title=title,
            evidence=evidence,
            explanation=explanation,
            remedy=remedy,
            first_step=step,
            last_step=step,
            module=module,
            site_id=site_id,
            view=view,
            origin=origin,
        )


DetectorFactory = Callable[[RunInfo], Detector]
"""Makes a detector for a run; a :class:`Detector` subclass is one."""
