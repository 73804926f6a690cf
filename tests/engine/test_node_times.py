"""Times of ORT's nodes: complete, plausible, measured beside the training, or a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import ortviz
from ortviz.capture import finish, wrap_module
from ortviz.errors import OrtvizError, WrapError
from ortviz.record import NodeTimes, Stage
from tests.engine.families import FAMILIES, Family, LinearPlusNoise, mlp, prediction
from tests.engine.sinks import ListSink
from tests.engine.test_capture import Rnn
from tests.engine.test_undisturbed import outcome, same_as_plain

pytestmark = pytest.mark.engine


def measured(
    model: nn.Module,
    batch: torch.Tensor,
    folder: Path,
    *,
    count: int = 2,
    ask: int | None = None,
    backward: bool = True,
    **options: object,
) -> tuple[list[NodeTimes | None], ListSink]:
    """What each of some sampled steps came to."""
    torch.manual_seed(1)
    folder.mkdir(exist_ok=True)
    sink = ListSink()
    if ask is not None:
        sink.time[ask] = 4
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=folder, **options)
    for _ in range(count):
        output = prediction(wrapped(batch))
        if backward:
            output.pow(2).sum().backward()
    finish(wrapped)
    assert not sink.problems, sink.problems
    return [capture.node_times for capture in sink.captures], sink


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_node_that_ran_has_a_time(family: Family, tmp_path: Path) -> None:
    batch = family.batch(torch.Generator().manual_seed(2))
    (times, later), sink = measured(family.build(), batch, tmp_path, node_times=5)
    assert later is None, "once an export"
    assert times is not None
    assert times.reason == ""
    assert times.step == 0
    assert times.repeat_count == 5
    (graph,) = [each for each in sink.graphs if each.stage is Stage.EXECUTION_MODEL]
    outputs = {
        next(filter(None, node.outputs)) for node in graph.nodes if node.op_type != "YieldOp"
    }
    assert {node.output for node in times.nodes} == outputs
    assert times.run_secs is not None
    assert 0 < times.node_secs <= times.run_secs
    assert times.device == "cpu"
    drops = any(isinstance(module, nn.Dropout) for module in family.build().modules())
    assert times.masks_given is drops


def test_a_step_is_timed_when_asked(tmp_path: Path) -> None:
    found, _ = measured(mlp(), torch.randn(8, 4), tmp_path, count=3, ask=1)
    assert [times is not None for times in found] == [False, True, False]
    assert found[1] is not None
    assert found[1].repeat_count == 4


@pytest.mark.parametrize("every", [1, 7])
def test_training_goes_on_bit_for_bit(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = FAMILIES[-1]
    assert family.name == "dropout"
    plain = outcome(family, None, tmp_path)
    # Every sampled step is timed, which draws nothing from ORT's generator.
    monkeypatch.setattr(ListSink, "times", lambda self, step: 2)
    same_as_plain(plain, outcome(family, every, tmp_path))


def test_what_cannot_be_timed_says_why(tmp_path: Path) -> None:
    batch = torch.randn(8, 4)
    (noise, _), _ = measured(LinearPlusNoise(), batch, tmp_path / "a", ask=0)
    assert noise is not None
    assert noise.reason.startswith("Nodes were not timed: Random")
    assert noise.nodes == ()
    (no_backward, _), _ = measured(mlp(), batch, tmp_path / "b", ask=0, backward=False)
    assert no_backward is not None
    assert "No backward pass ran" in no_backward.reason
    sequences = torch.randn(2, 3, 4)
    (fell_back, _), _ = measured(
        Rnn(), sequences, tmp_path / "c", ask=0, on_failure="eager", node_times=3
    )
    assert fell_back is not None
    assert "in eager PyTorch" in fell_back.reason


def test_a_step_without_backward_is_not_taken_for_an_export(tmp_path: Path) -> None:
    sink = ListSink()
    torch.manual_seed(1)
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path, node_times=3)
    wrapped(torch.randn(8, 4))
    for _ in range(2):
        wrapped(torch.randn(8, 4)).sum().backward()
    finish(wrapped)
    found = {capture.record.step: capture.node_times for capture in sink.captures}
    assert [step for step, times in sorted(found.items()) if times is not None] == [1]


def test_a_run_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(1)
    model = ortviz.wrap(mlp(), 2, path=tmp_path / "run.ortviz")
    run = model.ortviz
    assert "run.time_nodes()" in repr(run.node_times)
    with pytest.raises(OrtvizError, match="repeats is a whole number"):
        run.time_nodes(0)
    timing = None
    for step in range(3):
        if step == 1:
            timing = run.time_nodes(3)
        model(torch.randn(8, 4)).sum().backward()
    assert timing is not None
    table = run.node_times
    # Where ipykernel was imported, a notebook is spoken to.
    said = "".join(capsys.readouterr())
    assert "timing the nodes of step 1 on what it is fed, 3 runs" in said
    assert f"Timed {len(table)} nodes of step 1" in said
    assert repr(timing).splitlines()[0].startswith(f"Timed {len(table)} nodes of step 1")
    assert len(repr(timing).splitlines()) == 2 + min(len(table), 5)
    assert table[0].op_type in timing._repr_html_()
    assert table.measured.step == 1
    assert list(run.steps) == [0, 1, 2]
    assert sum(node.share for node in table) == pytest.approx(1.0)
    assert [node.secs for node in table] == sorted((node.secs for node in table), reverse=True)
    by_op = {(node.op_type, node.module) for node in table}
    assert ("Gemm", "0") in by_op
    assert all(node.index is not None for node in table)
    assert "on what step 1 was fed (cpu, median of 3 runs)" in repr(table)
    assert "<table>" in table._repr_html_()
    run.close()
    with pytest.raises(OrtvizError):
        run.time_nodes()
    assert len(ortviz.load(run.path).node_times) == len(table)


def test_node_times_is_a_number_of_runs() -> None:
    with pytest.raises(WrapError, match="node_times is True, False or a number"):
        ortviz.wrap(mlp(), node_times=-1)
