"""Every way people call a wrapped model and its loss: recorded rightly, or at least not broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ortviz.capture import detach, finish, wrap_module
from ortviz.compare import compare_step
from ortviz.record import Direction, EventKind, SiteStatus, Verdict
from tests.engine.families import BY_NAME, mlp
from tests.engine.more_families import Noisy
from tests.engine.sinks import ListSink, statuses

pytestmark = pytest.mark.engine


class Branches(nn.Module):
    """Keyword arguments; a dict with a nested output and one that the loss does not use."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor, *, other: torch.Tensor | None = None) -> dict[str, object]:
        hidden = torch.relu(self.first(x) + (self.second(other) if other is not None else 0))
        return {"hidden": hidden, "out": (self.head(hidden), [hidden.sum(-1)])}


def nothing_diverges(sink: ListSink) -> bool:
    return not any(
        each.verdict is Verdict.DIVERGENT
        for capture in sink.captures
        for each in compare_step(capture).sites
    )


def test_keywords_nested_outputs_and_unused_ones(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(Branches(), sink, name="m", every=1, save_dir=tmp_path)
    for _ in range(2):
        result = wrapped(torch.randn(3, 4), other=torch.randn(3, 4))
        result["out"][0].sum().backward()
    finish(wrapped)
    assert not sink.problems
    assert nothing_diverges(sink)
    arrived = {r.site.id: r.stats for r in sink.captures[-1].record.candidate}
    unused, used = arrived["backward/#out0"], arrived["backward/#out1"]
    assert unused is not None
    assert used is not None
    assert unused.l2_norm == 0, "ORTModule feeds zeros where autograd has nothing to give"
    assert used.l2_norm


def test_several_forwards_before_one_backward(tmp_path: Path) -> None:
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(BY_NAME["dropout"].build(), sink, name="m", every=1, save_dir=tmp_path)
    losses = [nn.L1Loss()(wrapped(torch.randn(8, 4)), torch.zeros(8, 2)) for _ in range(3)]
    sum(losses).backward()
    finish(wrapped)
    assert sorted(capture.record.step for capture in sink.captures) == [0, 1, 2]
    assert {seen.user_loss for seen in sink.observations} == {"mae"}
    assert nothing_diverges(sink)


def test_a_forward_without_backward_is_recorded_as_such(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(8, 4))
    finish(wrapped)
    assert statuses(sink.captures[0])["backward/#out0"] is SiteStatus.NO_GRADIENT
    assert sink.observations[0].gradient is None


def test_a_refused_batch_costs_only_itself(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(nn.Linear(4, 2), sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(3, 4)).sum().backward()
    with pytest.raises(RuntimeError, match="Gemm") as caught:
        wrapped(torch.randn(3, 9))
    assert caught.value.__context__ is None, "ORT's own error, not ours on top"
    wrapped(torch.randn(5, 4)).sum().backward()
    finish(wrapped)
    assert not sink.problems
    assert statuses(sink.captures[-1])["forward/#out0"] is SiteStatus.CAPTURED
    assert len(sink.captures) == 2


def test_an_argument_that_ort_ignores_shows_as_divergence(tmp_path: Path) -> None:
    """ORTModule checks its inputs at the first step only; a later keyword is dropped."""
    torch.manual_seed(1)
    sink = ListSink()
    wrapped = wrap_module(Branches(), sink, name="m", every=1, save_dir=tmp_path)
    for extra in ({}, {"other": torch.randn(3, 4)}):
        wrapped(torch.randn(3, 4), **extra)["out"][0].sum().backward()
    finish(wrapped)
    assert compare_step(sink.captures[0]).first_divergence == {}
    assert Direction.FORWARD in compare_step(sink.captures[1]).first_divergence


def test_a_wrapped_part_of_an_eager_model_and_two_wrapped_in_one(tmp_path: Path) -> None:
    torch.manual_seed(1)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = ListSink(), ListSink()
    encoder = wrap_module(nn.Linear(4, 4), first, name="a", every=1, save_dir=tmp_path / "a")
    decoder = wrap_module(nn.Linear(4, 2), second, name="b", every=1, save_dir=tmp_path / "b")
    for _ in range(2):
        hidden = torch.relu(nn.Linear(4, 4)(encoder(torch.randn(3, 4))))
        nn.L1Loss()(decoder(hidden), torch.zeros(3, 2)).backward()
    finish(encoder)
    finish(decoder)
    for sink in (first, second):
        assert not sink.problems
        assert len(sink.captures) == 2
        assert nothing_diverges(sink)
        assert {seen.user_loss for seen in sink.observations} == {"mae"}


def test_twelve_forwards_before_one_backward(tmp_path: Path) -> None:
    """More steps than are kept open: recording may be given up, the backward never."""
    torch.manual_seed(1)
    sink = ListSink()
    model = mlp()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    inputs = torch.randn(12, 8, 4)
    sum(wrapped(x).square().mean() for x in inputs).backward()
    got = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    sum(model(x).square().mean() for x in inputs).backward()
    for gradient, parameter in zip(got, model.parameters(), strict=True):
        assert torch.allclose(gradient, parameter.grad, atol=1e-6)


def test_a_backward_after_the_watching_ended(tmp_path: Path) -> None:
    sink = ListSink()
    model = mlp()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(8, 4)).sum().backward()
    loss = wrapped(torch.randn(8, 4)).sum()
    detach(wrapped)
    model.zero_grad()
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_nothing_of_a_dropped_forward_is_kept(tmp_path: Path) -> None:
    wrapped = wrap_module(mlp(), ListSink(), name="m", every=1, save_dir=tmp_path)
    for _ in range(3):
        wrapped(torch.randn(8, 4))
    finish(wrapped)
    taps = vars(wrapped)["_ortviz_watched"].observer.taps
    assert not taps.outstanding


def test_keywords_of_a_loss_are_not_mixed_up(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path)
    target = torch.full((8, 2), 7.0)
    nn.MSELoss()(target=target, input=wrapped(torch.randn(8, 4))).backward()
    seen = sink.observations[0]
    if not hasattr(torch.nn.modules.module, "_global_forward_hooks_with_kwargs"):
        # Such an old torch (2.4) tells its global hooks nothing of keywords.
        assert "No loss was seen" in seen.note
        return
    assert seen.target is not None
    assert (seen.target == 7).all()


def test_a_loss_that_is_only_logged_is_not_the_trained_one(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path)
    output, target = wrapped(torch.randn(8, 4)), torch.randn(8, 2)
    nn.L1Loss()(output, target)
    (nn.MSELoss()(output, target) * 5).backward()
    assert sink.observations[0].user_loss == "MSELoss"


def test_a_sum_of_losses_names_both_and_claims_no_value(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(mlp(), sink, name="m", every=1, save_dir=tmp_path)
    output, target = wrapped(torch.randn(8, 4)), torch.randn(8, 2)
    (nn.MSELoss()(output, target) + 0.1 * nn.L1Loss()(output, target)).backward()
    seen = sink.observations[0]
    assert seen.user_loss == "MSELoss + mae"
    assert seen.user_value is None
    assert seen.input is not None


def test_a_frozen_parameter_has_no_gradient_on_either_side(tmp_path: Path) -> None:
    model = mlp()
    model[0].requires_grad_(False)
    sink = ListSink()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(8, 4)).sum().backward()
    finish(wrapped)
    assert not sink.problems
    assert statuses(sink.captures[0])["parameter_grad/0#weight"] is SiteStatus.NO_GRADIENT


def test_large_losses_are_not_copied_at_unsampled_steps(tmp_path: Path) -> None:
    sink = ListSink(every=2)
    wrapped = wrap_module(nn.Linear(4, 1 << 18), sink, name="m", every=2, save_dir=tmp_path)
    for _ in range(2):
        output = wrapped(torch.randn(8, 4))
        nn.MSELoss()(output, torch.zeros_like(output)).backward()
    sampled, unsampled = sink.observations
    assert sampled.input is not None
    assert unsampled.input is None
    assert "2,097,152 elements" in unsampled.note
    assert unsampled.gradient is not None
    assert unsampled.gradient.size == 0


def test_a_mistake_of_the_user_is_told_as_pytorch_tells_it(tmp_path: Path) -> None:
    sink = ListSink()
    wrapped = wrap_module(
        nn.Linear(4, 2), sink, name="m", every=1, save_dir=tmp_path, on_failure="eager"
    )
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        wrapped(torch.randn(3, 5))
    assert caught.value.__context__ is None
    assert not [event for event in sink.events if event.kind is EventKind.FALLBACK]
    wrapped(torch.randn(3, 4)).sum().backward()
    finish(wrapped)
    assert sink.captures[-1].record.fallback is False


def test_random_draws_of_the_models_own_are_named_and_no_divergence(tmp_path: Path) -> None:
    """ORT draws them from a generator of the session, so no second session serves a step."""
    sink = ListSink()
    wrapped = wrap_module(Noisy(), sink, name="m", every=1, save_dir=tmp_path)
    for _ in range(2):
        wrapped(torch.randn(8, 4)).sum().backward()
    finish(wrapped)
    assert not sink.problems
    for capture in sink.captures:
        assert "randn" in capture.record.drew_differently
        assert any("RandomNormalLike" in note for note in capture.record.notes)
        comparison = compare_step(capture)
        assert comparison.first_divergence == {}
        root = next(site for site in comparison.sites if site.site.id == "forward/#out0")
        assert root.verdict is Verdict.NOT_COMPARABLE
        assert "randn" in root.reason
