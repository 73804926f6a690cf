"""``compare=False``: ORT's side alone, with the names that one eager run has told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz.capture import finish, wrap_module
from ortviz.record import Direction, SiteStatus, StepCapture
from tests.engine.families import BY_NAME, prediction
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine


def recorded(family_name: str, folder: Path, *, compare: bool) -> list[StepCapture]:
    family = BY_NAME[family_name]
    torch.manual_seed(3)
    sink = ListSink(1)
    wrapped = wrap_module(family.build(), sink, name="m", every=1, save_dir=folder, compare=compare)
    generator = torch.Generator().manual_seed(5)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
    for _ in range(4):
        optimizer.zero_grad()
        output = prediction(wrapped(family.batch(generator)))
        nn.L1Loss()(output, torch.ones_like(output)).backward()
        optimizer.step()
    finish(wrapped)
    assert not sink.problems, sink.problems
    return sink.captures


@pytest.mark.parametrize("family", ["mlp", "transformer", "cnn_batchnorm", "lstm"])
def test_orts_side_is_the_same_as_with_the_eager_side(family: str, tmp_path: Path) -> None:
    alone = recorded(family, tmp_path, compare=False)
    both = recorded(family, tmp_path, compare=True)
    assert len(alone) == len(both) == 4
    for step, (one, other) in enumerate(zip(alone, both, strict=True)):
        assert one.record.candidate == other.record.candidate
        eager = [s for s in one.record.reference if s.site.direction is not Direction.INPUT]
        assert bool(eager) == (step == 0)
        assert (one.record.eager_secs is None) == (step > 0)
        assert any("compare=False" in note for note in one.record.notes) == (step > 0)
    inner = [
        seen
        for seen in alone[-1].record.candidate
        if seen.site.direction is Direction.FORWARD and seen.site.module
    ]
    assert any(seen.status is SiteStatus.CAPTURED for seen in inner)
