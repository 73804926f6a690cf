"""The detour that replaces ``detach`` during export changes no number and passes no gradient."""

from __future__ import annotations

import pytest
import torch

from ortviz.losses.stop_gradient import stop_gradient


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)


@pytest.mark.usefixtures("exporting")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_every_half_and_bfloat16_comes_back(dtype) -> None:
    numbers = torch.arange(2**15, dtype=torch.int32).to(torch.int16).view(dtype)
    torch.testing.assert_close(stop_gradient(numbers), numbers, rtol=0, atol=0, equal_nan=True)


@pytest.mark.usefixtures("exporting")
def test_float32_comes_back_subnormals_included() -> None:
    torch.manual_seed(0)
    numbers = torch.randint(0, 2**31 - 1, (200_000,), dtype=torch.int32)
    numbers[:20_000] //= 2**9
    numbers = numbers.view(torch.float32)
    torch.testing.assert_close(stop_gradient(numbers), numbers, rtol=0, atol=0, equal_nan=True)


@pytest.mark.usefixtures("exporting")
def test_float64_comes_back_to_its_last_digits() -> None:
    numbers = torch.tensor([0.0, 1e-300, 3e-5, 1.0, 7.0, 1e5, 1e300, float("inf")]).double()
    torch.testing.assert_close(stop_gradient(numbers), numbers, rtol=2e-13, atol=0)


def test_outside_export_it_is_detach() -> None:
    numbers = torch.tensor([1.5, 0.0], requires_grad=True)
    stopped = stop_gradient(numbers)
    assert not stopped.requires_grad
    assert stopped.data_ptr() == numbers.data_ptr()
