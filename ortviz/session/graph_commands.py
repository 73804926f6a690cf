"""Answers about graphs: the same for a run and for ONNX files that nothing was recorded of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from ortviz.errors import OrtvizError
from ortviz.graphs import CHUNK_SIZE, operator_schemas
from ortviz.graphs.constants import read_constant
from ortviz.protocol.codec import Buffers
from ortviz.protocol.graph_messages import GraphsView
from ortviz.protocol.messages import CommandName
from ortviz.protocol.wire import ModeName, StageName
from ortviz.record import EventKind, RunStatus, SiteStatus
from ortviz.record.store import RunReader
from ortviz.session.extraction import extract_nodes, whole_model
from ortviz.session.graph_sources import GraphSource
from ortviz.session.lineage import stage_lineage
from ortviz.session.structures import details_of, model_of, structure_of
from ortviz.views.graph_details import graph_details_view, graph_schemas_view
from ortviz.views.graph_lineage import graph_lineage_view
from ortviz.views.graph_structure import graph_structure_view
from ortviz.views.graphs import graph_model_view, graph_nodes_view, graphs_view
from ortviz.views.tensor_values import no_values_view, tensor_values_view

Params = Mapping[str, object]


Answer = Callable[[GraphSource, Params, Buffers], object]


def run_graphs(reader: RunReader) -> GraphsView:
    """The stages of a run, and why there is none where there is none."""
    stored = reader.graphs()
    notes = [
        f"Step {event.step}: {event.message}"
        for event in reader.events()
        if event.kind is EventKind.FALLBACK
    ]
    if not stored:
        notes.append(_why_no_graphs(reader, fell_back=bool(notes)))
    return graphs_view(stored, notes)


def _why_no_graphs(reader: RunReader, *, fell_back: bool) -> str:
    info = reader.info()
    if info.engine == "eager":
        reason = f" ({info.engine_reason})" if info.engine_reason else ""
        return f"ONNX Runtime does not run this model{reason}, so there are no graphs."
    if fell_back:
        return "ORTModule gave up before it saved a graph; the finding in Findings says why."
    state = reader.state()
    if state.status is RunStatus.ENDED and not state.step_count:
        return "The run ended before its first training step, in which ORTModule exports the model."
    if state.status is RunStatus.ENDED:
        return "The run ended and no graph of it was saved."
    if state.step_count > 1:
        return "No graph of this model has been saved."
    return "ORTModule has not exported the model yet; it does so in the first step."


def stage_of(params: Params) -> tuple[ModeName, StageName]:
    """The mode and stage that a command names."""
    return cast(ModeName, params["mode"]), cast(StageName, params["stage"])


def _graph_nodes(source: GraphSource, params: Params, buffers: Buffers) -> object:
    return graph_nodes_view(source.graph(*stage_of(params)))


def _graph_model(source: GraphSource, params: Params, buffers: Buffers) -> object:
    mode, stage = stage_of(params)
    model = source.model_bytes(mode, stage)
    return graph_model_view(mode, stage, model, source.info().name, buffers)


def _graph_structure(source: GraphSource, params: Params, buffers: Buffers) -> object:
    mode, stage = stage_of(params)
    return graph_structure_view(mode, stage, structure_of(source, mode, stage), buffers)


def _graph_details(source: GraphSource, params: Params, buffers: Buffers) -> object:
    chunk = cast(int, params["chunk"])
    nodes = details_of(source, *stage_of(params)).chunk(chunk)
    return graph_details_view(chunk, CHUNK_SIZE, nodes)


def _graph_schemas(source: GraphSource, params: Params, buffers: Buffers) -> object:
    mode, stage = stage_of(params)
    ops = structure_of(source, mode, stage).ops
    return graph_schemas_view(operator_schemas(ops, model_of(source, mode, stage)))


def _graph_lineage(source: GraphSource, params: Params, buffers: Buffers) -> object:
    return graph_lineage_view(stage_lineage(source, *stage_of(params)), buffers)


def _graph_extract(source: GraphSource, params: Params, buffers: Buffers) -> object:
    mode, stage = stage_of(params)
    part = extract_nodes(source, mode, stage, cast("list[int]", params["nodes"]))
    return graph_model_view(
        mode,
        stage,
        part.model_bytes,
        source.info().name,
        buffers,
        part=f"_{part.node_count}_nodes",
        notes=part.notes,
    )


def _graph_constant(source: GraphSource, params: Params, buffers: Buffers) -> object:
    mode, stage = stage_of(params)
    name = cast(str, params["name"])
    model = whole_model(source, mode, stage)
    try:
        constant = read_constant(model, name, source.data_folder())
    except OrtvizError as error:
        return no_values_view(name, None, SiteStatus.NOT_CAPTURED, str(error), buffers)
    return tensor_values_view(name, None, constant.values, constant.dtype, buffers)


GRAPH_ANSWERS: dict[CommandName, Answer] = {
    "graph_nodes": _graph_nodes,
    "graph_model": _graph_model,
    "graph_extract": _graph_extract,
    "graph_constant": _graph_constant,
    "graph_lineage": _graph_lineage,
    "graph_structure": _graph_structure,
    "graph_details": _graph_details,
    "graph_schemas": _graph_schemas,
}
"""What can be asked of any source of graphs; ``graphs`` itself differs between them."""
