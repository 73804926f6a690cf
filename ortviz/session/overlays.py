"""Answers about what a step recorded, laid over a graph: overlays, and values of single tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ortviz.errors import UnknownNameError
from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import GraphOverlayView, TensorValuesView
from ortviz.protocol.wire import SideName
from ortviz.record import EventKind, Mode, Side, Site, SiteStatus, Stage, StepRecord
from ortviz.record.store import RunReader
from ortviz.session.graph_sources import GraphSource
from ortviz.session.newest import Newest
from ortviz.session.node_times import measured_notes
from ortviz.session.step_tensors import kept_raw
from ortviz.session.structures import open_stage
from ortviz.views.graph_overlay import NodeSecs, StageValues, graph_overlay_view
from ortviz.views.reading import compared_step
from ortviz.views.tensor_values import no_values_view, tensor_values_view

Params = Mapping[str, object]
_MOST_STAGES = 16
"""Whose values are kept, so that playing steps is quick."""


def _read_values(source: GraphSource, mode: Mode | str, stage: Stage | str) -> StageValues:
    opened = open_stage(source, mode, stage)
    return StageValues.of(opened.record, opened.structure)


_VALUES = Newest(_read_values, lambda kept: len(kept) <= _MOST_STAGES)


def graph_overlay(reader: RunReader, params: Params, buffers: Buffers) -> GraphOverlayView:
    """What a step recorded of the tensors of a stage."""
    mode, stage = Mode(cast(str, params["mode"])), Stage(cast(str, params["stage"]))
    values = _VALUES.get(reader, mode, stage)
    record, comparison = compared_step(reader, cast(int, params["step"]))
    times, notes = _times(reader, values, record.step), _older_export(reader, record)
    return graph_overlay_view(values, record, comparison, times, notes, buffers)


def _times(reader: RunReader, values: StageValues, step: int) -> NodeSecs:
    """What was measured last up to a step, by node."""
    measured = reader.node_times(step)
    if measured is None or not measured.nodes:
        return NodeSecs(notes=measured_notes(measured))
    if (values.mode, values.stage) != (Mode.TRAINING, Stage.EXECUTION_MODEL):
        other = "Times were measured of the training graph that runs, execution_model."
        return NodeSecs(notes=[other])
    secs: dict[int, float] = {}
    for time in measured.nodes:
        node = values.maker_of(time.output)
        if node is not None:
            secs[node] = secs.get(node, 0.0) + time.secs
    lost_count = len(measured.nodes) - len(secs)
    words = "node is" if lost_count == 1 else "nodes are"
    lost = [f"{lost_count} timed {words} not in this graph."] if lost_count else []
    return NodeSecs(tuple(secs), tuple(secs.values()), [*measured_notes(measured), *lost])


def _older_export(reader: RunReader, record: StepRecord) -> list[str]:
    """That the graph is a newer one than the step ran, where it is."""
    later = [
        event.step
        for event in reader.events()
        if event.kind is EventKind.EXPORT and event.step > record.step
    ]
    if not later or record.fallback:
        return []
    note = (
        f"ORTModule exported the model again in step {later[-1]}. Step {record.step} ran an older "
        "graph; its tensors are shown where they have the same names here."
    )
    return [note]


def tensor_values(reader: RunReader, params: Params, buffers: Buffers) -> TensorValuesView:
    """The elements of a kept tensor, or why there are none."""
    step, site_id = cast(int, params["step"]), cast(str, params["site_id"])
    name = cast(SideName, params["side"])
    side = Side(name)
    record = reader.step(step)
    Site.parse(site_id)
    try:
        kept = kept_raw(reader, step, site_id, side)
    except UnknownNameError as error:
        return no_values_view(site_id, name, _status(record, site_id, side), str(error), buffers)
    return tensor_values_view(site_id, name, kept.values, kept.dtype, buffers)


def _status(record: StepRecord, site_id: str, side: Side) -> SiteStatus:
    """Why a side has no such tensor; NOT_CAPTURED also where only its statistics were kept."""
    records = record.candidate if side is Side.CANDIDATE else record.reference
    status = next((seen.status for seen in records if seen.site.id == site_id), None)
    return SiteStatus.NOT_CAPTURED if status in (None, SiteStatus.CAPTURED) else status
