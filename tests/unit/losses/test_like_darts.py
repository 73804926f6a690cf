"""Property tests: whatever the numbers, shapes, dtypes and layouts, darts' bits and no others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

pytestmark = pytest.mark.filterwarnings("ignore:Using a target size")

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
TROUBLE = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, -1e-40, 6e-8, 3e38, -3e38, 6e4, 1e-310]


@st.composite
def pairs(draw: st.DrawFn, same_shape: bool = False) -> tuple[Tensor, Tensor]:
    """Two tensors that broadcast, with trouble in them, in any layout."""
    number = st.one_of(st.floats(-100, 100, width=16), st.sampled_from(TROUBLE), st.floats())
    dtype = draw(st.sampled_from(DTYPES))
    if same_shape:
        shapes = (draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=5)),) * 2
    else:
        shapes = draw(
            hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=1, max_side=5)
        ).input_shapes
    made = []
    for shape in shapes:
        array = draw(hnp.arrays(np.float64, shape, elements=number))
        tensor = torch.from_numpy(array).to(dtype)
        if draw(st.booleans()):
            tensor = tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor
        if draw(st.booleans()):
            tensor = torch.stack([tensor, tensor], -1)[..., 0]
        made.append(tensor)
    return made[0], made[1]


@given(pair=pairs())
@settings(deadline=None, max_examples=200)
def test_value_and_gradients_bit_for_bit(pair, case, run, same_bits) -> None:
    ours, theirs = run(case.loss(), *pair), run(case.formula, *pair)
    assert same_bits(ours.value, theirs.value)
    assert same_bits(ours.by_input, theirs.by_input)
    assert same_bits(ours.by_target, theirs.by_target)


@given(pair=pairs())
@settings(deadline=None, max_examples=200)
def test_safe_grad_has_the_value_and_finite_gradients(pair, case, run, same_bits) -> None:
    safe, plain = run(case.loss(safe_grad=True), *pair), run(case.formula, *pair)
    assert same_bits(safe.value, plain.value)
    assert torch.isfinite(safe.by_input).all()
    assert torch.isfinite(safe.by_target).all()


@given(pair=pairs(same_shape=True))
@settings(deadline=None, max_examples=200)
def test_safe_grad_changes_no_gradient_of_a_safe_element(pair, case, run) -> None:
    safe, plain = run(case.loss(safe_grad=True), *pair), run(case.formula, *pair)
    masked = case.loss().masking(*pair).masked
    for ours, theirs in ((safe.by_input, plain.by_input), (safe.by_target, plain.by_target)):
        assert (ours[masked] == 0).all()
        assert ((ours == theirs) | (ours == 0)).all()
    p, t = pair
    ordinary = (t.abs() > 0.1) & (t.abs() < 100) & (p.abs() < 100)
    assert (safe.by_input[ordinary] == plain.by_input[ordinary]).all()


@pytest.mark.parametrize("dtypes", [(a, b) for a in DTYPES for b in DTYPES if a != b], ids=str)
@pytest.mark.parametrize("shapes", [((6,), (6,)), ((), (6,)), ((6,), ())], ids=str)
def test_mixed_dtypes_promote_as_torch_does(dtypes, shapes, case, run, same_bits) -> None:
    torch.manual_seed(1)
    p = torch.randn(shapes[0], dtype=torch.float64).to(dtypes[0])
    t = torch.randn(shapes[1], dtype=torch.float64).to(dtypes[1])
    theirs = run(case.formula, p, t)
    ours = run(case.loss(), p, t)
    assert same_bits(ours.value, theirs.value)
    assert same_bits(ours.by_input, theirs.by_input)
    assert same_bits(ours.by_target, theirs.by_target)
    assert same_bits(run(case.loss(safe_grad=True), p, t).value, theirs.value)


@pytest.mark.parametrize("shape", [(32, 64), (64, 32, 7), (4097,)], ids=str)
def test_batches_large_enough_to_be_summed_in_blocks(shape, case, run, same_bits) -> None:
    torch.manual_seed(2)
    p, t = torch.randn(shape), torch.randn(shape)
    t[..., :2] = 0.0
    p[0] = 0.0
    theirs = run(case.formula, p, t)
    for loss in (case.loss(), case.loss(safe_grad=True)):
        assert same_bits(run(loss, p, t).value, theirs.value)
    assert same_bits(run(case.loss(), p, t).by_input, theirs.by_input)


def test_argument_names_are_those_of_darts(case) -> None:
    p, t = torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])
    assert case.loss()(inpt=p, tgt=t) == case.formula(p, t)


def test_second_backward_pass_and_double_precision_gradients(case) -> None:
    torch.manual_seed(3)
    p = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    t = torch.randn(4, 3, dtype=torch.float64) + 3.0
    if case.name == "smape":
        # Autograd is meant to disagree with the difference quotient: the denominator is held.
        assert not torch.autograd.gradcheck(lambda q: case.loss()(q, t), p, raise_exception=False)
        return
    assert torch.autograd.gradcheck(lambda q: case.loss()(q, t), p)
    assert torch.autograd.gradcheck(lambda q: case.loss(safe_grad=True)(q, t), p)
