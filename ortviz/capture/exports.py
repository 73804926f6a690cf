"""When and why ORTModule exported, and which later calls its graph does not fit."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import nn

from ortviz._compat import ort_private
from ortviz._compat.ort_private import ExecutionManager
from ortviz.capture.call_state import (
    Call,
    CallState,
    checked_changes,
    evaluating,
    graph_changes,
)
from ortviz.capture.stages import StageCollector
from ortviz.record import EventKind, Mode, Problem, RunEvent, Sink

_MODEL_CHANGED = (
    "an attribute of the model was set through the ORTModule, which takes that for a changed model"
)


@dataclass(frozen=True, slots=True)
class _Built:
    """What ORTModule made for one mode.

    Attributes:
        call: The call it was made for.
        tokens: Weak references to :func:`ort_private.build_tokens`.
    """

    call: CallState
    tokens: tuple[weakref.ref[object], weakref.ref[object]]


class ExportWatch:
    """Tells the sink of every export, and keeps what it was made for.

    Args:
        model: The user's own module.
        stages: Reads the saved graphs.
        sink: Gets graphs, events and Problems.
    """

    def __init__(self, model: nn.Module, stages: StageCollector, sink: Sink) -> None:
        self._model = model
        self._stages = stages
        self._sink = sink
        self._call: Call | None = None
        self._evaluating: frozenset[str] | None = None
        self._built: dict[Mode, _Built] = {}

    @contextmanager
    def calling(self, call: Call) -> Iterator[None]:
        """A forward runs that ORTModule may export for."""
        self._call = call
        if self._evaluating is None and self._model.training:
            self._evaluating = evaluating(self._model)
        try:
            yield
        finally:
            self._call = None

    def agent_created(self, manager: ExecutionManager, mode: Mode, step: int) -> None:
        """ORTModule has just made an agent, for the call that is running."""
        try:
            self._tell(manager, mode, step)
        except Exception as error:  # noqa: BLE001 - ORTModule would give up on ORT because of it
            self._sink.problem(
                Problem(
                    f"The saved graphs of mode {mode.value} could not be read: {error}",
                    "Training goes on; the Graph view stays empty.",
                    step=step,
                )
            )

    def tell_modes(self, evaluating_before: frozenset[str], step: int) -> None:
        """Tell of modules that ORTModule put into training mode though they were in eval mode.

        It does so to all of them when it is built and when it exports.
        """
        changed = evaluating_before - evaluating(self._model)
        for name, _ in self._model.named_modules():
            if name in changed:
                message = (
                    f"ORTModule put the module {name} into training mode; it was in eval mode."
                )
                self._sink.event(RunEvent(EventKind.EXPORT, step, message, module=name))

    def unseen_changes(self, call: Call) -> tuple[str, ...]:
        """How a training call differs from the one the graph was exported for; phrases."""
        built = self._built.get(Mode.TRAINING)
        if built is None:
            return ()
        return tuple(graph_changes(built.call, CallState.of(self._model, call)))

    def _tell(self, manager: ExecutionManager, mode: Mode, step: int) -> None:
        if self._call is None:
            return
        before = self._built.get(mode)
        now = _Built(CallState.of(self._model, self._call), _weakly(manager))
        self._built[mode] = now
        self._sink.event(RunEvent(EventKind.EXPORT, step, _sentence(mode, before, now)))
        if before is None and mode is Mode.TRAINING:
            self.tell_modes(self._evaluating or frozenset(), step)
        if before is None or _differ(before, now, 0) or _differ(before, now, 1):
            self._stages.collect(mode)


def _sentence(mode: Mode, before: _Built | None, now: _Built) -> str:
    graph = f"the {mode.value} graph"
    if before is None:
        return f"ORTModule exported {graph} for the first time."
    reason = "; ".join(checked_changes(before.call, now.call))
    if _differ(before, now, 0):
        return f"ORTModule exported {graph} again: {reason or _MODEL_CHANGED}."
    if _differ(before, now, 1):
        return f"ORTModule built {graph} again without a new export: {reason or 'reason unknown'}."
    return f"ORTModule made a new session for {graph}: {reason or 'the device changed'}."


def _weakly(manager: ExecutionManager) -> tuple[weakref.ref[object], weakref.ref[object]]:
    exported, built = ort_private.build_tokens(manager)
    return weakref.ref(exported), weakref.ref(built)


def _differ(before: _Built, now: _Built, index: int) -> bool:
    return before.tokens[index]() is not now.tokens[index]()
