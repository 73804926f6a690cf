"""A sink that keeps everything in lists."""

from __future__ import annotations

from ortviz.record import (
    GraphRecord,
    LossObservation,
    Problem,
    RunEvent,
    RunInfo,
    SiteStatus,
    StepCapture,
)


class ListSink:
    """Samples every n-th step and keeps what it is given."""

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self.verify: set[int] = set()
        self.time: dict[int, int] = {}
        self.info: RunInfo | None = None
        self.steps: list[int] = []
        self.captures: list[StepCapture] = []
        self.observations: list[LossObservation] = []
        self.graphs: list[GraphRecord] = []
        self.events: list[RunEvent] = []
        self.problems: list[Problem] = []

    def started(self, info: RunInfo) -> None:
        self.info = info

    def wants(self, step: int) -> bool:
        return step % self.every == 0

    def verifies(self, step: int) -> bool:
        return step in self.verify

    def times(self, step: int) -> int:
        return self.time.get(step, 0)

    def stepped(self, step: int) -> None:
        self.steps.append(step)

    def captured(self, capture: StepCapture) -> None:
        self.captures.append(capture)

    def observed(self, observation: LossObservation) -> None:
        self.observations.append(observation)

    def graph(self, graph: GraphRecord) -> None:
        self.graphs.append(graph)

    def event(self, event: RunEvent) -> None:
        self.events.append(event)

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)


def statuses(capture: StepCapture) -> dict[str, SiteStatus]:
    return {record.site.id: record.status for record in capture.record.candidate}
