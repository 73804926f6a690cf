"""The seam between capture, which sees a step, and the session, which keeps it."""

from __future__ import annotations

from typing import Protocol

from ortviz.record.findings import Problem
from ortviz.record.graphs import GraphRecord
from ortviz.record.runs import RunEvent, RunInfo
from ortviz.record.steps import LossObservation, StepCapture


class Sink(Protocol):
    """Takes what capture saw. Called on the training thread; must return at once, never raise."""

    def started(self, info: RunInfo) -> None:
        """The model is wrapped."""

    def wants(self, step: int) -> bool:
        """Whether this step is to be sampled."""

    def verifies(self, step: int) -> bool:
        """Whether this step, which is sampled, was asked to be looked into deeply."""

    def times(self, step: int) -> int:
        """How often this step, which is sampled, is to be run again to time its nodes; 0: not."""

    def stepped(self, step: int) -> None:
        """A training forward pass of this number begins, sampled or not."""

    def captured(self, capture: StepCapture) -> None:
        """A sampled step is complete. Its arrays belong to the sink now."""

    def observed(self, observation: LossObservation) -> None:
        """A loss call was seen, or its step ended without one. Arrays belong to the sink now."""

    def graph(self, graph: GraphRecord) -> None:
        """A stage was saved by ORTModule."""

    def event(self, event: RunEvent) -> None:
        """Something happened to the run."""

    def problem(self, problem: Problem) -> None:
        """Something of ortviz's own went wrong; training goes on."""
