"""The recorder's three losses: those of the modules, and NumPy's agreeing with torch's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ortviz.errors import LossInputError, UnknownNameError
from ortviz.losses import (
    MAELoss,
    MapeLoss,
    SmapeLoss,
    mask_codes,
    mask_codes_numpy,
    three_losses,
    three_losses_numpy,
)
from ortviz.losses.float_pair import FloatPair, round_to_bfloat16
from ortviz.losses.ratios import percentage_ratio, symmetric_ratio

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
NUMBERS = st.one_of(
    st.floats(-100, 100, width=16),
    st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, 6e-8, 3e38, 6e4]),
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor]:
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=1))
    dtype = draw(st.sampled_from(DTYPES))
    one, other = (
        torch.from_numpy(draw(hnp.arrays(np.float64, shape, elements=NUMBERS))).to(dtype)
        for shape in shapes.input_shapes
    )
    return one, other


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _arrays(*tensors: torch.Tensor) -> tuple[list[np.ndarray], bool]:
    """Bring tensors to NumPy as the recorder does: bfloat16 as float32."""
    is_bfloat16 = tensors[0].dtype == torch.bfloat16
    return [(t.float() if is_bfloat16 else t).numpy() for t in tensors], is_bfloat16


@given(pair=pairs())
@settings(deadline=None, max_examples=150)
def test_the_values_and_masks_of_the_modules(pair) -> None:
    got = three_losses(*pair)
    assert _same(got.mae, MAELoss()(*pair).item())
    for name, loss in (("mape", MapeLoss()), ("smape", SmapeLoss())):
        assert _same(getattr(got, name), loss(*pair).item())
        counts, mask = getattr(got, f"{name}_mask"), loss.mask
        assert counts.masked_count == mask.masked_count
        assert counts.nan_count == mask.nan_count
        assert counts.pos_inf_count == mask.pos_inf_count
        assert counts.element_count == mask.element_count
        assert _same(counts.effective_loss, mask.effective_loss)
        assert torch.equal(mask_codes(*pair, name), mask.codes)


@given(pair=pairs())
@settings(deadline=None, max_examples=150)
def test_numpy_masks_the_same_elements_and_agrees_to_summation_rounding(pair) -> None:
    arrays, is_bfloat16 = _arrays(*pair)
    ours, torchs = three_losses_numpy(*arrays, bfloat16=is_bfloat16), three_losses(*pair)
    rel = torch.finfo(pair[0].dtype).eps * 4
    for name in ("mae", "mape", "smape"):
        assert getattr(ours, name) == pytest.approx(getattr(torchs, name), rel=rel, nan_ok=True)
    for name in ("mape", "smape"):
        codes = mask_codes_numpy(*arrays, name, bfloat16=is_bfloat16)
        assert codes.dtype == np.int8
        np.testing.assert_array_equal(codes, mask_codes(*pair, name).numpy())
        mine, other = getattr(ours, f"{name}_mask"), getattr(torchs, f"{name}_mask")
        assert (mine.nan_count, mine.pos_inf_count) == (other.nan_count, other.pos_inf_count)
        assert (mine.neg_inf_count, mine.element_count) == (
            other.neg_inf_count,
            other.element_count,
        )
        assert mine.effective_loss == pytest.approx(other.effective_loss, rel=rel, nan_ok=True)


@given(pair=pairs())
@settings(deadline=None, max_examples=150)
def test_numpy_has_torchs_very_elements_before_the_sum(pair) -> None:
    arrays, is_bfloat16 = _arrays(*pair)
    mine = FloatPair.of(*arrays, is_bfloat16, "test")
    with np.errstate(all="ignore"):
        ratios = (mine.percentage_ratio(), mine.symmetric_ratio())
    torchs = (percentage_ratio(*pair), symmetric_ratio(*pair, block_denom_grad=True))
    for ours, theirs in zip(ratios, torchs, strict=True):
        (expected,), _ = _arrays(theirs)
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_large_batches_agree(dtype) -> None:
    torch.manual_seed(0)
    p, t = torch.randn(513, 1031, dtype=torch.float64), torch.randn(513, 1031, dtype=torch.float64)
    t[5] = 0.0
    p, t = p.to(dtype), t.to(dtype)
    arrays, is_bfloat16 = _arrays(p, t)
    ours, torchs = three_losses_numpy(*arrays, bfloat16=is_bfloat16), three_losses(p, t)
    assert torchs.mape_mask.masked_count >= 1031
    for name in ("mae", "mape", "smape"):
        expected = getattr(torchs, name)
        assert getattr(ours, name) == pytest.approx(expected, rel=torch.finfo(dtype).eps * 8)


def test_a_sum_that_overflows_is_not_taken_for_a_mask() -> None:
    p, t = torch.full((4,), 3e38), torch.full((4,), 1.0)
    got = three_losses(p, t)
    assert got.mape == math.inf
    assert got.mape_mask.masked_count == 0
    assert got.mape_mask.effective_loss == math.inf
    assert three_losses_numpy(p.numpy(), t.numpy()).mape_mask.masked_count == 0


def test_nothing_is_recorded_changed_or_drawn() -> None:
    p, t = torch.randn(3, requires_grad=True), torch.tensor([0.0, 1.0, 2.0])
    before, state = (p.detach().clone(), t.clone()), torch.get_rng_state()
    three_losses(p * 2, t)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(p, before[0])
    assert torch.equal(t, before[1])
    assert p.grad is None


@pytest.mark.parametrize(
    ("p", "t", "kwargs", "words"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, r"no elements: input float64 \(0, 2\)"),
        (np.zeros(3), np.zeros(3, int), {}, r"target int64 \(3,\)"),
        (np.zeros(3), np.zeros(4), {}, "do not broadcast"),
        (np.zeros(3), np.zeros(3), {"bfloat16": True}, "held as float32"),
    ],
)
def test_numpy_refuses_in_words(p, t, kwargs, words) -> None:
    with pytest.raises(LossInputError, match=f"three_losses_numpy.*{words}"):
        three_losses_numpy(p, t, **kwargs)


def test_codes_of_a_loss_that_masks_nothing_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="'mae' is not a loss that masks"):
        mask_codes(torch.ones(1), torch.ones(1), "mae")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="'mae' is not a loss that masks"):
        mask_codes_numpy(np.ones(1), np.ones(1), "mae")  # type: ignore[arg-type]


@given(array=hnp.arrays(np.float32, hnp.array_shapes(min_dims=0), elements=st.floats(width=32)))
@settings(deadline=None)
def test_bfloat16_rounding_is_torchs(array) -> None:
    expected = torch.from_numpy(array).bfloat16().float().numpy()
    np.testing.assert_array_equal(round_to_bfloat16(array), expected)
