"""The graph whose tensors are read, against the one that trains: the user gets the latter's."""

from __future__ import annotations

import itertools
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn
from torch.nn import functional

from ortviz._compat import ensure_ortmodule
from ortviz._compat.ort_repeat import NotRepeatableError
from ortviz.capture import finish, wrap_module
from ortviz.capture.tapped_build import TappedBuilder
from ortviz.compare import compare_step
from ortviz.findings import FindingsEngine
from ortviz.record import Level, Severity, SiteStatus
from tests.engine.families import BY_NAME, FAMILIES, Family, prediction
from tests.engine.levels import captured, inner, ordinary, record
from tests.engine.sinks import ListSink

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("level", list(Level), ids=str)
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_gradients_are_those_of_plain_ortmodule(
    family: Family, level: Level, tmp_path: Path
) -> None:
    def grads(watched: bool) -> list[torch.Tensor]:
        torch.manual_seed(3)
        api = ensure_ortmodule()
        model = family.build()
        sink = ListSink(every=2)
        wrapped = (
            wrap_module(model, sink, name="m", every=2, save_dir=tmp_path, level=level)
            if watched
            else api.ORTModule(model)
        )
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
        generator = torch.Generator().manual_seed(5)
        seen = []
        for _ in range(5):
            optimizer.zero_grad()
            prediction(wrapped(family.batch(generator))).pow(2).mean().backward()
            seen += [p.grad.clone() for p in wrapped.parameters() if p.grad is not None]
            optimizer.step()
        if watched:
            finish(wrapped)
            assert not sink.problems
            checks = [capture.record.tap_check for capture in sink.captures]
            assert [check is not None for check in checks] == [True, False, False]
            assert checks[0] is not None
            assert checks[0].made
            assert checks[0].tensor_count > 3
        return seen

    for plain, ours in itertools.zip_longest(grads(watched=False), grads(watched=True)):
        assert torch.equal(plain, ours)


def test_where_reading_changes_the_rounding_training_is_not_touched(tmp_path: Path) -> None:
    torch.manual_seed(1)
    _, sink = record(BY_NAME["transformer"].build(), BY_NAME["transformer"].batch, tmp_path)
    first, second = (capture.record for capture in sink.captures)
    assert first.tap_check is not None
    # The scaling of the attention's scores is merged into their product unless that is read.
    assert first.tap_check.different_count > 0
    assert first.tap_check.max_rel_error < 1e-4
    assert any("not those of the graph that nobody watches" in note for note in first.notes)
    assert second.tap_check is None
    assert any("second run of ORT" in note for note in second.notes)
    comparison = compare_step(sink.captures[1])
    assert not comparison.first_divergence


def test_a_graph_that_computes_something_else_is_told_and_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = TappedBuilder._beside

    def spoilt(self: TappedBuilder, plan, masked, readings):  # type: ignore[no-untyped-def]
        for node in masked.model.graph.node:
            if node.op_type == "Relu":
                node.op_type = "Sigmoid"
        return real(self, plan, masked, readings)

    family = BY_NAME["mlp"]
    torch.manual_seed(1)
    healthy, _ = record(family.build(), family.batch, tmp_path, Level.MODULE)
    monkeypatch.setattr(TappedBuilder, "_beside", spoilt)
    torch.manual_seed(1)
    watched, sink = record(family.build(), family.batch, tmp_path, Level.MODULE)
    check = sink.captures[0].record.tap_check
    assert check is not None
    assert check.max_rel_error > 0.01
    info = sink.info
    assert info is not None
    engine = FindingsEngine(info)
    found = [
        one
        for capture in sink.captures
        for one in engine.on_step(capture.record, None)
        if one.detector == "instrumented_differs"
    ]
    assert [one.severity for one in found] == [Severity.ERROR]
    for plain, ours in zip(healthy.parameters(), watched.parameters(), strict=True):
        assert torch.equal(plain.grad, ours.grad)


def test_several_forwards_may_wait_while_the_watched_graph_is_on_trial(tmp_path: Path) -> None:
    torch.manual_seed(1)
    family = BY_NAME["dropout"]
    sink = ListSink()
    wrapped = wrap_module(
        family.build(), sink, name="m", every=1, save_dir=tmp_path, level=Level.TENSOR
    )
    generator = torch.Generator().manual_seed(2)
    first, second = (wrapped(family.batch(generator)) for _ in range(2))
    first.pow(2).sum().backward()
    third = wrapped(family.batch(generator))
    second.pow(2).sum().backward()
    third.pow(2).sum().backward()
    finish(wrapped)
    assert not sink.problems, sink.problems
    assert [capture.record.step for capture in sink.captures] == [0, 1, 2]
    counts = [len(captured(capture)) for capture in sink.captures]
    assert counts[0] == counts[1] == counts[2]


def test_a_graph_with_a_generator_of_its_own_is_not_read(tmp_path: Path) -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = functional.relu(self.first(x))
            return self.second(y + torch.rand_like(y))

    torch.manual_seed(1)
    _, sink = record(Noisy(), ordinary, tmp_path)
    for capture in sink.captures:
        assert capture.record.tap_check is None
        assert not inner(capture)
        assert any("generator of its own session" in note for note in capture.record.notes)


def test_where_no_check_is_possible_only_what_training_keeps_apart_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(model: onnx.ModelProto) -> None:
        raise NotRepeatableError("It must not run twice.")

    monkeypatch.setattr("ortviz.capture.tapped_build.masked_model", refuse)
    torch.manual_seed(1)
    family = BY_NAME["transformer"]
    _, sink = record(family.build(), family.batch, tmp_path)
    check = sink.captures[0].record.tap_check
    assert check is not None
    assert not check.made
    assert "must not run twice" in check.reason
    records = inner(sink.captures[1])
    scores = records["forward/blocks.0.attention#MatMul_output_0"]
    assert scores.status is SiteStatus.FUSED_AWAY
    assert "session merges it" in scores.reason
    assert records["forward/blocks.0.attention#Div_1_output_0"].status is SiteStatus.CAPTURED
