"""What a loss says about the elements it set to 0."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
import pickle

import pytest
import torch

from ortviz.errors import OrtvizError
from ortviz.losses import LossMask, MAELoss, MapeLoss, MaskCode, SmapeLoss

NAN, INF = math.nan, math.inf


def test_codes_say_where_and_why() -> None:
    p = torch.tensor([[0.0, 1.0, -1.0], [NAN, 3.0, INF]])
    t = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, INF]])
    mask = MapeLoss().masking(p, t)
    assert mask.codes.dtype == torch.int8
    assert mask.codes.tolist() == [
        [MaskCode.NAN, MaskCode.NEG_INF, MaskCode.POS_INF],
        [MaskCode.NAN, MaskCode.KEPT, MaskCode.NAN],
    ]
    assert mask.masked.tolist() == [[True, True, True], [True, False, True]]
    assert (mask.nan_count, mask.pos_inf_count, mask.neg_inf_count) == (3, 1, 1)
    assert (mask.masked_count, mask.kept_count, mask.element_count) == (5, 1, 6)
    assert mask.effective_loss == 0.5


def test_effective_loss_undoes_the_dilution() -> None:
    loss = MapeLoss()
    value = loss(torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.tensor([2.0, 2.0, 0.0, 0.0]))
    assert value == 0.25
    assert loss.mask.effective_loss == 0.5


def test_nothing_masked_means_effective_loss_is_the_loss() -> None:
    torch.manual_seed(0)
    p, t = torch.randn(33, 7, dtype=torch.float16), torch.rand(33, 7, dtype=torch.float16) + 1
    for loss in (MAELoss(), MapeLoss(), SmapeLoss()):
        assert loss(p, t).item() == loss.mask.effective_loss


def test_all_masked_has_no_effective_loss() -> None:
    loss = SmapeLoss()
    assert loss(torch.full((4,), NAN), torch.ones(4)) == 0.0
    assert math.isnan(loss.mask.effective_loss)
    assert loss.mask.kept_count == 0


def test_mae_masks_nothing() -> None:
    loss = MAELoss()
    assert loss(torch.tensor([NAN, INF]), torch.ones(2)).isnan()
    assert loss.mask.masked_count == 0
    assert loss.mask.codes.tolist() == [0, 0]
    assert math.isnan(loss.mask.effective_loss)


def test_float16_quotient_that_overflows_is_masked_although_operands_are_finite() -> None:
    p, t = torch.tensor([6e4, 1.0]), torch.tensor([0.5, 2.0])
    assert MapeLoss().masking(p, t).masked_count == 0
    assert MapeLoss().masking(p.half(), t.half()).codes.tolist() == [MaskCode.NEG_INF, 0]
    assert MapeLoss().masking(p.bfloat16(), t.bfloat16()).masked_count == 0


def test_float16_difference_that_overflows_is_nan_for_smape() -> None:
    p, t = torch.tensor([6e4]).half(), torch.tensor([-6e4]).half()
    assert SmapeLoss().masking(p, t).codes.tolist() == [MaskCode.NAN]
    assert SmapeLoss()(p, t) == 0.0


@pytest.mark.parametrize(
    ("dtype", "target"), [(torch.float16, 6e-8), (torch.float32, 1e-44), (torch.float64, 5e-324)]
)
def test_subnormal_targets_are_kept_or_overflow_but_never_count_as_zero(dtype, target) -> None:
    t = torch.tensor([target, target], dtype=dtype)
    p = torch.stack([t[0] * 2, torch.ones((), dtype=dtype)])
    loss = MapeLoss(safe_grad=True)
    p.requires_grad_()
    value = loss(p, t)
    assert loss.mask.codes.tolist() == [MaskCode.KEPT, MaskCode.NEG_INF]
    assert value == 0.5
    value.backward()
    # Kept by value; but 1/t overflows, so neither element may pass a gradient on.
    assert p.grad is not None
    assert p.grad.tolist() == [0.0, 0.0]


def test_zero_dimensional_and_broadcast_shapes() -> None:
    assert MapeLoss().masking(torch.tensor(1.0), torch.tensor(0.0)).codes.shape == ()
    mask = SmapeLoss().masking(torch.zeros(4, 3), torch.tensor([0.0, 1.0, 0.0]))
    assert mask.codes.tolist() == [[1, 0, 1]] * 4
    assert mask.element_count == 12


def test_reading_before_any_forward_says_what_to_do() -> None:
    with pytest.raises(OrtvizError, match=r"MapeLoss\.mask: .* computed no loss yet.*masking"):
        _ = MapeLoss().mask


def test_mask_is_of_the_last_forward_even_if_its_tensors_change_later() -> None:
    p, t = torch.ones(3), torch.tensor([0.0, 1.0, 2.0])
    loss = MapeLoss()
    loss(p, t)
    t.fill_(5.0)
    p.zero_()
    assert loss.mask.codes.tolist() == [MaskCode.NEG_INF, 0, 0]
    loss(torch.ones(2), torch.ones(2))
    assert loss.mask.codes.tolist() == [0, 0]


@pytest.mark.parametrize("safe", [False, True])
def test_mask_does_not_depend_on_safe_grad_nor_disturb_backward(safe) -> None:
    p, t = torch.ones(3, requires_grad=True), torch.tensor([0.0, 1.0, 2.0])
    loss = MapeLoss(safe_grad=safe)
    value = loss(p, t)
    assert loss.mask.codes.tolist() == [MaskCode.NEG_INF, 0, 0]
    assert not loss.mask.codes.requires_grad
    value.backward()
    assert loss.masking(p, t).codes.grad_fn is None


def test_masking_leaves_the_last_mask_alone() -> None:
    loss = SmapeLoss()
    loss(torch.zeros(2), torch.zeros(2))
    loss.masking(torch.ones(5), torch.ones(5))
    assert loss.mask.element_count == 2


def test_the_last_batch_is_not_part_of_state_copies_or_pickles() -> None:
    loss = SmapeLoss(block_denom_grad=False, safe_grad=True)
    loss(torch.zeros(2), torch.zeros(2))
    assert loss.state_dict() == {}
    saved = io.BytesIO()
    torch.save(loss, saved)
    saved.seek(0)
    restored = torch.load(saved, weights_only=False)
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), restored):
        assert (other.block_denom_grad, other.safe_grad) == (False, True)
        with pytest.raises(OrtvizError):
            _ = other.mask
    assert loss.mask.masked_count == 2


def test_mask_is_frozen_and_compared_by_identity() -> None:
    mask = MapeLoss().masking(torch.ones(2), torch.ones(2))
    assert isinstance(mask, LossMask)
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.nan_count = 3  # type: ignore[misc]
    other = MapeLoss().masking(torch.ones(2), torch.ones(2))
    assert mask == mask
    assert mask != other
    assert len({mask, other}) == 2
    assert mask.counts == other.counts


def test_compiled_loss_agrees_and_says_that_it_saw_nothing() -> None:
    loss = MapeLoss(safe_grad=True)
    p, t = torch.ones(3), torch.tensor([0.0, 1.0, 2.0])
    eager = loss(p, t)
    assert loss.mask.masked_count == 1
    assert torch.compile(loss, backend="eager")(p, t) == eager
    with pytest.raises(OrtvizError, match="compiled"):
        _ = loss.mask
