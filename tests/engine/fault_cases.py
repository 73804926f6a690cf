"""Faults, and where each of them must be found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from onnx import TensorProto

from ortviz.record import Direction
from tests.engine.faults import (
    Fault,
    Mark,
    other_attribute,
    other_operation,
    scaled,
    wrong_source,
)

FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
PARAMETER_GRAD = Direction.PARAMETER_GRAD
ROOT = "/_original_module/"
MARKS = {
    "mlp": Mark("input", 5.0),
    "transformer": Mark("tokens", 9, TensorProto.INT64),
    "cnn_batchnorm": Mark("images", 5.0),
    "lstm": Mark("x", 5.0),
}


@dataclass(frozen=True)
class Case:
    """A fault and where it must be found.

    Attributes:
        name: What is wrong.
        family: The model.
        fault: How it is planted.
        module: The module that computes wrongly.
        first: The first site of each direction on which the sides part; all other directions
            agree, but for what follows from a wrong forward pass.
        own: The first site of each direction whose difference is born there, and no other.
    """

    name: str
    family: str
    fault: Fault
    module: str = ""
    first: dict[Direction, str] = field(default_factory=dict)
    own: dict[Direction, str] = field(default_factory=dict)


def _at(row: int, column: int, *shape: int) -> np.ndarray:
    """0.1 in one element."""
    delta = np.zeros(shape, np.float32)
    delta[row, column] = 0.1
    return delta


CASES = [
    Case(
        "one element of a weight",
        "mlp",
        wrong_source("_original_module.1.1.weight", _at(2, 3, 8, 8)),
        "1.1",
        {FORWARD: "forward/1.1#out0"},
        # Its backward multiplies by the wrong weight as well.
        {FORWARD: "forward/1.1#out0", BACKWARD: "backward/1.0#out0"},
    ),
    Case(
        "Tanh in place of Relu",
        "mlp",
        other_operation(f"{ROOT}_original_module.1/_original_module.1.0/Relu_output_0", "Tanh"),
        "1.0",
        {FORWARD: "forward/1.0#out0"},
        {FORWARD: "forward/1.0#out0"},
    ),
    Case(
        "another epsilon in a LayerNorm",
        "transformer",
        other_attribute(f"{ROOT}blocks.1/norm1/LayerNormalization_output_0", epsilon=1e-2),
        "blocks.1.norm1",
        {FORWARD: "forward/blocks.1.norm1#out0"},
        {
            FORWARD: "forward/blocks.1.norm1#out0",
            # Its backward reads the mean and deviation that its forward saved.
            BACKWARD: "backward/blocks.0#out0",
            PARAMETER_GRAD: "parameter_grad/blocks.1.norm1#weight",
        },
    ),
    Case(
        "Gelu by its approximation",
        "transformer",
        other_operation(
            f"{ROOT}blocks.0/feed_forward/feed_forward.1/Mul_1_output_0",
            "FastGelu",
            "com.microsoft",
        ),
        "blocks.0.feed_forward.1",
        {FORWARD: "forward/blocks.0.feed_forward.1#out0"},
        {FORWARD: "forward/blocks.0.feed_forward.1#out0"},
    ),
    Case(
        "GeluGrad times 1.5",
        "transformer",
        scaled(f"{ROOT}blocks.0/feed_forward/feed_forward.0/Add_output_0_grad", 1.5),
        "blocks.0.feed_forward.1",
        {
            BACKWARD: "backward/blocks.0.feed_forward.0#out0",
            PARAMETER_GRAD: "parameter_grad/blocks.0.feed_forward.0#bias",
        },
        {BACKWARD: "backward/blocks.0.feed_forward.0#out0"},
    ),
    Case(
        "a LayerNorm's share of a residual's gradient times 1.5",
        "transformer",
        scaled(f"{ROOT}embedding/ATen_output_0_grad_1", 1.5),
        "blocks.0",
        {
            BACKWARD: "backward/embedding#out0",
            PARAMETER_GRAD: "parameter_grad/embedding#weight",
        },
        {BACKWARD: "backward/embedding#out0"},
    ),
    Case(
        "BatchNormalizationGrad times 1.5",
        "cnn_batchnorm",
        scaled(f"{ROOT}features/features.0/Conv_output_0_grad", 1.5),
        "features.1",
        {
            BACKWARD: "backward/features.0#out0",
            PARAMETER_GRAD: "parameter_grad/features.0#weight",
        },
        {BACKWARD: "backward/features.0#out0"},
    ),
    Case(
        "only the gradient of one weight times 1.5",
        "cnn_batchnorm",
        scaled("_original_module.classifier.weight_grad", 1.5),
        "classifier",
        {PARAMETER_GRAD: "parameter_grad/classifier#weight"},
        {PARAMETER_GRAD: "parameter_grad/classifier#weight"},
    ),
    Case(
        "a constant of the model's own code",
        "transformer",
        wrong_source(f"{ROOT}blocks.0/attention/Pow_output_0", np.array(1.0, np.float32)),
        "blocks.0.attention",
        {FORWARD: "forward/blocks.0.attention.drop#out0"},
        {
            FORWARD: "forward/blocks.0.attention#out0",
            # Both blocks read the same constant.
            BACKWARD: "backward/blocks.1.attention.key#out0",
        },
    ),
    Case(
        "Tanh in place of a Relu between modules",
        "transformer",
        other_operation(f"{ROOT}Relu_output_0", "Tanh"),
        "",
        {FORWARD: "forward/shared@1#out0"},
        {FORWARD: "forward/#out0"},
    ),
]
