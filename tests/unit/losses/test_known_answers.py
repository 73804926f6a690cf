"""The table of what masking hides, row by row: two elements, one of them in trouble."""

from __future__ import annotations

import math

import pytest
import torch

NAN, INF = math.nan, math.inf
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

# (input, target, loss, gradient by input, MaskCounts as (nan, +inf, -inf), effective loss)
ROWS = {
    "both predictions NaN": {
        "mae": ([NAN, NAN], [2.0, 4.0], NAN, [0.0, 0.0], (0, 0, 0), NAN),
        "mape": ([NAN, NAN], [2.0, 4.0], 0.0, [0.0, 0.0], (2, 0, 0), NAN),
        "smape": ([NAN, NAN], [2.0, 4.0], 0.0, [NAN, NAN], (2, 0, 0), NAN),
        "smape_full": ([NAN, NAN], [2.0, 4.0], 0.0, [NAN, NAN], (2, 0, 0), NAN),
    },
    "both predictions inf": {
        "mae": ([INF, INF], [2.0, 4.0], INF, [0.5, 0.5], (0, 0, 0), INF),
        "mape": ([INF, INF], [2.0, -4.0], 0.0, [0.0, 0.0], (0, 1, 1), NAN),
        "smape": ([INF, -INF], [2.0, 4.0], 0.0, [0.0, 0.0], (2, 0, 0), NAN),
    },
    "target 0, prediction 0": {
        "mae": ([0.0, 1.0], [0.0, 2.0], 0.5, [0.0, -0.5], (0, 0, 0), 0.5),
        "mape": ([0.0, 1.0], [0.0, 2.0], 0.25, [NAN, -0.25], (1, 0, 0), 0.5),
        "smape": ([0.0, 2.0], [0.0, 6.0], 0.25, [NAN, -0.0625], (1, 0, 0), 0.5),
    },
    "target 0, prediction 1": {
        "mae": ([1.0, 1.0], [0.0, 2.0], 1.0, [0.5, -0.5], (0, 0, 0), 1.0),
        "mape": ([1.0, 1.0], [0.0, 2.0], 0.25, [NAN, -0.25], (0, 0, 1), 0.5),
        "smape": ([1.0, 2.0], [0.0, 6.0], 0.75, [0.5, -0.0625], (0, 0, 0), 0.75),
    },
    "target NaN": {
        "mae": ([1.0, 1.0], [NAN, 2.0], NAN, [0.0, -0.5], (0, 0, 0), NAN),
        "mape": ([1.0, 1.0], [NAN, 2.0], 0.25, [NAN, -0.25], (1, 0, 0), 0.5),
        "smape": ([1.0, 2.0], [NAN, 6.0], 0.25, [NAN, -0.0625], (1, 0, 0), 0.5),
    },
}
CELLS = [(row, loss) for row, cells in ROWS.items() for loss in cells]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("row", "name"), CELLS)
def test_value_gradient_and_mask(row, name, dtype, cases, run) -> None:
    given, target, value, gradient, counts, effective = ROWS[row][name]
    loss = cases[name].loss()
    got = run(loss, torch.tensor(given, dtype=dtype), torch.tensor(target, dtype=dtype))

    torch.testing.assert_close(got.value, torch.tensor(value, dtype=dtype), equal_nan=True)
    expected = torch.tensor(gradient, dtype=dtype)
    torch.testing.assert_close(got.by_input, expected, equal_nan=True, rtol=0, atol=0)
    mask = loss.mask
    assert (mask.nan_count, mask.pos_inf_count, mask.neg_inf_count) == counts
    assert mask.element_count == 2
    assert mask.effective_loss == pytest.approx(effective, nan_ok=True, rel=1e-2)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("row", "name"), CELLS)
def test_safe_grad_replaces_only_what_is_not_finite(row, name, dtype, cases, run) -> None:
    given, target, value, gradient, _, _ = ROWS[row][name]
    loss = cases[name].loss(safe_grad=True)
    got = run(loss, torch.tensor(given, dtype=dtype), torch.tensor(target, dtype=dtype))

    torch.testing.assert_close(got.value, torch.tensor(value, dtype=dtype), equal_nan=True)
    expected = torch.tensor(gradient, dtype=dtype).nan_to_num(nan=0.0)
    torch.testing.assert_close(got.by_input, expected, rtol=0, atol=0)
    assert torch.isfinite(got.by_target).all()


def test_one_zero_target_poisons_every_weight_unless_safe(cases) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(8, 4), torch.randn(8, 3)
    y[2, 1] = 0.0
    poisoned = {}
    for safe in (False, True):
        layers = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
        value = cases["mape"].loss(safe_grad=safe)(layers(x), y)
        value.backward()
        assert torch.isfinite(value)
        poisoned[safe] = [bool(p.grad.isnan().any()) for p in layers.parameters()]
    assert poisoned == {False: [True] * 4, True: [False] * 4}


def test_block_denom_grad_is_what_tells_the_two_smapes_apart(cases, run) -> None:
    p, t = torch.tensor([1.0]), torch.tensor([3.0])
    blocked = run(cases["smape"].loss(), p, t)
    full = run(cases["smape_full"].loss(), p, t)
    assert blocked.value == full.value == 0.5
    # d/dp (t-p)/(t+p) is -1/(t+p) with the denominator held, -2t/(t+p)^2 without.
    assert blocked.by_input.item() == -0.25
    assert full.by_input.item() == -0.375
