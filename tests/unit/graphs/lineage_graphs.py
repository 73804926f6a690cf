"""Small hand-built graphs in two stages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ortviz.graphs.lineage import trace_lineage
from ortviz.graphs.modules import backward_indices
from ortviz.record import GraphRecord, Half, Mode, NodeRecord, Stage, StageLineage


def op(
    op_type: str,
    inputs: str,
    outputs: str,
    name: str | None = None,
    domain: str = "",
    **attributes: object,
) -> onnx.NodeProto:
    """A node; inputs and outputs are separated by spaces, ``-`` is one left out."""
    ins, outs = ([("" if each == "-" else each) for each in t.split()] for t in (inputs, outputs))
    called = f"n_{outs[0]}" if name is None else name
    return helper.make_node(op_type, ins, outs, name=called, domain=domain, **attributes)


def constant(output: str, value: object) -> onnx.NodeProto:
    """A Constant node."""
    return helper.make_node(
        "Constant", [], [output], name=f"n_{output}", value=numpy_helper.from_array(np.array(value))
    )


def stage(
    stage: Stage,
    nodes: Sequence[onnx.NodeProto],
    inputs: str = "x",
    outputs: str = "y",
    stored: dict[str, object] | None = None,
) -> GraphRecord:
    """One stage of a training graph."""
    graph = helper.make_graph(
        list(nodes),
        "g",
        list(_infos(inputs.split())),
        list(_infos(outputs.split())),
        [numpy_helper.from_array(np.array(v), name) for name, v in (stored or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets)
    return record(model, stage)


def record(model: onnx.ModelProto, stage: Stage) -> GraphRecord:
    """A model as a stage, its modules unknown."""
    backward = backward_indices(list(model.graph.node))
    nodes = tuple(
        NodeRecord(
            number,
            node.name,
            node.op_type,
            node.domain,
            tuple(node.input),
            tuple(node.output),
            Half.BACKWARD if number in backward else Half.FORWARD,
            None,
        )
        for number, node in enumerate(model.graph.node)
    )
    return GraphRecord(Mode.TRAINING, stage, nodes, (), model.SerializeToString())


def lineage(
    before: Sequence[onnx.NodeProto],
    after: Sequence[onnx.NodeProto],
    inputs: str = "x",
    outputs: str = "y",
    stored: dict[str, object] | None = None,
) -> StageLineage:
    """What became of one list of nodes in another; ``stored`` lies in the later file."""
    earlier = stage(Stage.POST_PROCESSED, before, inputs, outputs)
    later = stage(Stage.OPTIMIZED_PRE_GRAD, after, inputs, outputs, stored)
    return trace_lineage(earlier, later)


def kinds(found: StageLineage) -> tuple[list[str], list[str]]:
    """Kinds of the earlier and of the later nodes."""
    return (
        [fate.kind.value for fate in found.previous_nodes],
        [fate.kind.value for fate in found.nodes],
    )


def texts(found: StageLineage) -> list[str]:
    """The sentences."""
    return [sentence.text for sentence in found.sentences]


def _infos(names: Iterable[str]) -> Iterable[onnx.ValueInfoProto]:
    return (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
