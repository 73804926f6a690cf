"""Every tensor of ORT's execution model, and when two tensors are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
import torch

_CLOSE = 2e-4
"""Largest difference between equal tensors, by the largest element: ORT against torch."""


@dataclass(slots=True)
class Executed:
    """The execution model's nodes and the values of its tensors."""

    nodes: list[onnx.NodeProto]
    values: dict[str, np.ndarray]


def execute(
    model: onnx.ModelProto,
    feeds: Mapping[str, torch.Tensor],
    output_grads: list[torch.Tensor],
) -> Executed:
    """Compute every tensor of an execution model.

    Args:
        model: Of training, where the backward half begins with ``output_grads``, or inference.
        feeds: The graph's inputs.
        output_grads: In the order of the YieldOp's outputs.
    """
    open_graph = onnx.ModelProto()
    open_graph.CopyFrom(model)
    graph = open_graph.graph
    given = {name: tensor.numpy() for name, tensor in feeds.items()}
    cut = next((node for node in graph.node if node.op_type == "YieldOp"), None)
    if cut is not None:
        graph.node.remove(cut)
        for name, gradient in zip(cut.output, output_grads, strict=True):
            shape = list(gradient.shape)
            graph.input.append(
                onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            )
            given[name] = gradient.numpy()
    wanted = [name for node in graph.node for name in node.output if name]
    known = {each.name for each in graph.output}
    graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in known)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        open_graph.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    taken = {each.name for each in session.get_inputs()}
    results = session.run(wanted, {name: given[name] for name in taken})
    values = {**given, **dict(zip(wanted, results, strict=True))}
    return Executed(list(model.graph.node), values)


def equal_arrays(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    if one.size == 0 or one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    scale = max(float(np.abs(other).max()), 1e-12)
    return bool(np.abs(one - other).max() <= _CLOSE * scale)


def same_elements(one: np.ndarray, other: np.ndarray) -> bool:
    if one is None or one.size != other.size:
        return False
    return equal_arrays(np.sort(one, axis=None), np.sort(other, axis=None))
