"""The elements a NaN or inf gradient starts from are those autograd finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ortviz.errors import LossInputError, UnknownNameError
from ortviz.losses import poisoned_elements_numpy

NUMBERS = st.one_of(
    st.floats(-100, 100, width=16),
    st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-40, 6e-8, 1e-5, 3e38, 6e4]),
)


@given(
    array=hnp.arrays(
        np.float64, st.tuples(st.just(2), st.integers(1, 6), st.integers(1, 3)), elements=NUMBERS
    ),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
@settings(deadline=None, max_examples=200)
def test_the_elements_autograd_finds(array, dtype, case, run) -> None:
    if case.name == "mae":
        return
    p, t = torch.from_numpy(array).to(dtype)
    expected = ~torch.isfinite(run(case.formula, p, t).by_input)
    bfloat16 = dtype == torch.bfloat16
    found = poisoned_elements_numpy(
        *((x.float() if bfloat16 else x).numpy() for x in (p, t)),
        case.name.removesuffix("_full"),
        block_denom_grad=case.name != "smape_full",
        bfloat16=bfloat16,
    )
    np.testing.assert_array_equal(found, expected.numpy())


def test_mape_points_at_zero_targets_and_not_at_what_is_masked_harmlessly() -> None:
    p, t = np.array([np.nan, 1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0, 4.0])
    assert poisoned_elements_numpy(p, t, "mape").tolist() == [False, True, True, False]
    assert poisoned_elements_numpy(p, t, "smape").tolist() == [True, False, True, False]


def test_bad_input_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        poisoned_elements_numpy(np.ones(2), np.ones(2), "mae")  # type: ignore[arg-type]
    with pytest.raises(LossInputError, match="poisoned_elements_numpy"):
        poisoned_elements_numpy(np.ones(2), np.ones(3), "mape")
