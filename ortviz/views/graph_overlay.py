"""The answer to ``graph_overlay``: what a step recorded, by tensor of one stage of the graph."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import GraphOverlayView
from ortviz.protocol.wire import Column
from ortviz.record import (
    Direction,
    ErrorOrigin,
    GraphRecord,
    GraphStructure,
    Mode,
    Site,
    SiteComparison,
    SiteRecord,
    SiteStatus,
    Stage,
    StepComparison,
    StepRecord,
    Verdict,
)
from ortviz.record.structures import GRAPH_INPUT
from ortviz.views.cells import float_column, int_column

VERDICT_CODES: Mapping[Verdict, int] = {verdict: code for code, verdict in enumerate(Verdict)}
"""Codes of ``GraphOverlayView.verdict``."""
_GRADIENTS = (Direction.BACKWARD, Direction.PARAMETER_GRAD)
_YIELD_OP = "YieldOp"
_BEFORE_FUSION = (Stage.TORCH_EXPORTED, Stage.POST_PROCESSED)


@dataclass(frozen=True, slots=True)
class StageValues:
    """The values of a stage, as ``graph_structure`` numbers those that its nodes make.

    Attributes:
        mode: Training or inference.
        stage: Which one.
        numbers: Name -> number.
        makers: int32 (value): the node that makes it.
        returned: What the model returns, by output, in a training graph; empty in others.
        arriving: The gradients that arrive at its outputs, in order.
        inputs: Numbers of what the model is given.
    """

    mode: Mode
    stage: Stage
    numbers: Mapping[str, int]
    makers: NDArray[np.int32]
    returned: tuple[str, ...] = ()
    arriving: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()

    @classmethod
    def of(cls, graph: GraphRecord, structure: GraphStructure) -> StageValues:
        """Find the values of a stage. Of those with the same name the first one counts.

        Args:
            graph: The stage.
            structure: Its hierarchy, whose numbers are meant.
        """
        numbers: dict[str, int] = {}
        for number, name in enumerate(structure.value_names):
            numbers.setdefault(name, number)
        joints = [node for node in graph.nodes if node.op_type == _YIELD_OP]
        kinds = structure.node_kind[structure.value_node]
        return cls(
            graph.mode,
            graph.stage,
            numbers,
            structure.value_node,
            joints[-1].inputs if joints else (),
            joints[-1].outputs if joints else (),
            tuple(int(value) for value in np.flatnonzero(kinds == GRAPH_INPUT)),
        )

    def maker_of(self, name: str) -> int | None:
        """The node that makes a value; None where there is none of that name."""
        number = self.numbers.get(name)
        return None if number is None else int(self.makers[number])

    def number_of(self, site: Site, candidate: SiteRecord | None) -> int | None:
        """The value that a site is in this stage; None where the stage has no such value.

        What ORT's optimiser merged away is there in the stages before that. Afterwards its name
        may stand for another tensor.

        Args:
            site: Where the tensor was seen.
            candidate: What ORT's side knows of it. It has no name of the model's own outputs and
                of what arrives at them: ORTModule calls those ``output-0`` and ``output-0_grad``.
        """
        if candidate is None:
            return None
        if site.direction is Direction.INPUT:
            return self.inputs[0]
        if candidate.status is not SiteStatus.CAPTURED and self.stage not in _BEFORE_FUSION:
            return None
        names = [candidate.value_name] if candidate.value_name else self._outer_names(site)
        return next((self.numbers[name] for name in names if name in self.numbers), None)

    def _outer_names(self, site: Site) -> list[str]:
        slot = site.slot.removeprefix("out")
        if site.module or site.is_inner or not slot.isdecimal():
            return []
        place, names = int(slot), []
        if site.direction is Direction.FORWARD:
            names = [f"output-{place}", *self.returned[place : place + 1]]
        elif site.direction is Direction.BACKWARD:
            names = [f"output-{place}_grad"]
            if len(self.arriving) == len(self.returned):
                names += self.arriving[place : place + 1]
        return names


@dataclass(frozen=True, slots=True)
class NodeSecs:
    """How long nodes of a stage take.

    Attributes:
        nodes: Numbers of nodes.
        secs: Seconds a call, median, of each.
        notes: What they are of, or why there are none.
    """

    nodes: Sequence[int] = ()
    secs: Sequence[float] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A value of the stage and what was recorded of it."""

    number: int
    site_id: str
    site: Site
    reference: SiteRecord | None
    candidate: SiteRecord | None
    compared: SiteComparison | None

    @property
    def verdict(self) -> Verdict:
        if self.compared:
            return self.compared.verdict
        given = self.site.direction is Direction.INPUT
        return Verdict.EQUAL if given else Verdict.NOT_COMPARABLE

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """Of several sites with the same tensor the highest one is shown: the innermost module."""
        depth = self.site.module.count(".") + bool(self.site.module)
        return self.verdict is not Verdict.NOT_COMPARABLE, depth, not self.site.is_inner


