"""Verdicts on real steps: honest ones are rounding by every measure, and tolerances are heeded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import ortviz
from ortviz.capture import finish, wrap_module
from ortviz.compare import Comparer
from ortviz.errors import WrapError
from ortviz.record import Direction, Verdict
from ortviz.session.run import Run
from tests.engine.families import FAMILIES, Family
from tests.engine.sinks import ListSink
from tests.engine.test_deep import train

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_an_honest_step_is_rounding_and_nothing_is_born_in_it(
    family: Family, tmp_path: Path
) -> None:
    sink = train(family, tmp_path, steps=2)
    comparer = Comparer()
    for capture in sink.captures:
        result = comparer.compare(capture)
        assert result.first_own_divergence == {}
        # BatchNorm's buffers are ORTModule's own doing.
        assert set(result.first_divergence) <= {Direction.BUFFER}
        measured = [one for one in result.sites if one.max_abs_error is not None]
        assert measured
        for one in measured:
            assert one.tolerance_reason
            assert one.mismatched_fraction is not None
            # What is zero but for rounding has a reason, and no direction.
            if one.verdict is Verdict.ROUNDING and not one.reason:
                assert one.cosine is None or one.cosine > 0.99, one
                assert one.local_rel_error is None or one.local_rel_error <= one.tolerance
        floors = [one for one in measured if one.noise_floor is not None]
        assert floors, "no noise floor was measured"


class DrawsInVain(nn.Module):
    """Its second draw is thrown away, so ORT, which prunes it, has no mask for it."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)
        self.after = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.drop(self.before(x))
        nn.functional.dropout(hidden, 0.5)
        return self.after(hidden)


def test_what_is_computed_before_a_draw_that_differs_is_compared(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(DrawsInVain(), sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(8, 4)).sum().backward()
    finish(wrapped)
    (capture,) = sink.captures
    assert "could not use ORT's masks" in capture.record.drew_differently
    assert capture.record.undrawn_count == 2
    assert Comparer().compare(capture).first_divergence == {}
    for module, verdict in (
        ("before", Verdict.DIVERGENT),
        ("drop", Verdict.DIVERGENT),
        ("after", Verdict.NOT_COMPARABLE),
    ):
        values = dict(capture.candidate_values)
        site_id = f"forward/{module}#out0"
        values[site_id] = values[site_id] + 1
        # The step may have been looked into deeply; in the second run the error would be there too.
        again = values if capture.repeat_values else {}
        spoilt = Comparer().compare(replace(capture, candidate_values=values, repeat_values=again))
        assert spoilt[site_id].verdict is verdict


def record(path: Path, **options: object) -> Run:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    wrapped = ortviz.wrap(model, path=path, **options)  # type: ignore[arg-type]
    wrapped(torch.randn(16, 4)).square().mean().backward()
    run: Run = wrapped.ortviz  # type: ignore[assignment]
    ortviz.unwrap(wrapped)
    return run


def test_tolerances_reach_the_comparison_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.ortviz"
    tolerances = {
        "*": 0.5,
        "forward/*": ortviz.Tolerance(0.0, absolute=2.0),
        "backward/nowhere*": 1e-3,
    }
    record(path, tolerances=tolerances)
    loaded = ortviz.load(path)
    assert [rule.pattern for rule in loaded.info.tolerances] == list(tolerances)
    step = loaded.steps[0].compare()
    forward, weight = step["forward/2#out0"], step["parameter_grad/2#weight"]
    assert forward.tolerance_reason == "your tolerance for 'forward/*'"
    assert (weight.tolerance, weight.tolerance_reason) == (0.5, "your tolerance for '*'")
    (problem,) = loaded.problems
    assert "'backward/nowhere*' was never used" in problem.what
    assert "agree" in repr(step)


def test_a_tolerance_that_can_never_apply_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    with pytest.raises(WrapError, match=r"'0\.weight' can never apply"):
        record(tmp_path / "run.ortviz", tolerances={"0.weight": 1e-3})
    assert list(tmp_path.iterdir()) == []
