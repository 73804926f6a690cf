"""A value whose reading changes what ORT computes is left out, and then one run is enough."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz._compat import ensure_ortmodule
from ortviz.capture import finish, wrap_module
from ortviz.record import SiteStatus
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine


class Attention(nn.Module):
    """Nothing needs the gradient of its input, so ORT sums the key's gradient transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(64, 64) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, length, 64), and the same again."""
        scores = self.query(x) @ self.key(x).transpose(1, 2) / 8
        return x + scores.softmax(-1) @ self.value(x)


def built() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Attention(), nn.Linear(64, 1))


def trained(wrapped: nn.Module) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        wrapped.zero_grad()
        x, y = (torch.randn(16, 32, size, generator=generator) for size in (64, 1))
        nn.L1Loss()(wrapped(x), y).backward()
    return [p.grad.clone() for p in wrapped.parameters() if p.grad is not None]


def test_all_but_one_gradient_is_read_from_the_run_that_trains(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(built(), sink, name="m", every=1, save_dir=tmp_path)
    grads = trained(wrapped)
    finish(wrapped)
    assert not sink.problems, sink.problems
    plain = trained(ensure_ortmodule().ORTModule(built()))
    assert all(torch.equal(one, other) for one, other in zip(grads, plain, strict=True))
    first, second, third, *_ = (capture.record for capture in sink.captures)
    assert first.tap_check is not None
    assert first.tap_check.worst == "0.key.bias"
    assert second.tap_check is not None
    assert second.tap_check.different_count == 0
    assert third.tap_check is None
    site = "backward/0.key#out0"
    seen = {each.site.id: each for each in third.candidate}
    assert {each.site.id: each for each in first.candidate}[site].status is SiteStatus.CAPTURED
    assert seen[site].status is SiteStatus.NOT_CAPTURED
    assert seen[site].reason == (
        "Not read: reading it changes how ORT rounds the gradient of 0.key.bias."
    )
    assert seen["backward/0.query#out0"].status is SiteStatus.CAPTURED
    assert seen["parameter_grad/0.key#bias"].status is SiteStatus.CAPTURED
