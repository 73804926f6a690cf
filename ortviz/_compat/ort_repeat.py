"""Run a training graph of ORTModule's once more, without drawing random numbers.

ORT's Dropout kernels draw from one global generator that can be seeded but not read, so a second
run would change what the user's training draws next. In its graph every Dropout is therefore a
``com.microsoft::DropoutGrad`` of the same inputs: that kernel multiplies by a given mask and
divides by the keep probability, which is what Dropout does with the mask it drew.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ortviz._compat.ort_agents import Agent, OrtValues, as_tensors, new_state

if TYPE_CHECKING:
    import onnx
    import torch

_MICROSOFT = "com.microsoft"
_DRAWS_A_MASK = {"Dropout": 1, "BiasDropout": 3}
"""Operators whose second output is the mask -> how many inputs come before ratio."""
_RANDOM_MARKS = ("Dropout", "Random", "Bernoulli", "Multinomial")
_USER_CODE = frozenset({"PythonOp", "PythonOpGrad"})
_HARMLESS = frozenset({"DropoutGrad", "BitmaskDropoutGrad"})


_OWN_GENERATOR = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
"""Operators whose kernel has a generator for itself, made with the session; Dropout has not."""


class OwnGeneratorError(ValueError):
    """No other session may serve a step of this graph; the message says why, for a person."""


class NotRepeatableError(ValueError):
    """The graph cannot run again without disturbing; the message says why, for a person."""


@dataclass(frozen=True, slots=True)
class MaskedModel:
    """A training graph that is given its dropout masks.

    Attributes:
        model: It; the masks are its last inputs.
        mask_names: Those inputs, in order.
    """

    model: onnx.ModelProto
    mask_names: tuple[str, ...]


def draws_random(node: onnx.NodeProto) -> bool:
    """Whether a node draws from a random generator, ORT's or torch's."""
    if node.op_type in _HARMLESS:
        return False
    if any(mark in node.op_type for mark in _RANDOM_MARKS):
        return True
    return node.op_type == "ATen" and any("rand" in str(a.s) for a in node.attribute)


def check_shared_generator(model: onnx.ModelProto) -> None:
    """Make sure that a step may be served by another session of the same graph.

    Args:
        model: From :func:`ortviz._compat.ort_private.optimized_model`.

    Raises:
        OwnGeneratorError: A node would draw other numbers there, and all steps after it in the
            plain session too.
    """
    for node in model.graph.node:
        if node.op_type in _OWN_GENERATOR:
            raise OwnGeneratorError(
                f"ORT's inner tensors are not read: {node.op_type} ({node.name}) draws random "
                "numbers from a generator of its own session, so that with a second session the "
                "training would not be the same. Outputs and parameter gradients are recorded."
            )


def masked_model(model: onnx.ModelProto, *, user_code: bool = False) -> MaskedModel:
    """Copy a training graph so that every Dropout takes its mask from a further graph input.

    Args:
        model: From :func:`ortviz._compat.ort_private.optimized_model`; not changed.
        user_code: Whether autograd Functions of the user's may be called: only where the user
            has asked for this very run.

    Raises:
        NotRepeatableError: A node draws random numbers other than such a mask, or calls a
            Python function of the user's without leave.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    masks: list[str] = []
    for node in copy.graph.node:
        if node.op_type in _DRAWS_A_MASK and len(node.output) > 1 and node.output[1]:
            nodes.extend(_given_mask(node))
            masks.append(node.output[1])
        elif node.op_type in _USER_CODE and not user_code:
            raise NotRepeatableError(
                f"ORT did not run a second time: {node.op_type} ({node.name}) calls an autograd "
                "Function of yours, which must not run more often than it does without ortviz."
            )
        elif draws_random(node):
            raise NotRepeatableError(
                f"ORT did not run a second time: {node.op_type} ({node.name}) draws random "
                "numbers anew in every run."
            )
        else:
            nodes.append(node)
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    known = [info for info in copy.graph.value_info if info.name not in masks]
    del copy.graph.value_info[:]
    copy.graph.value_info.extend(known)
    copy.graph.input.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.BOOL, None) for name in masks
    )
    if masks and all(each.domain != _MICROSOFT for each in copy.opset_import):
        copy.opset_import.append(onnx.helper.make_opsetid(_MICROSOFT, 1))
    return MaskedModel(copy, tuple(masks))


def run_once(
    agent: Agent,
    feeds: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor] | None,
    differentiable: Sequence[int],
) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
    """Run forward and backward of an agent on tensors.

    Args:
        agent: From :func:`ortviz._compat.ort_agents.new_training_agent`.
        feeds: One per graph input, in order; not changed.
        gradients: One per differentiable output, as ORTModule fed them; None for forward only.
            They are cast to the dtypes of this agent's outputs, which may be others than those of
            the plain agent: under autocast on a CPU, ORT leaves float16 out where nobody reads it.
        differentiable: Those outputs, by number.

    Returns:
        All forward outputs and all backward outputs, copied.

    Raises:
        RuntimeError: ORT's own error.
    """
    state = new_state()
    forward = ort_values(())
    agent.run_forward(ort_values(feeds), forward, state, None)
    # Now: kernels of the backward half may work in place.
    seen = tuple(tensor.clone() for tensor in as_tensors(forward))
    backward = ort_values(())
    if gradients is not None:
        wanted = [seen[place].dtype for place in differentiable]
        cast_gradients = [
            gradient.to(dtype) for gradient, dtype in zip(gradients, wanted, strict=True)
        ]
        agent.run_backward(ort_values(cast_gradients), backward, state)
    return seen, tuple(tensor.clone() for tensor in as_tensors(backward))


def _given_mask(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes that make a Dropout's first output from its inputs and its mask."""
    import onnx

    before = _DRAWS_A_MASK[node.op_type]
    inputs = list(node.input)
    ratio_and_mode = inputs[before:]
    if node.op_type == "Dropout" and any(a.name == "ratio" for a in node.attribute):
        raise NotRepeatableError(f"ORT did not run a second time: {node.name} is of an old opset.")
    made = []
    value, residual = inputs[0], ""
    if node.op_type == "BiasDropout":
        value, residual = f"{node.output[0]}_biased", inputs[2]
        made.append(onnx.helper.make_node("Add", inputs[:2], [value]))
    dropped = f"{node.output[0]}_dropped" if residual else node.output[0]
    made.append(
        onnx.helper.make_node(
            "DropoutGrad",
            [value, node.output[1], *ratio_and_mode],
            [dropped],
            name=f"{node.name}_with_mask",
            domain=_MICROSOFT,
        )
    )
    if residual:
        made.append(onnx.helper.make_node("Add", [dropped, residual], [node.output[0]]))
    return made


def ort_values(tensors: Sequence[torch.Tensor]) -> OrtValues:
    """The tensors as ORT's vector, without a copy where they are contiguous and no booleans."""
    import torch

    binding: Any = importlib.import_module("onnxruntime.capi._pybind_state")
    utils: Any = importlib.import_module("onnxruntime.training.ortmodule._utils")
    vector = binding.OrtValueVector()
    vector.reserve(len(tensors))
    for tensor in tensors:
        own = tensor.detach().contiguous()
        vector.push_back(utils._torch_tensor_to_dlpack(own), own.dtype == torch.bool)
    return cast(OrtValues, vector)
