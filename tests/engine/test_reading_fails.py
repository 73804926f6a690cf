"""ORT has run and reading its tensors fails: the user gets what ORT computed, once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ortviz._compat import ensure_ortmodule
from ortviz.capture import finish, is_wrapped, wrap_module
from ortviz.capture.readings import Readings
from ortviz.record import Level
from tests.engine.families import BY_NAME, Family, prediction
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine

FAILING_CALL = 2
"""In the first the graph is on trial, beside the one that serves the user."""


def trained(
    family: Family, wrap: Callable[[torch.nn.Module], torch.nn.Module]
) -> list[torch.Tensor]:
    """Every gradient of four steps."""
    torch.manual_seed(3)
    ensure_ortmodule()
    wrapped = wrap(family.build())
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(5)
    seen = []
    for _ in range(4):
        optimizer.zero_grad()
        prediction(wrapped(family.batch(generator))).pow(2).mean().backward()
        seen += [p.grad.clone() for p in wrapped.parameters() if p.grad is not None]
        optimizer.step()
    if is_wrapped(wrapped):
        finish(wrapped)
    return seen


@pytest.mark.parametrize("half", ["forward", "backward"])
@pytest.mark.parametrize("name", ["mlp", "dropout"])
def test_the_step_is_that_of_plain_ortmodule(
    name: str, half: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = getattr(Readings, half), [0]

    def fails_once(self: Readings, *given: Any) -> None:
        real(self, *given)
        calls[0] += 1
        if calls[0] == FAILING_CALL:
            raise MemoryError("no room for a copy")

    family, sink = BY_NAME[name], ListSink()
    plain = trained(family, lambda model: ensure_ortmodule().ORTModule(model))
    monkeypatch.setattr(Readings, half, fails_once)
    watched = trained(
        family,
        lambda model: wrap_module(
            model, sink, name="m", every=1, save_dir=tmp_path, level=Level.MODULE
        ),
    )
    for ours, theirs in zip(watched, plain, strict=True):
        assert torch.equal(ours, theirs)
    assert calls[0] == FAILING_CALL
    (problem,) = sink.problems
    assert "no room for a copy" in problem.what
    assert problem.step == 1
    assert [capture.record.step for capture in sink.captures] == [0, 1, 2, 3]
