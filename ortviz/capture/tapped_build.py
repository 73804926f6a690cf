"""Builds the tapped agent of an export, with as many values as ONNX Runtime hands out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import onnx

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import TappedAgent, TensorsSeen, tap_agent
from ortviz._compat.ort_private import ExecutionManager
from ortviz.capture.inner_values import largest_accepted
from ortviz.capture.plan import TapPlan, add_inner_values, build_plan
from ortviz.capture.stages import StageCollector
from ortviz.graphs import ModuleScopes, parse_model
from ortviz.record import Level, Mode, Stage

_TRIES = 24
"""Sessions to build at most while looking for the values that ONNX Runtime refuses."""


@dataclass(frozen=True, slots=True)
class TappedBuilder:
    """Makes the tapped agent for whatever was exported last.

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

    def build(
        self, level: Level, on_forward: TensorsSeen, on_backward: TensorsSeen
    ) -> tuple[TappedAgent, TapPlan]:
        """Build the agent, and say what it reads.

        At the tensor level a value that makes ONNX Runtime refuse the graph is left out, and
        the plan says so; the values of the module level are never given up for it.

        Args:
            level: What to read.
            on_forward: Gets the values of every forward, in the plan's order.
            on_backward: Gets those of every backward.

        Raises:
            LookupError: There is no training graph.
            RuntimeError: ORT's own error if it refuses even the module level.
        """
        optimized = ort_private.optimized_model(self.manager)
        if optimized is None:
            raise LookupError("ORTModule has no training graph.")

        def agent_of(plan: TapPlan) -> TappedAgent:
            return tap_agent(
                self.manager, plan.all_forward, plan.all_backward, on_forward, on_backward
            )

        plan = build_plan(
            self._stage(Stage.TORCH_EXPORTED), optimized, self.scopes, self.module_names
        )
        if level is Level.TENSOR:
            exported = self._stage(Stage.POST_PROCESSED)
            plan = add_inner_values(plan, exported, optimized, self.scopes)
        plan, agent = _accepted(plan, agent_of)
        return agent, replace(plan, only_watched_count=self._only_watched(plan))

    def _stage(self, stage: Stage) -> onnx.ModelProto:
        file = self.stages.file_of(Mode.TRAINING, stage)
        return parse_model(file.read_bytes(), f"training/{stage.value}")

    def _only_watched(self, plan: TapPlan) -> int:
        made = {
            name for node in self._stage(Stage.EXECUTION_MODEL).graph.node for name in node.output
        }
        return sum(name not in made for name in (*plan.all_forward, *plan.all_backward))


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


def _with(plan: TapPlan, names: Sequence[str]) -> TapPlan:
    return replace(plan, inner=plan.inner.only(frozenset(names)))
