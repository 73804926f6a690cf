"""Stands where ORTModule keeps its training agent and lets sampled steps use another."""

from __future__ import annotations

from typing import Any, Protocol

from ortviz._compat.ort_agents import Agent, OrtValues


class AgentWatcher(Protocol):
    """What decides which agent serves a run, and looks at it."""

    def run_forward(
        self, plain: Agent, feeds: OrtValues, fetches: OrtValues, state: object, cache: object
    ) -> None:
        """Run one forward with ``plain`` or a tapped agent."""

    def run_backward(
        self, plain: Agent, feeds: OrtValues, fetches: OrtValues, state: object
    ) -> None:
        """Run the backward of the forward that ``state`` belongs to."""


class AgentSwitch:
    """An agent that asks its watcher; everything else is the plain agent's.

    Args:
        plain: The agent ORTModule built.
        watcher: Chooses and observes.
    """

    def __init__(self, plain: Agent, watcher: AgentWatcher) -> None:
        self.plain = plain
        self._watcher = watcher

    def run_forward(
        self, feeds: OrtValues, fetches: OrtValues, state: object, cache: object = None
    ) -> None:
        """As ORT's agent."""
        self._watcher.run_forward(self.plain, feeds, fetches, state, cache)

    def run_backward(self, feeds: OrtValues, fetches: OrtValues, state: object) -> None:
        """As ORT's agent."""
        self._watcher.run_backward(self.plain, feeds, fetches, state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)
