"""The hierarchies of the stages that were asked for last, so that all answers number alike."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import onnx

from ortviz.graphs import ModelNames, parse_model, read_structure
from ortviz.record import GraphRecord, GraphStructure, Mode, RunInfo, Stage
from ortviz.session.graph_sources import GraphSource

MAX_STAGES = 12
"""Stages that are kept; two panes show two, and their differences need the ones before."""
MAX_NODES = 400_000
"""Nodes of all kept stages together, but for the newest."""
KEPT_MODEL_BYTES = 64 * 2**20
"""A larger file is read again when its details are asked for."""

_Key = tuple[str, object]


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage that was read.

    Attributes:
        record: Nodes with their modules; without the file's bytes.
        structure: Its hierarchy.
        names: Of the model's parts.
        model: The ONNX file, parsed; None where it is too large to be kept.
    """

    record: GraphRecord
    structure: GraphStructure
    names: ModelNames
    model: onnx.ModelProto | None


class _OpenStages:
    """The newest few of this process; several threads ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: OrderedDict[_Key, OpenStage] = OrderedDict()

    def get(self, source: GraphSource, mode: Mode | str, stage: Stage | str) -> OpenStage:
        key = source.info().run_id, source.graph_key(mode, stage)
        with self._lock:
            found = self._stages.get(key)
            if found is not None:
                self._stages.move_to_end(key)
                return found
        made = _read(source, mode, stage)
        with self._lock:
            self._stages[key] = made
            self._let_go()
        return made

    def _let_go(self) -> None:
        def node_count() -> int:
            return sum(len(each.structure.node_op) for each in self._stages.values())

        while len(self._stages) > 1 and (
            len(self._stages) > MAX_STAGES or node_count() > MAX_NODES
        ):
            self._stages.popitem(last=False)


_OPEN = _OpenStages()


def open_stage(source: GraphSource, mode: Mode | str, stage: Stage | str) -> OpenStage:
    """The newest export of a stage, read at most once as long as it is in use.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return _OPEN.get(source, mode, stage)


def structure_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> GraphStructure:
    """The hierarchy of a stage; its numbers are what all commands about graphs refer to.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    return open_stage(source, mode, stage).structure


def model_of(source: GraphSource, mode: Mode | str, stage: Stage | str) -> onnx.ModelProto:
    """The ONNX file of a stage, parsed; not to be changed.

    Raises:
        UnknownNameError: There is no such stage.
        OrtvizError: Its file is no ONNX model.
    """
    kept = open_stage(source, mode, stage).model
    return kept or parse_model(source.model_bytes(mode, stage), f"{mode!s}/{stage!s}")


def model_names(info: RunInfo) -> ModelNames:
    """The names of a recorded model's modules, parameters and buffers."""
    tensors = {parameter.name for parameter in info.parameters}
    for module in info.modules:
        inside = f"{module.name}." if module.name else ""
        tensors.update(f"{inside}{buffer}" for buffer in module.buffers)
    return ModelNames(tuple(module.name for module in info.modules), frozenset(tensors))


def _read(source: GraphSource, mode: Mode | str, stage: Stage | str) -> OpenStage:
    whole = source.graph(mode, stage)
    record = GraphRecord(
        whole.mode, whole.stage, whole.nodes, whole.op_counts, b"", whole.export_index
    )
    model = parse_model(whole.model_bytes, f"{whole.mode.value}/{whole.stage.value}")
    names = model_names(source.info())
    structure = read_structure(model, record, names)
    keeps = len(whole.model_bytes) <= KEPT_MODEL_BYTES
    return OpenStage(record, structure, names, model if keeps else None)
