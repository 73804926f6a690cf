"""What goes wrong in ORT's run is named: which site, which direction, which step.

The fault is planted before ORTModule builds any agent, so the plain graph has it too. It strikes in
one step of four; before and after it nothing may be found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto
from torch import nn

import ortviz
from ortviz._compat import ensure_ortmodule
from ortviz.record import Direction, Finding, Verdict
from ortviz.session.run import Run
from tests.engine.families import BY_NAME, prediction
from tests.engine.faults import (
    Fault,
    Mark,
    frozen,
    other_attribute,
    other_operation,
    planted,
    poisoned,
    scaled,
    wrong_source,
)

pytestmark = pytest.mark.engine

STEPS, STRUCK = 4, 2
FORWARD, BACKWARD = Direction.FORWARD, Direction.BACKWARD
PARAMETER_GRAD, BUFFER = Direction.PARAMETER_GRAD, Direction.BUFFER
ROOT = "/_original_module/"
WAYS = ["forward", "backward", "parameter_grad"]
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
        first: The first site of each direction on which the sides part; all other directions
            agree, but for what follows from a wrong forward pass.
    """

    name: str
    family: str
    fault: Fault
    first: dict[Direction, str] = field(default_factory=dict)


def at(row: int, column: int, *shape: int) -> np.ndarray:
    """0.1 in one element."""
    delta = np.zeros(shape, np.float32)
    delta[row, column] = 0.1
    return delta


CASES = [
    Case(
        "one element of a weight",
        "mlp",
        wrong_source("_original_module.1.1.weight", at(2, 3, 8, 8)),
        {FORWARD: "forward/1.1#out0"},
    ),
    Case(
        "Tanh in place of Relu",
        "mlp",
        other_operation(f"{ROOT}_original_module.1/_original_module.1.0/Relu_output_0", "Tanh"),
        {FORWARD: "forward/1.0#out0"},
    ),
    Case(
        "another epsilon in a LayerNorm",
        "transformer",
        other_attribute(f"{ROOT}blocks.1/norm1/LayerNormalization_output_0", epsilon=1e-2),
        {FORWARD: "forward/blocks.1.norm1#out0"},
    ),
    Case(
        "Gelu by its approximation",
        "transformer",
        other_operation(
            f"{ROOT}blocks.0/feed_forward/feed_forward.1/Mul_1_output_0",
            "FastGelu",
            "com.microsoft",
        ),
        {FORWARD: "forward/blocks.0.feed_forward.1#out0"},
    ),
    Case(
        "GeluGrad times 1.5",
        "transformer",
        scaled(f"{ROOT}blocks.0/feed_forward/feed_forward.0/Add_output_0_grad", 1.5),
        {
            BACKWARD: "backward/blocks.0.feed_forward.0#out0",
            PARAMETER_GRAD: "parameter_grad/blocks.0.feed_forward.0#bias",
        },
    ),
    Case(
        "a LayerNorm's share of a residual's gradient times 1.5",
        "transformer",
        scaled(f"{ROOT}embedding/ATen_output_0_grad_1", 1.5),
        {
            BACKWARD: "backward/embedding#out0",
            PARAMETER_GRAD: "parameter_grad/embedding#weight",
        },
    ),
    Case(
        "BatchNormalizationGrad times 1.5",
        "cnn_batchnorm",
        scaled(f"{ROOT}features/features.0/Conv_output_0_grad", 1.5),
        {
            BACKWARD: "backward/features.0#out0",
            PARAMETER_GRAD: "parameter_grad/features.0#weight",
        },
    ),
    Case(
        "only the gradient of one weight times 1.5",
        "cnn_batchnorm",
        scaled("_original_module.classifier.weight_grad", 1.5),
        {PARAMETER_GRAD: "parameter_grad/classifier#weight"},
    ),
]


def train(case: Case, folder: Path, **options: object) -> Run:
    """Train four steps, the third of them struck."""
    torch.manual_seed(1)
    family, mark = BY_NAME[case.family], MARKS[case.family]
    ensure_ortmodule()
    generator = torch.Generator().manual_seed(2)
    with planted(case.fault, mark) as spoilt:
        wrapped = ortviz.wrap(family.build(), path=folder / "run.ortviz", **options)
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.01)
        for step in range(STEPS):
            batch = family.batch(generator).clamp(max=mark.above)
            if step == STRUCK:
                batch.view(-1)[3] = mark.above + 1
            optimizer.zero_grad()
            output = prediction(wrapped(batch))
            nn.MSELoss()(output, torch.ones_like(output)).backward()
            optimizer.step()
    run = wrapped.ortviz
    run.close()
    assert len(spoilt) == 1, "the fault was planted"
    assert not run.problems, run.problems
    assert not any(run.steps[number].record.fallback for number in run.steps)
    return run


