"""What goes wrong in ORT's run is named: which site, which direction, which step.

The fault is planted before ORTModule builds any agent, so the plain graph has it too. It strikes in
one step of four; before and after it nothing may be found.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import ortviz
from ortviz._compat import ensure_ortmodule
from ortviz.record import Direction, Finding, Site, Verdict
from ortviz.session.run import Run
from tests.engine.families import BY_NAME, prediction
from tests.engine.fault_cases import BACKWARD, CASES, FORWARD, MARKS, ROOT, Case
from tests.engine.faults import frozen, planted, poisoned, wrong_source

pytestmark = pytest.mark.engine

STEPS, STRUCK = 4, 2
BUFFER = Direction.BUFFER


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
    return _but_buffers(run.steps[step].compare().first_divergence)


def own(run: Run, step: int) -> dict[Direction, str]:
    """Likewise the first that was born where it is seen."""
    return _but_buffers(run.steps[step].compare().first_own_divergence)


def _but_buffers(found: Mapping[Direction, Site]) -> dict[Direction, str]:
    return {direction: site.id for direction, site in found.items() if direction is not BUFFER}


def of(run: Run, detector: str) -> list[Finding]:
    return [each for each in run.findings if each.detector == detector]


def titles(case: Case) -> str:
    return case.name.replace(" ", "_")


@pytest.mark.parametrize("level", ["module", "tensor"])
@pytest.mark.parametrize("case", CASES, ids=titles)
def test_a_fault_is_named_at_its_site_in_its_direction_and_step(
    case: Case, level: str, tmp_path: Path
) -> None:
    run = train(case, tmp_path, level=level)
    for step in (s for s in range(STEPS) if s != STRUCK):
        assert first(run, step) == {}
        assert own(run, step) == {}
    seen = first(run, STRUCK)
    assert {way: site for way, site in seen.items() if way in case.first} == case.first
    if FORWARD not in case.first:
        assert seen == case.first, "a wrong gradient leaves the forward pass alone"
    assert own(run, STRUCK) == case.own
    findings = of(run, "first_divergence")
    assert {(each.first_step, each.last_step) for each in findings} == {(STRUCK, STRUCK)}
    origin = run.findings[0]
    assert origin in findings
    assert origin.site_id == next(iter(case.own.values()))
    assert origin.module == case.module
    for each in findings:
        born = each.site_id in case.own.values()
        assert each.title.endswith("the difference is born there") is born
        assert ("follows from" in each.explanation) is not born


def test_where_ort_shows_no_output_of_the_module_it_is_suspected(tmp_path: Path) -> None:
    delta = np.full((32, 8), 0.1, np.float32)
    case = Case("LSTM", "lstm", wrong_source("_original_module.lstm.weight_hh_l0", delta))
    run = train(case, tmp_path)
    assert first(run, STRUCK)[FORWARD] == "forward/head#out0"
    assert own(run, STRUCK)[FORWARD] == "forward/#out0"
    (finding,) = [each for each in run.findings if each.site_id == "forward/#out0"]
    assert "ORT merged the output of lstm into other operations" in finding.explanation


@pytest.mark.parametrize(
    ("value", "width", "site", "words"),
    [
        (
            f"{ROOT}blocks.0/feed_forward/feed_forward.0/Add_output_0",
            32,
            "forward/blocks.0.feed_forward.0#out0",
            "is the first to give NaN values",
        ),
        (
            f"{ROOT}blocks.0/norm2/LayerNormalization_output_0_grad",
            16,
            "backward/blocks.0.norm2#out0",
            "The backward pass of blocks.0.feed_forward.0 (Linear) gives blocks.0.norm2",
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
    assert own(run, STRUCK)[Direction(site.split("/")[0])] == site
    comparison = run.steps[STRUCK].compare()[site]
    assert comparison.worst_index is not None
    assert comparison.worst_index[-1] == 3, "the very column"
    assert comparison.nonfinite_mismatch_count == 4 * 5
    (origin,) = of(run, "nonfinite_origin")
    assert (origin.site_id, origin.first_step, origin.last_step) == (site, STRUCK, STRUCK)
    assert words in origin.title
    first_shown = [each.site_id for each in run.findings[:2]]
    assert first_shown == [site, site], "what follows from it is shown after it"
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
