"""A planted fault is an error of one module's own; what follows from it is inherited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto
from torch import nn

from ortviz._compat import ensure_ortmodule
from ortviz.capture import finish, wrap_module
from ortviz.record import StepCapture, Verify
from tests.engine.families import BY_NAME, prediction
from tests.engine.faults import (
    Fault,
    Mark,
    other_attribute,
    other_operation,
    planted,
    scaled,
    wrong_source,
)
from tests.engine.sinks import ListSink
from tests.engine.test_deep import compared, largest

pytestmark = pytest.mark.engine
ROOT = "/_original_module/"
STRUCK = 2
MARKS = {
    "mlp": Mark("input", 5.0),
    "transformer": Mark("tokens", 9, TensorProto.INT64),
    "cnn_batchnorm": Mark("images", 5.0),
}


def one_element(*shape: int) -> np.ndarray:
    delta = np.zeros(shape, np.float32)
    delta[2, 3] = 0.1
    return delta


def struck(family_name: str, fault: Fault, folder: Path, verify: Verify) -> list[StepCapture]:
    """Four steps of which the third is struck."""
    torch.manual_seed(1)
    family, mark, sink = BY_NAME[family_name], MARKS[family_name], ListSink()
    ensure_ortmodule()
    with planted(fault, mark) as spoilt:
        wrapped = wrap_module(
            family.build(), sink, name="m", every=1, save_dir=folder, verify=verify
        )
        generator = torch.Generator().manual_seed(2)
        for step in range(STRUCK + 2):
            batch = family.batch(generator).clamp(max=mark.above)
            if step == STRUCK:
                batch.view(-1)[3] = mark.above + 1
            output = prediction(wrapped(batch))
            nn.MSELoss()(output, torch.ones_like(output)).backward()
    finish(wrapped)
    assert len(spoilt) == 1
    assert not sink.problems, sink.problems
    return sink.captures


def own_errors(capture: StepCapture) -> set[str]:
    """Sites that are off although their module was given what ORT had."""
    scale = largest(capture.candidate_values)
    found = set()
    for site in compared(capture):
        error = np.abs(capture.local_values[site] - capture.candidate_values[site]).max()
        if error > 1e-5 * scale[site.split("/")[0]]:
            found.add(site)
    return found


def total_errors(capture: StepCapture) -> set[str]:
    scale = largest(capture.candidate_values)
    return {
        site
        for site in compared(capture)
        if np.abs(capture.reference_values[site] - capture.candidate_values[site]).max()
        > 1e-5 * scale[site.split("/")[0]]
    }


CASES = {
    "one element of a weight": (
        "mlp",
        wrong_source("_original_module.1.1.weight", one_element(8, 8)),
        # The weight is wrong in its layer's backward too.
        {"forward/1.1#out0", "backward/1.0#out0"},
    ),
    "Tanh in place of Relu": (
        "mlp",
        other_operation(f"{ROOT}_original_module.1/_original_module.1.0/Relu_output_0", "Tanh"),
        {"forward/1.0#out0"},
    ),
    "another epsilon": (
        "transformer",
        other_attribute(f"{ROOT}blocks.1/norm1/LayerNormalization_output_0", epsilon=1e-2),
        {
            "forward/blocks.1.norm1#out0",
            # Its gradient is computed from the deviation that the forward saved.
            "backward/blocks.0#out0",
            "parameter_grad/blocks.1.norm1#weight",
        },
    ),
    "Gelu by its approximation": (
        "transformer",
        other_operation(
            f"{ROOT}blocks.0/feed_forward/feed_forward.1/Mul_1_output_0",
            "FastGelu",
            "com.microsoft",
        ),
        {"forward/blocks.0.feed_forward.1#out0"},
    ),
    "a residual that counts twice": (
        "transformer",
        scaled(f"{ROOT}blocks.0/Add_1_output_0", 2.0),
        {"forward/blocks.0#out0"},
    ),
    "GeluGrad times 1.5": (
        "transformer",
        scaled(f"{ROOT}blocks.0/feed_forward/feed_forward.0/Add_output_0_grad", 1.5),
        {"backward/blocks.0.feed_forward.0#out0"},
    ),
    "SoftmaxGrad times 1.5": (
        "transformer",
        scaled(f"{ROOT}blocks.1/attention/Div_1_output_0_grad", 1.5),
        {"backward/blocks.1.attention.query#out0", "backward/blocks.1.attention.key#out0"},
    ),
    "BatchNormalizationGrad times 1.5": (
        "cnn_batchnorm",
        scaled(f"{ROOT}features/features.0/Conv_output_0_grad", 1.5),
        {"backward/features.0#out0"},
    ),
    "only the gradient of one weight": (
        "cnn_batchnorm",
        scaled("_original_module.classifier.weight_grad", 1.5),
        {"parameter_grad/classifier#weight"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_module_at_fault_is_off_on_orts_own_input(name: str, tmp_path: Path) -> None:
    family, fault, expected = CASES[name]
    captures = struck(family, fault, tmp_path, Verify.ALWAYS)
    for step, capture in enumerate(captures):
        if step == STRUCK:
            assert expected <= total_errors(capture)
            assert own_errors(capture) == expected
        else:
            assert own_errors(capture) == set()


@pytest.mark.parametrize("name", ["GeluGrad times 1.5", "Gelu by its approximation"])
def test_a_step_that_is_off_is_looked_into_without_being_asked(name: str, tmp_path: Path) -> None:
    family, fault, expected = CASES[name]
    captures = struck(family, fault, tmp_path, Verify.AUTO)
    looked_into = [each.record.step for each in captures if each.local_values]
    assert looked_into == [0, STRUCK]
    assert own_errors(captures[STRUCK]) == expected
