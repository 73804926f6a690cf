"""Statistics of tensors of every dtype and shape, against numpy in float64.

Each test runs twice: with the compiled loops and without, as where there is no compiler.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ortviz.capture import stats as stats_module
from ortviz.capture.stats import host_values, tensor_stats
from ortviz.native import kernels, prepare_kernels

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
WHOLE = [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64, torch.bool]


@pytest.fixture(autouse=True, params=["compiled", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which of the two does the work."""
    if request.param == "torch":
        monkeypatch.setattr(stats_module, "_loops", lambda: None)
        return "torch"
    assert prepare_kernels() == ""
    assert kernels() is not None
    monkeypatch.delattr(stats_module, "_by_torch")
    return "compiled"


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
    assert stats.first_nan_index == (1, 0)
    assert stats.first_posinf_index == (1, 1)
    assert stats.first_neginf_index == (1, 2)
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


@pytest.mark.parametrize("dtype", WHOLE)
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


@pytest.mark.parametrize("count", [1, 7, 8, 31, 33, 2047, 2048, 2049, 4096 + 33])
@pytest.mark.parametrize("dtype", [*FLOATS, torch.int16])
def test_any_length(dtype: torch.dtype, count: int) -> None:
    """Shorter and longer than the vectors and blocks that are worked on at once."""
    tensor = (torch.randn(count, generator=torch.Generator().manual_seed(2)) * 3 + 1).to(dtype)
    stats = tensor_stats(tensor)
    expected = tensor.double().numpy()
    assert (stats.minimum, stats.maximum) == (expected.min(), expected.max())
    assert stats.mean == pytest.approx(expected.mean(), rel=1e-12, abs=1e-12)
    assert stats.std == pytest.approx(expected.std(), rel=1e-12, abs=1e-12)
    assert stats.l2_norm == pytest.approx(np.linalg.norm(expected), rel=1e-12)
    assert stats.zero_count == int((expected == 0).sum())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_small_deviation_far_from_zero(dtype: torch.dtype) -> None:
    """Sums of squares would cancel: the deviation is 1e-7 of the mean in float64."""
    offset = 1e6 if dtype is torch.float32 else 1e9
    tensor = torch.randn(5000, dtype=dtype, generator=torch.Generator().manual_seed(3)) + offset
    expected = tensor.double().numpy()
    assert tensor_stats(tensor).std == pytest.approx(expected.std(), rel=1e-9)


@pytest.mark.parametrize("place", [0, 5, 2047, 2048, 4999])
@pytest.mark.parametrize("dtype", FLOATS)
def test_one_that_is_not_finite_is_found_wherever_it_is(dtype: torch.dtype, place: int) -> None:
    tensor = torch.randn(5000, generator=torch.Generator().manual_seed(4)).to(dtype)
    tensor[place] = float("-inf")
    stats = tensor_stats(tensor)
    rest = np.delete(tensor.double().numpy(), place)
    assert (stats.nan_count, stats.posinf_count, stats.neginf_count) == (0, 0, 1)
    assert stats.first_nonfinite_index == (place,)
    assert stats.std == pytest.approx(rest.std(), rel=1e-12)
    assert stats.minimum == rest.min()


def test_float16_and_bfloat16_are_read_bit_by_bit() -> None:
    """Every number there is, subnormal ones among them."""
    bits = torch.arange(-(2**15), 2**15, dtype=torch.int32).to(torch.int16)
    for dtype in (torch.float16, torch.bfloat16):
        every = bits.view(dtype)
        finite = every[torch.isfinite(every)].double().numpy()
        stats = tensor_stats(every)
        assert stats.nan_count == int(torch.isnan(every).sum())
        assert stats.posinf_count == stats.neginf_count == 1
        assert stats.zero_count == 2
        assert stats.maximum == finite.max()
        assert stats.l2_norm == pytest.approx(np.linalg.norm(finite), rel=1e-12)
        small = every[(every.abs() < every.abs()[1] * 900)]
        assert tensor_stats(small).l2_norm == pytest.approx(
            float(torch.linalg.vector_norm(small.double())), rel=1e-12
        )


def test_elements_in_another_order() -> None:
    tensor = torch.randn(6, 50, 70, generator=torch.Generator().manual_seed(5))
    tensor[2, 40, 1] = tensor[5, 0, 0] = float("nan")
    for seen in (tensor, tensor.permute(2, 0, 1), tensor[:, ::2], tensor[0].expand(4, 50, 70)):
        stats = tensor_stats(seen)
        values = seen.double().numpy()
        assert stats.shape == values.shape
        assert stats.l2_norm == pytest.approx(np.sqrt(np.nansum(values**2)), rel=1e-12)
        assert stats.element_count == values.size
        nan = np.argwhere(np.isnan(values))
        first = tuple(nan[0]) if len(nan) else None
        assert stats.first_nonfinite_index == stats.first_nan_index == first
        assert stats.first_posinf_index is None


def test_the_first_of_each_kind_in_another_order() -> None:
    tensor = torch.zeros(4, 6, dtype=torch.float16)
    tensor[3, 0], tensor[0, 5], tensor[1, 2] = float("nan"), float("inf"), float("-inf")
    stats = tensor_stats(tensor.T)
    assert stats.first_nonfinite_index == stats.first_nan_index == (0, 3)
    assert stats.first_posinf_index == (5, 0)
    assert stats.first_neginf_index == (2, 1)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_float8(way: str, dtype: torch.dtype) -> None:
    if way == "compiled":
        pytest.skip("torch does it in any case")
    stats = tensor_stats(torch.tensor([[0.5, 0.0], [-3.0, float("nan")]]).to(dtype))
    assert (stats.minimum, stats.maximum, stats.zero_count) == (-3.0, 0.5, 1)
    assert stats.mean == pytest.approx(-2.5 / 3)
    assert (stats.nan_count, stats.first_nan_index) == (1, (1, 1))


def test_complex_numbers_by_their_magnitude(way: str) -> None:
    if way == "compiled":
        pytest.skip("torch does it in any case")
    stats = tensor_stats(torch.tensor([3 + 4j, 0j, complex("nan")]))
    assert (stats.dtype, stats.maximum, stats.zero_count) == ("complex64", 5.0, 1)
    assert (stats.nan_count, stats.first_nan_index) == (1, (2,))


def test_sparse(way: str) -> None:
    if way == "compiled":
        pytest.skip("torch does it in any case")
    assert tensor_stats(torch.eye(3).to_sparse()).zero_count == 6
