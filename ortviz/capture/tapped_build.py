"""Builds the agents that read an export's tensors: as many as ONNX Runtime hands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import onnx
import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import TappedAgent, tap_agent
from ortviz._compat.ort_private import ExecutionManager
from ortviz._compat.ort_repeat import (
    MaskedModel,
    NotRepeatableError,
    check_shared_generator,
    masked_model,
)
from ortviz.capture.inner_values import largest_accepted
from ortviz.capture.plan import TapPlan, add_inner_values, build_plan
from ortviz.capture.readings import Readings
from ortviz.capture.stages import StageCollector
from ortviz.capture.unread import Unread
from ortviz.capture.watched_graph import WatchedGraph
from ortviz.graphs import ModuleScopes, parse_model
from ortviz.record import Level, Mode, Stage, TapCheck

_TRIES = 24
"""Sessions to build at most while looking for the values that ONNX Runtime refuses."""


@dataclass(frozen=True, slots=True)
class TappedBuilder:
    """Makes the agents for whatever was exported last.

    Attributes:
        manager: ORTModule's training manager.
        stages: Knows where the saved graphs are.
        scopes: The names of the model's modules.
        module_names: Fully qualified names.
    """

    manager: ExecutionManager
    stages: StageCollector
    scopes: ModuleScopes
    module_names: tuple[str, ...]

    def build(self, level: Level, readings: Readings, unread: Unread) -> WatchedGraph:
        """Build the agents that read the graph that was exported last.

        At the tensor level a value that makes ONNX Runtime refuse the graph is left out, and
        the plan says so; the values of the module level are never given up for it.

        Args:
            level: What to read.
            readings: Gets it.
            unread: What is to be left out.

        Raises:
            LookupError: There is no training graph.
            OwnGeneratorError: Only the plain agent may serve this graph.
            RuntimeError: ORT's own error if it refuses even the module level.
        """
        optimized = ort_private.optimized_model(self.manager)
        if optimized is None:
            raise LookupError("ORTModule has no training graph.")
        check_shared_generator(optimized)
        plan = build_plan(
            self._stage(Stage.TORCH_EXPORTED), optimized, self.scopes, self.module_names
        )
        if level is Level.TENSOR:
            exported = self._stage(Stage.POST_PROCESSED)
            plan = add_inner_values(plan, exported, optimized, self.scopes)
        plan = unread.without(plan)
        kept_apart = self._made_in(Stage.EXECUTION_MODEL)
        try:
            masked = masked_model(optimized)
        except NotRepeatableError as error:
            plan = replace(plan, inner=plan.inner.as_in_training(kept_apart))
            return self._unchecked(plan, readings, error)
        plan, beside = _accepted(plan, lambda each: self._beside(each, masked, readings))
        plan = replace(plan, only_watched_count=_missing_count(plan, kept_apart))
        watched = WatchedGraph(plan, masked.mask_names, beside=beside)
        if masked.mask_names:
            see = partial(readings.masks, masked.mask_names)
            watched.server = tap_agent(self.manager, masked.mask_names, (), see, _nothing)
            watched.make_direct = partial(self._direct, plan, readings)
        else:
            watched.make_direct = lambda: beside
        return watched

    def _unchecked(
        self, plan: TapPlan, readings: Readings, error: NotRepeatableError
    ) -> WatchedGraph:
        """For a graph that cannot run beside: nothing is read that changes what ORT merges."""
        plan, direct = _accepted(plan, lambda each: self._direct(each, readings))
        reason = f"The instrumented graph was not checked against the plain one. {error}"
        check = TapCheck(made=False, reason=reason)
        return WatchedGraph(plan, direct=direct, same=True, unchecked=check)

    def _direct(self, plan: TapPlan, readings: Readings) -> TappedAgent:
        return self._agent(plan, plan.all_forward, readings)

    def _beside(self, plan: TapPlan, masked: MaskedModel, readings: Readings) -> TappedAgent:
        names = tuple(name for name in plan.all_forward if name not in masked.mask_names)
        return self._agent(plan, names, readings, masked.model)

    def _agent(
        self,
        plan: TapPlan,
        forward_names: tuple[str, ...],
        readings: Readings,
        model: onnx.ModelProto | None = None,
    ) -> TappedAgent:
        return tap_agent(
            self.manager,
            forward_names,
            plan.all_backward,
            partial(readings.forward, plan, forward_names),
            partial(readings.backward, plan),
            model,
        )

    def _stage(self, stage: Stage) -> onnx.ModelProto:
        file = self.stages.file_of(Mode.TRAINING, stage)
        return parse_model(file.read_bytes(), f"training/{stage.value}")

    def _made_in(self, stage: Stage) -> frozenset[str]:
        """The values that the nodes of a stage make."""
        nodes = self._stage(stage).graph.node
        return frozenset(name for node in nodes for name in node.output)


def _missing_count(plan: TapPlan, made: frozenset[str]) -> int:
    return sum(name not in made for name in (*plan.all_forward, *plan.all_backward))


def _nothing(tensors: tuple[torch.Tensor, ...]) -> None:
    """Takes the further gradients of an agent that was asked for none."""


def _accepted(
    plan: TapPlan, agent_of: Callable[[TapPlan], TappedAgent]
) -> tuple[TapPlan, TappedAgent]:
    """The plan without what ORT refuses, and its agent."""
    try:
        return plan, agent_of(plan)
    except Exception:
        if not plan.inner.names:
            raise

    def accepts(names: Sequence[str]) -> bool:
        try:
            agent_of(_with(plan, names))
        except Exception:  # noqa: BLE001 - whatever it is, without these values it may work
            return False
        return True

    kept = largest_accepted(plan.inner.names, accepts, _TRIES)
    without = _with(plan, kept)
    return without, agent_of(without)


def _with(plan: TapPlan, names: Iterable[str]) -> TapPlan:
    return replace(plan, inner=plan.inner.only(frozenset(names)))
