"""Statistics of tensors of every dtype and shape, against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ortviz.capture.stats import host_values, tensor_stats

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (2, 3, 4)])
def test_floats(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    stats = tensor_stats(tensor)
    expected = tensor.double().numpy()
    assert stats.shape == shape
    assert stats.dtype == str(dtype).removeprefix("torch.")
    assert stats.minimum == expected.min()
    assert stats.maximum == expected.max()
    assert stats.mean == pytest.approx(expected.mean(), abs=1e-12)
    assert stats.std == pytest.approx(expected.std(), abs=1e-12)
    assert stats.l2_norm == pytest.approx(np.sqrt((expected**2).sum()))
    assert stats.nonfinite_count == 0
    assert stats.first_nonfinite_index is None


def test_what_is_not_finite_is_counted_and_left_out_of_the_moments() -> None:
    nan, inf = float("nan"), float("inf")
    stats = tensor_stats(torch.tensor([[1.0, 0.0, 3.0], [nan, inf, -inf], [nan, 0.0, 2.0]]))
    assert (stats.nan_count, stats.posinf_count, stats.neginf_count) == (2, 1, 1)
    assert stats.first_nonfinite_index == (1, 0)
    assert stats.zero_count == 2
    assert (stats.minimum, stats.maximum) == (0.0, 3.0)
    assert stats.mean == pytest.approx(6 / 5)
    assert stats.std == pytest.approx(np.std([1, 0, 3, 0, 2]))


def test_nothing_finite() -> None:
    stats = tensor_stats(torch.full((4,), float("nan")))
    assert stats.mean is None
    assert stats.l2_norm is None
    assert stats.nan_count == 4
    assert stats.zero_count == 0


def test_no_elements() -> None:
    stats = tensor_stats(torch.zeros(0, 3))
    assert stats.element_count == 0
    assert stats.minimum is None
    assert stats.zero_count == 0


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.uint8])
def test_whole_numbers(dtype: torch.dtype) -> None:
    stats = tensor_stats(torch.tensor([0, 1, 1, 0]).to(dtype))
    assert (stats.minimum, stats.maximum, stats.mean) == (0.0, 1.0, 0.5)
    assert stats.zero_count == 2


def test_a_float64_norm_that_overflows_is_not_taken_for_an_infinity() -> None:
    stats = tensor_stats(torch.full((4,), 1e300, dtype=torch.float64))
    assert stats.nonfinite_count == 0
    assert stats.first_nonfinite_index is None
    assert stats.maximum == 1e300
    assert stats.zero_count == 0


def test_a_constant_far_from_zero_has_no_deviation() -> None:
    assert tensor_stats(torch.full((1000,), 1e6)).std == 0


def test_float16_sums_do_not_overflow() -> None:
    stats = tensor_stats(torch.full((1000,), 60000.0, dtype=torch.float16))
    assert stats.mean == pytest.approx(60000, rel=1e-3)
    assert stats.l2_norm == pytest.approx(60000 * np.sqrt(1000), rel=1e-3)


def test_host_values_widen_bfloat16_exactly() -> None:
    tensor = torch.tensor([1.0, 3.14, -2e30]).bfloat16()
    values = host_values(tensor)
    assert values.dtype == np.float32
    assert torch.equal(torch.from_numpy(values).bfloat16(), tensor)


def test_transposed_and_sparse() -> None:
    assert tensor_stats(torch.arange(6.0).reshape(2, 3).t()).shape == (3, 2)
    assert tensor_stats(torch.eye(3).to_sparse()).zero_count == 6
