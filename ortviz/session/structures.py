"""The hierarchies of the stages that were asked for last, so that all answers number alike."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import onnx

from ortviz.graphs import DetailsReader, ModelNames, parse_model, read_structure
from ortviz.graphs.onnx_files import without_large_values
from ortviz.record import GraphRecord, GraphStructure, Mode, RunInfo, Stage
from ortviz.session.graph_sources import GraphSource
from ortviz.session.newest import Newest

MAX_STAGES = 12
"""Stages that are kept; two panes show two, and their differences need the ones before."""
MAX_NODES = 400_000
"""Nodes of all kept stages together, but for the newest."""
MAX_DETAILS = 3
"""Stages whose nodes' details can be told at once."""
KEPT_MODEL_BYTES = 16 * 2**20
"""Of a larger file large tensors are kept without their values."""


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage that was read.

    Attributes:
        record: Nodes with their modules; without the file's bytes.
        structure: Its hierarchy.
        names: Of the model's parts.
        model: The ONNX file, parsed; large tensors may lack their values.
    """

    record: GraphRecord
    structure: GraphStructure
    names: ModelNames
    model: onnx.ModelProto


def open_stage(source: GraphSource, mode: Mode | str, stage: Stage | str) -> OpenStage:
    """The newest export of a stage, read at most once as long as it is in use.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return _STAGES.get(source, mode, stage)


def structure_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> GraphStructure:
    """The hierarchy of a stage; its numbers are what all commands about graphs refer to.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return open_stage(source, mode, stage).structure


def details_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> DetailsReader:
    """What answers for single nodes of a stage.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return _DETAILS.get(source, mode, stage)


def model_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> onnx.ModelProto:
    """The ONNX file of a stage, parsed; not to be changed. Large tensors may lack their values.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return open_stage(source, mode, stage).model


def model_names(info: RunInfo) -> ModelNames:
    """The names of a recorded model's modules, parameters and buffers."""
    tensors = {parameter.name for parameter in info.parameters}
    for module in info.modules:
        inside = f"{module.name}." if module.name else ""
        tensors.update(f"{inside}{buffer}" for buffer in module.buffers)
    return ModelNames(tuple(module.name for module in info.modules), frozenset(tensors))


def _read_stage(source: GraphSource, mode: Mode | str, stage: Stage | str) -> OpenStage:
    whole = source.graph(mode, stage)
    model = parse_model(whole.model_bytes, f"{whole.mode.value}/{whole.stage.value}")
    if len(whole.model_bytes) > KEPT_MODEL_BYTES:
        model = without_large_values(model)
    record, names = replace(whole, model_bytes=b""), model_names(source.info())
    structure = read_structure(model, record, names)
    return OpenStage(record, structure, names, model)


def _read_details(source: GraphSource, mode: Mode | str, stage: Stage | str) -> DetailsReader:
    known = open_stage(source, mode, stage)
    return DetailsReader(known.model, known.structure, known.record, known.names)


def _few_stages(kept: Collection[OpenStage]) -> bool:
    node_count = sum(len(each.structure.node_op) for each in kept)
    return len(kept) <= MAX_STAGES and node_count <= MAX_NODES


_STAGES = Newest(_read_stage, _few_stages)
_DETAILS = Newest(_read_details, lambda kept: len(kept) <= MAX_DETAILS)
