"""Runs the graph that torch exported in torch again, so that autograd tells every gradient.

A small interpreter of the operators that the families' exports consist of. Each use of a value is
a tensor of its own (a view), so that the gradient that flows back through one use is known too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import onnx
import torch
from onnx import helper, numpy_helper
from torch.nn import functional

Attributes = Mapping[str, Any]


@dataclass(slots=True)
class Interpreted:
    """All that happened in one forward and backward pass.

    Attributes:
        nodes: Of the graph.
        values: Value name -> tensor.
        uses: (node, slot) -> the value as that node took it.
    """

    nodes: list[onnx.NodeProto]
    values: dict[str, torch.Tensor] = field(default_factory=dict)
    uses: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)


def interpret(
    model: onnx.ModelProto,
    feeds: Mapping[str, torch.Tensor],
    masks: Mapping[str, torch.Tensor],
    output_grads: Mapping[str, torch.Tensor] | None,
) -> Interpreted:
    """Run a graph forward and, with ``output_grads``, backward.

    Args:
        model: Stage ``torch_exported``.
        feeds: The graph's inputs.
        masks: Of Dropout nodes, by the name of the mask.
        output_grads: By the name of the graph's output; None for no backward pass.
    """
    run = Interpreted(list(model.graph.node))
    for name, tensor in feeds.items():
        leaf = tensor.detach().clone()
        run.values[name] = leaf.requires_grad_(leaf.is_floating_point() and bool(output_grads))
    for initializer in model.graph.initializer:
        run.values[initializer.name] = torch.from_numpy(numpy_helper.to_array(initializer).copy())
    for number, node in enumerate(run.nodes):
        _step(run, number, node, masks)
    if output_grads:
        torch.autograd.backward(
            [run.values[name] for name in output_grads], list(output_grads.values())
        )
    return run


def _step(
    run: Interpreted, number: int, node: onnx.NodeProto, masks: Mapping[str, torch.Tensor]
) -> None:
    taken: list[torch.Tensor | None] = []
    for slot, name in enumerate(node.input):
        value = run.values[name] if name else None
        if value is not None and value.requires_grad:
            value = value.view_as(value)
            value.retain_grad()
        if value is not None:
            run.uses[number, slot] = value
        taken.append(value)
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    if node.op_type == "Dropout":
        mask = masks.get(node.output[1]) if len(node.output) > 1 else None
        made: Any = taken[0] * 1 if mask is None else taken[0] * mask / (1 - float(taken[1]))
        made = (made, mask)
    else:
        made = _OPERATORS[node.op_type](attributes, *taken)
    outputs = made if isinstance(made, (tuple, list)) else (made,)
    for name, value in zip(node.output, outputs, strict=False):
        if name and value is not None:
            run.values[name] = value
            if value.requires_grad:
                value.retain_grad()


def _ints(value: Any) -> list[int]:
    return [int(each) for each in value.reshape(-1)]


def _constant(a: Attributes) -> torch.Tensor:
    return torch.from_numpy(numpy_helper.to_array(a["value"]).copy())


def _aten(a: Attributes, *taken: Any) -> Any:
    operator = a["operator"].decode()
    if operator == "embedding":
        return functional.embedding(taken[1], taken[0])
    if operator == "max_pool2d_with_indices":
        kernel, stride, padding, dilation = (_ints(each) for each in taken[1:5])
        return functional.max_pool2d(
            taken[0], kernel, stride, padding, dilation, bool(taken[5]), return_indices=True
        )
    if operator == "avg_pool2d":
        return functional.avg_pool2d(taken[0], _ints(taken[1]), _ints(taken[2]), _ints(taken[3]))
    assert operator == "_adaptive_avg_pool2d", operator
    return functional.adaptive_avg_pool2d(taken[0], _ints(taken[1]))


def _slice(a: Attributes, x: Any, starts: Any, ends: Any, axes: Any, steps: Any = None) -> Any:
    for at, (start, end, axis) in enumerate(
        zip(_ints(starts), _ints(ends), _ints(axes), strict=True)
    ):
        step = 1 if steps is None else _ints(steps)[at]
        x = x[(slice(None),) * (axis % x.dim()) + (slice(start, end, step),)]
    return x


def _gather(a: Attributes, x: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    axis = a.get("axis", 0) % x.dim()
    found = x.index_select(axis, indices.reshape(-1) % x.shape[axis])
    return found.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def _unsqueeze(a: Attributes, x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    rank = x.dim() + axes.numel()
    for axis in sorted(each % rank for each in _ints(axes)):
        x = x.unsqueeze(axis)
    return x


def _reshape(a: Attributes, x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    sizes = [x.shape[at] if size == 0 else size for at, size in enumerate(_ints(shape))]
    return x.reshape(sizes)


def _conv(a: Attributes, x: Any, weight: Any, bias: Any = None) -> torch.Tensor:
    run = functional.conv1d if x.dim() == 3 else functional.conv2d
    padding = a["pads"][: x.dim() - 2]
    return run(x, weight, bias, a["strides"], padding, a["dilations"], a["group"])


def _batch_norm(a: Attributes, x: Any, w: Any, b: Any, mean: Any, variance: Any) -> Any:
    training = bool(a.get("training_mode", 0))
    means, variances = mean.detach().clone(), variance.detach().clone()
    y = functional.batch_norm(x, means, variances, w, b, training, 1 - a["momentum"], a["epsilon"])
    return y, means, variances


def _layer_norm(a: Attributes, x: Any, weight: Any, bias: Any) -> torch.Tensor:
    return functional.layer_norm(x, x.shape[a.get("axis", -1) :], weight, bias, a["epsilon"])


def _gemm(a: Attributes, x: Any, y: Any, z: Any = None) -> torch.Tensor:
    x = x.T if a.get("transA") else x
    product = a.get("alpha", 1.0) * (x @ (y.T if a.get("transB") else y))
    return product if z is None else product + a.get("beta", 1.0) * z


def _lstm(a: Attributes, x: Any, w: Any, r: Any, b: Any, _: Any, h: Any, c: Any) -> Any:
    size, outputs = a["hidden_size"], []
    h, c = h[0], c[0]
    for step in x:
        gates = step @ w[0].T + h @ r[0].T + b[0, : 4 * size] + b[0, 4 * size :]
        i, o, f, g = gates.split(size, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs).unsqueeze(1), h[None], c[None]


def _gru(a: Attributes, x: Any, w: Any, r: Any, b: Any, _: Any, h: Any) -> Any:
    size, outputs = a["hidden_size"], []
    h = h[0]
    for step in x:
        given = (step @ w[0].T + b[0, : 3 * size]).split(size, -1)
        kept = (h @ r[0].T + b[0, 3 * size :]).split(size, -1)
        z, reset = torch.sigmoid(given[0] + kept[0]), torch.sigmoid(given[1] + kept[1])
        h = (1 - z) * torch.tanh(given[2] + reset * kept[2]) + z * h
        outputs.append(h)
    return torch.stack(outputs).unsqueeze(1), h[None]


def _filled(a: Attributes, shape: torch.Tensor) -> torch.Tensor:
    value = torch.tensor(numpy_helper.to_array(a["value"])) if "value" in a else torch.zeros(1)
    return value.expand(_ints(shape)).clone()


def _cast(a: Attributes, x: torch.Tensor) -> torch.Tensor:
    return x.to(torch.from_numpy(helper.tensor_dtype_to_np_dtype(a["to"]).type(0).reshape(1)).dtype)


def _div(a: Attributes, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def _split(a: Attributes, x: torch.Tensor, sizes: torch.Tensor) -> Any:
    return x.split(_ints(sizes), a.get("axis", 0))


def _expand(a: Attributes, x: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    return x * torch.ones(_ints(shape), dtype=x.dtype)


def _squeeze(a: Attributes, x: torch.Tensor, axes: torch.Tensor) -> torch.Tensor:
    return x.squeeze(tuple(_ints(axes)))


_OPERATORS: dict[str, Callable[..., Any]] = {
    "ATen": _aten,
    "Add": lambda a, x, y: x + y,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Concat": lambda a, *parts: torch.cat(parts, a["axis"]),
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Conv": _conv,
    "Div": _div,
    "Erf": lambda a, x: torch.erf(x),
    "Expand": _expand,
    "Flatten": lambda a, x: x.flatten(a.get("axis", 1)),
    "GRU": _gru,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda a, x: x.mean(tuple(range(2, x.dim())), keepdim=True),
    "Identity": lambda a, x: x * 1,
    "LSTM": _lstm,
    "LayerNormalization": _layer_norm,
    "MatMul": lambda a, x, y: x @ y,
    "Mul": lambda a, x, y: x * y,
    "Pow": lambda a, x, y: x**y,
    "Range": lambda a, start, end, step: torch.arange(int(start), int(end), int(step)),
    "Reciprocal": lambda a, x: 1 / x,
    "ReduceMean": lambda a, x: x.mean(tuple(a["axes"]), bool(a.get("keepdims", 1))),
    "Relu": lambda a, x: torch.relu(x),
    "Reshape": _reshape,
    "Shape": lambda a, x: torch.tensor(x.shape),
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "Slice": _slice,
    "Softmax": lambda a, x: torch.softmax(x, a.get("axis", -1)),
    "Split": _split,
    "Sqrt": lambda a, x: torch.sqrt(x),
    "Squeeze": _squeeze,
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: torch.tanh(x),
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Unsqueeze": _unsqueeze,
}
