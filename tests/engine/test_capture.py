"""What a sampled step holds, on real torch and ORT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz.capture import EagerWatch, detach, finish, wrap_module
from ortviz.compare import compare_step
from ortviz.errors import WrapError
from ortviz.losses import MapeLoss, SmapeLoss
from ortviz.record import (
    ORTMODULE_STAGES,
    Direction,
    EventKind,
    Mode,
    SiteStatus,
    Stage,
    Verdict,
)
from tests.engine.families import (
    BY_NAME,
    FAMILIES,
    Family,
    LinearPlusNoise,
    Transformer,
    mlp,
    prediction,
)
from tests.engine.sinks import ListSink, statuses

pytestmark = pytest.mark.engine


def run_steps(
    model: nn.Module,
    batch: Callable[[torch.Generator], torch.Tensor],
    folder: Path,
    *,
    count: int = 2,
    every: int = 1,
    criterion: nn.Module | None = None,
) -> ListSink:
    torch.manual_seed(1)
    sink = ListSink(every)
    wrapped = wrap_module(model, sink, name="m", every=every, save_dir=folder)
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05)
    generator = torch.Generator().manual_seed(2)
    loss_of = criterion or nn.L1Loss()
    for _ in range(count):
        optimizer.zero_grad()
        output = prediction(wrapped(batch(generator)))
        loss_of(output, torch.randn(output.shape)).backward()
        optimizer.step()
    finish(wrapped)
    detach(wrapped)
    assert not sink.problems, sink.problems
    return sink


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_eager_and_ort_agree_but_for_frozen_buffers(family: Family, tmp_path: Path) -> None:
    sink = run_steps(family.build(), family.batch, tmp_path, count=3)
    assert [capture.record.step for capture in sink.captures] == [0, 1, 2]
    for capture in sink.captures:
        comparison = compare_step(capture)
        diverged = {each.site.id for each in comparison.sites if each.verdict is Verdict.DIVERGENT}
        assert all(site.startswith("buffer/features.1#") for site in diverged), diverged
        seen = [
            each.verdict for each in comparison.sites if each.site.direction is Direction.FORWARD
        ]
        assert seen.count(Verdict.EQUAL) + seen.count(Verdict.ROUNDING) >= 2


def test_every_module_output_of_a_transformer_is_read_both_ways(tmp_path: Path) -> None:
    sink = run_steps(Transformer(), BY_NAME["transformer"].batch, tmp_path)
    found = statuses(sink.captures[-1])
    model = Transformer()
    called = [
        name
        for name, module in model.named_modules()
        if name != "unused" and not isinstance(module, nn.ModuleList)
    ]
    for name in called:
        assert found[f"forward/{name}#out0"] is SiteStatus.CAPTURED, name
        assert found[f"backward/{name}#out0"] is SiteStatus.CAPTURED, name
    assert found["forward/shared@1#out0"] is SiteStatus.CAPTURED
    assert found["forward/unused#out0"] is SiteStatus.NEVER_CALLED
    for name, _ in model.named_parameters():
        module, _, local = name.rpartition(".")
        expected = SiteStatus.NO_GRADIENT if module == "unused" else SiteStatus.CAPTURED
        reference = {r.site.id: r.status for r in sink.captures[-1].record.reference}
        site = f"parameter_grad/{module}#{local}"
        assert reference[site] is expected
        assert found.get(site, SiteStatus.NO_GRADIENT) is expected


def test_a_value_that_ort_moved_an_operation_across_is_said_to_be_fused(tmp_path: Path) -> None:
    sink = run_steps(BY_NAME["lstm"].build(), BY_NAME["lstm"].batch, tmp_path)
    record = next(r for r in sink.captures[-1].record.candidate if r.site.id == "forward/lstm#out0")
    assert record.status is SiteStatus.FUSED_AWAY
    assert "(4, 1, 8)" in record.reason


def test_dropout_masks_are_replayed(tmp_path: Path) -> None:
    family = BY_NAME["dropout"]
    sink = run_steps(family.build(), family.batch, tmp_path)
    capture = sink.captures[-1]
    dropped = capture.candidate_values["forward/2#out0"] == 0
    kept_apart = capture.candidate_values["forward/1#out0"] != 0
    assert (dropped & kept_apart).sum() > 10, "dropout was live"
    assert compare_step(capture)["forward/2#out0"].verdict in (Verdict.EQUAL, Verdict.ROUNDING)
    assert capture.record.notes == ()


def test_other_randomness_is_named(tmp_path: Path) -> None:
    sink = run_steps(LinearPlusNoise(), BY_NAME["mlp"].batch, tmp_path)
    assert "rand" in " ".join(sink.captures[-1].record.notes)


def test_stages_of_both_modes_are_collected_and_traced(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    model = Transformer()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    tokens = torch.randint(0, 11, (4, 5))
    wrapped(tokens).sum().backward()
    wrapped.eval()
    with torch.no_grad():
        wrapped(tokens)
    stages = [(graph.mode, graph.stage) for graph in sink.graphs]
    every = [(mode, stage) for mode in Mode for stage in ORTMODULE_STAGES]
    every.remove((Mode.INFERENCE, Stage.OPTIMIZED_PRE_GRAD))
    assert stages == every
    assert not sink.problems
    names = {name for name, _ in model.named_modules()}
    for graph in sink.graphs:
        untraced = [node for node in graph.nodes if node.module is None]
        assert len(untraced) <= 0.02 * len(graph.nodes) + 1, (graph.stage, untraced)
        assert {node.module for node in graph.nodes} - {None} <= names
    execution = next(g for g in sink.graphs if g.stage is Stage.EXECUTION_MODEL)
    assert any(
        node.half.value == "backward" and node.module == "blocks.1.attention.query"
        for node in execution.nodes
    )
    kinds = [event.kind for event in sink.events]
    assert kinds == [EventKind.EXPORT, EventKind.EXPORT]


def test_every_step_is_observed_and_only_due_ones_are_captured(tmp_path: Path) -> None:
    sink = run_steps(mlp(), BY_NAME["mlp"].batch, tmp_path, count=5, every=3)
    assert sink.steps == [0, 1, 2, 3, 4]
    assert [capture.record.step for capture in sink.captures] == [0, 3]
    assert [seen.step for seen in sink.observations] == [0, 1, 2, 3, 4]
    for seen in sink.observations:
        assert seen.user_loss == "mae"
        assert seen.input is not None
        assert seen.gradient is not None
        assert seen.gradient.shape == seen.input.shape
        assert (seen.reference_input is not None) == (seen.step % 3 == 0)


@pytest.mark.parametrize(
    ("criterion", "name"), [(MapeLoss(), "mape"), (SmapeLoss(), "smape"), (nn.MSELoss(), "MSELoss")]
)
def test_the_users_loss_is_recognised(criterion: nn.Module, name: str, tmp_path: Path) -> None:
    sink = run_steps(mlp(), BY_NAME["mlp"].batch, tmp_path, criterion=criterion)
    seen = sink.observations[0]
    assert seen.user_loss == name
    assert seen.user_value == pytest.approx(seen.reference_user_value, rel=1e-5)


def test_a_loss_inside_an_outer_module_is_seen_as_the_outer_one(tmp_path: Path) -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.L1Loss()

        def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return 3 * self.inner(prediction, target)

    sink = run_steps(mlp(), BY_NAME["mlp"].batch, tmp_path, criterion=Weighted())
    assert sink.observations[0].user_loss == "Weighted"


def test_class_targets_are_explained_not_forced(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path)
    nn.CrossEntropyLoss()(wrapped(torch.randn(8, 4)), torch.zeros(8, dtype=torch.long)).backward()
    finish(wrapped)
    seen = sink.observations[0]
    assert seen.input is None
    assert "int64" in seen.note
    assert seen.user_value is not None


def test_gradient_of_a_poisoned_loss_arrives(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink(every=100)
    wrapped = wrap_module(mlp(), sink, name="m", every=100, save_dir=tmp_path)
    for step in range(3):
        target = torch.ones(8, 2)
        if step == 2:
            target[3, 1] = 0
        MapeLoss()(wrapped(torch.randn(8, 4)), target).backward()
    finish(wrapped)
    gradients = [seen.gradient for seen in sink.observations]
    bad = [0 if g is None else int(torch.isnan(torch.from_numpy(g)).sum()) for g in gradients]
    assert bad == [0, 0, 1]


def test_frozen_batch_norm_shows_in_the_buffers(tmp_path: Path) -> None:
    family = BY_NAME["cnn_batchnorm"]
    sink = run_steps(family.build(), family.batch, tmp_path, count=3)
    last = compare_step(sink.captures[-1])
    counted = last["buffer/features.1#num_batches_tracked"]
    assert counted.verdict is Verdict.NOT_COMPARABLE
    assert "never updates this counter" in counted.reason
    assert counted.worst_reference == 2
    assert counted.worst_candidate == 1
    assert last["buffer/features.1#running_mean"].verdict is Verdict.ROUNDING
    first = compare_step(sink.captures[0])
    # The export in eager PyTorch took the first batch in already.
    assert first["buffer/features.1#running_mean"].verdict is Verdict.DIVERGENT


def test_a_failing_forward_raises_as_ortmodule_does(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(nn.Linear(4, 2), sink, name="m", every=1, save_dir=tmp_path)
    with pytest.raises(Exception, match=r"mat1 and mat2|shape|Gemm"):
        wrapped(torch.randn(3, 5))


class Rnn(nn.Module):
    """ORT has no gradient for RNN."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.RNN(4, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.encoder(x)
        return states


