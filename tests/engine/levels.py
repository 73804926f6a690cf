"""What the tests of levels share: a recording at a level, and a model with every way to name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from ortviz.capture import finish, wrap_module
from ortviz.record import Direction, Level, SiteRecord, SiteStatus, StepCapture
from tests.engine.families import prediction
from tests.engine.sinks import ListSink


def record(
    model: nn.Module,
    batch: Callable[[torch.Generator], torch.Tensor],
    folder: Path,
    level: Level = Level.TENSOR,
    count: int = 2,
) -> tuple[nn.Module, ListSink]:
    """Wrap, train a few steps without an optimiser, and hand everything over."""
    sink = ListSink()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=folder, level=level)
    generator = torch.Generator().manual_seed(2)
    for _ in range(count):
        prediction(wrapped(batch(generator))).pow(2).sum().backward()
    finish(wrapped)
    assert not sink.problems, sink.problems
    assert len(sink.captures) == count
    return wrapped, sink


def inner(capture: StepCapture) -> dict[str, SiteRecord]:
    """ORT's records of forward and backward values that are no module outputs, by site."""
    return {
        seen.site.id: seen
        for seen in capture.record.candidate
        if seen.site.direction in (Direction.FORWARD, Direction.BACKWARD)
        and not seen.site.slot.removeprefix("out").isdecimal()
    }


def captured(capture: StepCapture) -> dict[str, SiteRecord]:
    return {
        seen.site.id: seen
        for seen in capture.record.candidate
        if seen.status is SiteStatus.CAPTURED
    }


class Naming(nn.Module):
    """Every way to hold modules, and functional calls between them."""

    def __init__(self) -> None:
        super().__init__()
        self.nested = nn.Sequential(
            nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Sequential(nn.Linear(4, 4)))
        )
        self.items_ = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.table = nn.ModuleDict({"left": nn.Linear(4, 4), "right": nn.Linear(4, 4)})
        self.twice = nn.Linear(4, 4)
        self.block = Between()
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.twice.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.nested(x)
        for each in self.items_:
            x = functional.relu(each(x))
        x = torch.sigmoid(self.table["left"](x)) * self.table["right"](x)
        x = self.twice(torch.tanh(self.twice(x)))
        return self.tied(self.block(x) + 1)


class Between(nn.Module):
    """F.relu between two Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(functional.relu(self.first(x)))


def ordinary(generator: torch.Generator) -> torch.Tensor:
    return torch.randn(3, 4, generator=generator)
