"""Two stages of the golden run's training graph, as records and as the ONNX files themselves."""

from __future__ import annotations

from collections import Counter
from typing import Union

from onnx import TensorProto, ValueInfoProto, helper

from ortviz.record import GraphRecord, Half, Mode, NodeRecord, Stage

_FORWARD, _BACKWARD = Half.FORWARD, Half.BACKWARD
_ONNX, _MICROSOFT = "", "com.microsoft"
_NORM = "/norm/BatchNormalization_output_0"
_LINEAR = "/blocks/blocks.0/Gemm_output_0"
_RELU = "/blocks/blocks.1/Relu_output_0"
_LINEAR_WEIGHTS = ["blocks.0.weight", "blocks.0.bias"]
_HEAD_WEIGHTS = ["head.weight", "head.bias"]
_STATISTICS = ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"]

FORWARD_NAMES = {"norm": _NORM, "blocks.0": _LINEAR, "blocks.1": _RELU, "head": "output"}
"""Module -> the value that is its output."""

Row = tuple[str, str, str, list[str], list[str], Half, Union[str, None]]
"""Name, operator, domain, inputs, outputs, half and module of a node."""


def _row(
    name: str, op: str, inputs: list[str], output: str, module: str | None, domain: str = _ONNX
) -> Row:
    half = _BACKWARD if output.endswith("_grad") and op != "YieldOp" else _FORWARD
    return name, op, domain, inputs, [output], half, module


_BATCH_NORM = _row(
    "/norm/BatchNormalization", "BatchNormalization", ["input", *_STATISTICS], _NORM, "norm"
)
_HEAD = _row("/head/Gemm", "Gemm", [_RELU, *_HEAD_WEIGHTS], "output", "head")
_EXPORTED = [
    _BATCH_NORM,
    _row("/blocks/blocks.0/Gemm", "Gemm", [_NORM, *_LINEAR_WEIGHTS], _LINEAR, "blocks.0"),
    _row("/blocks/blocks.1/Relu", "Relu", [_LINEAR], _RELU, "blocks.1"),
    _HEAD,
]
_EXECUTION = [
    _BATCH_NORM,
    _row(
        "fused /blocks/blocks.0/Gemm",
        "FusedGemm",
        [_NORM, *_LINEAR_WEIGHTS],
        _RELU,
        "blocks.1",
        _MICROSOFT,
    ),
    _HEAD,
    _row("YieldOp", "YieldOp", ["output"], "output_grad", None, _MICROSOFT),
    _row("/head/Gemm_Grad/Gemm_0", "Gemm", ["output_grad", _RELU], "head.weight_grad", "head"),
    _row(
        "/blocks/blocks.1/Relu_Grad/ReluGrad_0",
        "ReluGrad",
        ["output_grad", _RELU],
        f"{_LINEAR}_grad",
        "blocks.1",
        _MICROSOFT,
    ),
    _row("", "Gemm", [f"{_LINEAR}_grad", _NORM], "blocks.0.weight_grad", None),
]


def _graph(stage: Stage, rows: list[Row], export_index: int) -> GraphRecord:
    nodes = tuple(
        NodeRecord(index, name, op, domain, tuple(inputs), tuple(outputs), half, module, evidence)
        for index, (name, op, domain, inputs, outputs, half, module) in enumerate(rows)
        for evidence in ["output_name" if module else ""]
    )
    counts = Counter(node.op_type for node in nodes)
    ordered = tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return GraphRecord(Mode.TRAINING, stage, nodes, ordered, _model(rows), export_index)


def _model(rows: list[Row]) -> bytes:
    nodes = [
        helper.make_node(op, inputs, outputs, name=name, domain=domain)
        for name, op, domain, inputs, outputs, _half, _module in rows
    ]
    made = {value for row in rows for value in row[4]}
    used = {value for row in rows for value in row[3]}
    graph = helper.make_graph(nodes, "main_graph", _values(used - made), _values(made - used))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="golden", ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


def _values(names: set[str]) -> list[ValueInfoProto]:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in sorted(names)]


GRAPHS = (
    _graph(Stage.TORCH_EXPORTED, _EXPORTED, 0),
    _graph(Stage.EXECUTION_MODEL, _EXPORTED, 0),
    _graph(Stage.TORCH_EXPORTED, _EXPORTED, 1),
    _graph(Stage.EXECUTION_MODEL, _EXECUTION, 1),
)