def test_training_goes_on_in_eager_when_asked_to(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(Rnn(), sink, name="m", every=1, save_dir=tmp_path, on_failure="eager")
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.L1Loss()(wrapped(torch.ones(2, 3, 4)), torch.zeros(2, 3, 4))
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    finish(wrapped)
    assert not sink.problems, sink.problems
    assert losses[-1] < losses[0]
    (event,) = [event for event in sink.events if event.kind is EventKind.FALLBACK]
    assert event.module == "encoder"
    assert "gradient builder" in event.detail
    assert [capture.record.fallback for capture in sink.captures] == [True] * 4
    assert all(seen.gradient is not None for seen in sink.observations)


def test_eager_watch_records_the_eager_side_and_leaves_no_hook() -> None:
    torch.manual_seed(1)
    model = mlp()
    sink = ListSink()
    watch = EagerWatch(model, sink, name="m", every=2, reason="no ORT")
    for _ in range(3):
        nn.L1Loss()(model(torch.randn(8, 4)), torch.zeros(8, 2)).backward()
    watch.close()
    assert not model._forward_hooks
    assert not model._forward_pre_hooks
    assert len(sink.observations) == 3
    reference = sink.captures[0].record.reference
    assert any(r.site.direction is Direction.BACKWARD and r.stats for r in reference)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: x, "torch.nn.Module"),
        (nn.DataParallel(nn.Linear(1, 1)), "model.module"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_in_words(
    model: object, words: str, tmp_path: Path
) -> None:
    with pytest.raises(WrapError, match=words):
        wrap_module(model, ListSink(), name="m", every=1, save_dir=tmp_path)  # type: ignore[arg-type]


def test_wrapping_twice_is_refused(tmp_path: Path) -> None:
    wrapped = wrap_module(mlp(), ListSink(), name="m", every=1, save_dir=tmp_path)
    with pytest.raises(WrapError, match="already"):
        wrap_module(wrapped, ListSink(), name="m", every=1, save_dir=tmp_path)
