"""One training step and one evaluation of a small model, with all graphs that ORTModule saved."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ortviz.capture import finish, wrap_module
from ortviz.record import GraphRecord
from tests.engine.families import Family
from tests.engine.sinks import ListSink


def exported(family: Family, folder: Path) -> tuple[nn.Module, torch.Tensor, list[GraphRecord]]:
    """The model, what it was called with, and the saved graphs of both modes."""
    torch.manual_seed(0)
    model, sink = family.build(), ListSink()
    batch = family.batch(torch.Generator().manual_seed(0))
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=folder)
    wrapped(batch).sum().backward()
    wrapped.eval()
    with torch.no_grad():
        wrapped(batch)
    finish(wrapped)
    assert not sink.problems
    return model, batch, sink.graphs