def first(run: Run, step: int) -> dict[Direction, str]:
    """The first divergence of each direction but BatchNorm's buffers, which always differ."""
    found = run.steps[step].compare().first_divergence
    return {direction: site.id for direction, site in found.items() if direction is not BUFFER}


def of(run: Run, detector: str) -> list[Finding]:
    return [each for each in run.findings if each.detector == detector]


def titles(case: Case) -> str:
    return case.name.replace(" ", "_")


@pytest.mark.parametrize("case", CASES, ids=titles)
def test_a_fault_is_named_at_its_site_in_its_direction_and_step(case: Case, tmp_path: Path) -> None:
    run = train(case, tmp_path)
    seen = [first(run, step) for step in range(STEPS)]
    assert seen[:STRUCK] == [{}] * STRUCK
    assert seen[STRUCK + 1 :] == [{}] * (STEPS - STRUCK - 1)
    named = {way: site for way, site in seen[STRUCK].items() if way in case.first}
    assert named == case.first
    if FORWARD not in case.first:
        assert seen[STRUCK] == case.first, "a wrong gradient leaves the forward pass alone"
    findings = of(run, "first_divergence")
    assert {each.site_id for each in findings} == set(seen[STRUCK].values())
    assert {(each.first_step, each.last_step) for each in findings} == {(STRUCK, STRUCK)}
    origin, *following = sorted(findings, key=lambda each: WAYS.index(each.site_id.split("/")[0]))
    assert origin.site_id == next(iter(case.first.values()))
    assert run.findings[0] == origin, "what comes first is shown first"
    assert all("follows from" in each.explanation for each in following)
    assert "follows from" not in origin.explanation


@pytest.mark.parametrize(
    ("value", "width", "site", "words"),
    [
        (
            f"{ROOT}blocks.0/feed_forward/feed_forward.0/Add_output_0",
            32,
            "forward/blocks.0.feed_forward.0#out0",
            "turns finite values into NaN",
        ),
        (
            f"{ROOT}blocks.0/norm2/LayerNormalization_output_0_grad",
            16,
            "backward/blocks.0.norm2#out0",
            "The backward pass turns NaN at blocks.0.norm2",
        ),
    ],
    ids=["forward", "backward"],
)
def test_a_nan_is_named_where_it_is_born(
    value: str, width: int, site: str, words: str, tmp_path: Path
) -> None:
    case = Case("NaN", "transformer", poisoned(value, width, 3))
    run = train(case, tmp_path)
    assert [first(run, step) for step in range(STRUCK)] == [{}] * STRUCK
    found = first(run, STRUCK)
    if site.startswith("backward"):
        assert FORWARD not in found
        assert found[BACKWARD] == site
    else:
        assert found[FORWARD] == site
    comparison = run.steps[STRUCK].compare()[site]
    assert comparison.worst_index is not None
    assert comparison.worst_index[-1] == 3, "the very column"
    assert comparison.nonfinite_mismatch_count == 4 * 5
    (origin,) = of(run, "nonfinite_origin")
    assert (origin.site_id, origin.first_step, origin.last_step) == (site, STRUCK, STRUCK)
    assert words in origin.title
    assert "Only in ONNX Runtime's run." in origin.evidence
    (weights,) = of(run, "nonfinite_weights")
    assert weights.first_step == STRUCK + 1, "the optimiser puts NaN into the weights"


def test_frozen_buffers_are_named_from_the_first_step_that_should_have_moved_them(
    tmp_path: Path,
) -> None:
    norm = "_original_module.features.1"
    case = Case("frozen", "cnn_batchnorm", frozen(f"{norm}.running_mean", f"{norm}.running_var"))
    run = train(case, tmp_path)
    # ORTModule's export updated them for step 0, in eager PyTorch.
    assert not run.steps[0].compare().first_divergence
    for step in range(1, STEPS):
        comparison = run.steps[step].compare()
        assert set(comparison.first_divergence) == {BUFFER}
        off = [each.site.id for each in comparison.sites if each.verdict is Verdict.DIVERGENT]
        assert off == ["buffer/features.1#running_mean", "buffer/features.1#running_var"]
    (finding,) = [each for each in run.findings if "BatchNorm" in each.title]
    assert finding.title == "The running statistics of features.1 (BatchNorm2d) stand still"
    assert (finding.module, finding.site_id) == ("features.1", "buffer/features.1#running_mean")
    assert (finding.first_step, finding.last_step) == (1, STEPS - 1)