def graph_overlay_view(
    values: StageValues,
    step: StepRecord,
    comparison: StepComparison,
    times: NodeSecs,
    notes: Sequence[str],
    buffers: Buffers,
) -> GraphOverlayView:
    """What a step recorded of the values of one stage, by their numbers.

    Args:
        values: The stage's.
        step: The step.
        comparison: Its comparison; empty where only one side ran.
        times: Of nodes of this stage.
        notes: What else is to be said.
        buffers: Takes the columns.
    """
    seen, left_out_count = _seen(values, step, comparison)
    return {
        "step": step.step,
        "value": int_column(buffers, (each.number for each in seen)),
        "site_ids": buffers.add_strings(each.site_id for each in seen),
        "verdict": _codes(buffers, (VERDICT_CODES[each.verdict] for each in seen)),
        "born_here": _codes(buffers, (_born_here(each.compared) for each in seen)),
        "max_abs_error": float_column(buffers, (_error(each, "max_abs_error") for each in seen)),
        "max_rel_error": float_column(buffers, (_error(each, "max_rel_error") for each in seen)),
        "reference_norm": float_column(buffers, (_norm(each.reference) for each in seen)),
        "candidate_norm": float_column(buffers, (_norm(each.candidate) for each in seen)),
        "reference_nonfinite": int_column(buffers, (_nonfinite(s.reference) for s in seen)),
        "candidate_nonfinite": int_column(buffers, (_nonfinite(s.candidate) for s in seen)),
        "backward": _codes(buffers, (s.site.direction in _GRADIENTS for s in seen)),
        "timed_node": int_column(buffers, times.nodes),
        "node_secs": float_column(buffers, times.secs),
        "notes": [*_own_notes(values.mode, step, len(seen), left_out_count), *notes],
        "time_notes": list(times.notes),
    }


def _seen(
    values: StageValues, step: StepRecord, comparison: StepComparison
) -> tuple[list[_Seen], int]:
    """What was recorded of values of the stage, by number; how many tensors it does not have."""
    compared = {result.site.id: result for result in comparison.sites}
    reference = {record.site.id: record for record in step.reference}
    candidate = {record.site.id: record for record in step.candidate}
    found: dict[int, _Seen] = {}
    if step.mode is not values.mode:
        return [], 0
    left_out_count = 0
    directions = _shown_directions(values, (record.site for record in step.candidate))
    for site_id in {**candidate, **reference}:
        sides = reference.get(site_id), candidate.get(site_id)
        site = next(record.site for record in sides if record)
        if site.direction not in directions or not any(side and side.stats for side in sides):
            continue
        number = values.number_of(site, sides[1])
        if number is None:
            left_out_count += 1
            continue
        each = _Seen(number, site_id, site, *sides, compared.get(site_id))
        if number not in found or each.rank > found[number].rank:
            found[number] = each
    return [found[number] for number in sorted(found)], left_out_count


def _shown_directions(values: StageValues, sites: Iterable[Site]) -> tuple[Direction, ...]:
    """Of several inputs nothing tells which is which: arguments may be named in any order."""
    given_count = sum(site.direction is Direction.INPUT for site in sites)
    only_one = given_count == 1 and len(values.inputs) == 1
    return (Direction.FORWARD, *_GRADIENTS, *((Direction.INPUT,) if only_one else ()))


def _own_notes(mode: Mode, step: StepRecord, count: int, left_out_count: int) -> list[str]:
    note = ""
    if step.mode != mode:
        ran = step.mode.value
        note = f"Step {step.step} ran the {ran} graph, so it has nothing of the {mode.value} graph."
    elif step.fallback:
        note = f"ORTModule ran step {step.step} in eager PyTorch, so none of ORT's graphs ran."
    elif left_out_count:
        kind = "tensor" if left_out_count == 1 else "tensors"
        note = (
            f"{left_out_count} recorded {kind} {_verb(left_out_count)} not in this stage (made in "
            f"another one, or merged); {count} {_verb(count)}."
        )
    return [note] if note else []


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"


def _codes(buffers: Buffers, values: Iterable[int]) -> Column:
    return buffers.add(np.fromiter(values, dtype=np.uint8))


def _born_here(compared: SiteComparison | None) -> bool:
    return compared is not None and compared.origin is ErrorOrigin.HERE


def _error(seen: _Seen, name: str) -> float:
    value = getattr(seen.compared, name) if seen.compared else None
    return math.nan if value is None else float(value)


def _norm(record: SiteRecord | None) -> float:
    norm = record.stats.l2_norm if record and record.stats else None
    return math.nan if norm is None else norm


def _nonfinite(record: SiteRecord | None) -> int:
    return record.stats.nonfinite_count if record and record.stats else 0
