"""Which module outputs a step has and what they are called in ORT's graph, without their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ortviz.capture.matching import Match, OutputKey
from ortviz.capture.plan import TapPlan
from ortviz.capture.trace import ModuleCall


@dataclass(frozen=True, slots=True)
class Outline:
    """What one eager run has told about all runs of one of ORT's graphs.

    Attributes:
        plan: Of that graph.
        calls: Calls of modules; their outputs are empty tensors, one for each output.
        matches: What each output is in ORT's graph.
    """

    plan: TapPlan
    calls: tuple[ModuleCall, ...]
    matches: Mapping[OutputKey, Match]


def outline_of(
    plan: TapPlan, calls: Sequence[ModuleCall], matches: Mapping[OutputKey, Match]
) -> Outline:
    """Keep what holds for further steps.

    Args:
        plan: Of the graph that ran.
        calls: From the eager run.
        matches: How its outputs were found in ORT's run.
    """
    nothing = torch.empty(0)
    emptied = (
        replace(
            call,
            outputs=[nothing] * len(call.outputs),
            gradients=[None] * len(call.gradients),
            arguments=None,
        )
        for call in calls
    )
    return Outline(plan, tuple(emptied), matches)
