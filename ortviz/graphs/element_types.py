"""What kind of elements each value of a graph has, as far as the graph tells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import onnx
from onnx import TensorProto

FLOATING = frozenset(
    {
        TensorProto.FLOAT,
        TensorProto.DOUBLE,
        TensorProto.FLOAT16,
        TensorProto.BFLOAT16,
        TensorProto.FLOAT8E4M3FN,
        TensorProto.FLOAT8E4M3FNUZ,
        TensorProto.FLOAT8E5M2,
        TensorProto.FLOAT8E5M2FNUZ,
    }
)
"""ONNX's floating-point element types."""

NOT_A_TENSOR = -1
"""Stands for sequences, maps and optionals."""

_INTEGER_OPS = frozenset({"Shape", "Size", "NonZero", "ArgMax", "ArgMin", "BroadcastGradientArgs"})
_BOOLEAN_OPS = frozenset(
    {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor"}
    | {"IsNaN", "IsInf"}
)
_LIKE_THEIR_INPUT = frozenset(
    {"Identity", "Reshape", "Gather", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Concat"}
    | {"Expand", "Add", "Sub", "Mul", "Div", "Neg", "Abs", "Min", "Max", "ReduceSum", "Tile"}
)


_TORCH_NAMES = {
    "float": "float32",
    "double": "float64",
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
}


@lru_cache(maxsize=256)
def dtype_name(element_type: int) -> str:
    """An ONNX element type as PyTorch calls it, without ``torch.``; empty where it is unknown."""
    known = TensorProto.DataType.items()
    name = next((str(name) for name, number in known if number == element_type), "").lower()
    return "" if name == "undefined" else _TORCH_NAMES.get(name, name)


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Element type of every value for which the graph tells it.

    ORT's gradient builder leaves many of its own values untyped; of those the type is followed
    from node to node where an operation leaves no doubt. A value that stays out may be of any
    type.

    Args:
        model: Any stage.

    Returns:
        Value name -> a member of ``onnx.TensorProto.DataType``, or :data:`NOT_A_TENSOR`.
    """
    graph = model.graph
    types = {initializer.name: int(initializer.data_type) for initializer in graph.initializer}
    for info in (*graph.input, *graph.output, *graph.value_info):
        kind = info.type.WhichOneof("value")
        if kind == "tensor_type" and info.type.tensor_type.elem_type:
            types[info.name] = int(info.type.tensor_type.elem_type)
        elif kind not in (None, "tensor_type", "sparse_tensor_type"):
            types[info.name] = NOT_A_TENSOR
    for node in graph.node:
        for place, name in enumerate(node.output):
            if name and name not in types:
                found = _type_of_output(node, place, types)
                if found is not None:
                    types[name] = found
    return types


def _type_of_output(node: onnx.NodeProto, place: int, types: Mapping[str, int]) -> int | None:
    if node.op_type == "Cast":
        return next((int(a.i) for a in node.attribute if a.name == "to"), None)
    if node.op_type in _INTEGER_OPS:
        return int(TensorProto.INT64)
    if node.op_type in _BOOLEAN_OPS:
        return int(TensorProto.BOOL)
    if node.op_type == "ConcatTraining" and place == 1:
        return int(TensorProto.INT64)
    if node.op_type in _LIKE_THEIR_INPUT and place == 0 and node.input:
        return types.get(node.input[0])
    return None
