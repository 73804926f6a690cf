"""Bad input is refused in words; odd sizes are warned about as L1Loss does."""

from __future__ import annotations

import warnings

import pytest
import torch

from ortviz.errors import LossInputError
from ortviz.losses import three_losses

F = torch.zeros(4, 2)
BAD = {
    "no elements": (torch.zeros(0, 3), torch.zeros(0, 3), r"no elements: input float32 \(0, 3\)"),
    "broadcast to none": (torch.zeros(1), torch.zeros(0), r"no elements.*target float32 \(0,\)"),
    "int target": (F, torch.zeros(4, 2, dtype=torch.int64), r"target int64 \(4, 2\).*target.float"),
    "bool target": (F, torch.zeros(4, 2, dtype=torch.bool), r"target bool \(4, 2\)"),
    "int8 input": (torch.zeros(4, 2, dtype=torch.int8), F, r"input int8.*input.float"),
    "complex": (torch.zeros(4, 2, dtype=torch.complex64), F, "input complex64"),
    "shapes": (
        F,
        torch.zeros(3, 2),
        r"do not broadcast: input float32 \(4, 2\), target .*\(3, 2\)",
    ),
    "devices": (F, torch.zeros(4, 2, device="meta"), "input on cpu, target on meta"),
    "no tensor": (F, [1.0, 2.0], "list as target"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_in_words(name, case) -> None:
    p, t, words = BAD[name]
    with pytest.raises(LossInputError, match=words) as caught:
        case.loss()(p, t)
    assert str(caught.value).startswith(type(case.loss()).__name__)
    assert caught.value.remedy
    with pytest.raises(LossInputError, match=words):
        case.loss().masking(p, t)
    with pytest.raises(LossInputError, match=words):
        three_losses(p, t)


def test_a_refused_forward_leaves_the_mask_of_the_one_before(case) -> None:
    loss = case.loss()
    loss(F, F)
    with pytest.raises(LossInputError):
        loss(F, F.long())
    assert loss.mask.element_count == 8


def test_sizes_that_broadcast_warn_as_l1loss_does_at_the_callers_line(case) -> None:
    p, t = torch.ones(32, 1), torch.ones(32)
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        value = case.loss()(p, t)
    with pytest.warns(UserWarning, match="Using a target size") as torchs:
        torch.nn.L1Loss()(p, t)
    assert value.shape == ()
    (warning,) = ours
    assert warning.category is UserWarning
    assert warning.filename == __file__
    start = "Using a target size (torch.Size([32])) that is different to the input size"
    assert str(warning.message).startswith(start)
    assert str(torchs[0].message).startswith(start)
    assert "(32, 32)" in str(warning.message)


def test_equal_sizes_and_the_recorder_do_not_warn(case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        case.loss()(F + 1, F + 1)
        three_losses(torch.ones(32, 1), torch.ones(32))
