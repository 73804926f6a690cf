"""Modules inside containers that are not called are compared with themselves, not with others."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import ortviz
from ortviz.record import Verdict
from tests.engine.lineage_models import Containers

pytestmark = pytest.mark.engine


class CalledTwice(nn.Module):
    """Of two modules of one name one is called twice, the other never."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.ModuleList(
            [nn.ModuleDict({"act": nn.Tanh(), "fc": nn.Linear(8, 8)}) for _ in range(2)]
        )
        self.out = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second = self.rows
        x = second["fc"](first["act"](first["fc"](first["act"](x))))
        return self.out(torch.relu(x))


@pytest.mark.parametrize("build", [Containers, CalledTwice])
def test_both_sides_agree(build: type[nn.Module]) -> None:
    torch.manual_seed(0)
    tokens = build is Containers
    batch = torch.randint(0, 11, (3, 5)) if tokens else torch.randn(3, 8)
    wrapped = ortviz.wrap(build(), every=1)
    wrapped(batch).sum().backward()
    compared = wrapped.ortviz.steps[0].compare()
    verdicts = {each.site.id: each.verdict for each in compared.sites}
    ortviz.unwrap(wrapped)
    assert Verdict.DIVERGENT not in verdicts.values()
    if tokens:
        assert set(verdicts.values()) <= {Verdict.EQUAL, Verdict.ROUNDING}
        for each in ("norm", "act", "rows.0.act", "rows.2.attn", "transformer.drop"):
            assert f"forward/{each}#out0" in verdicts
