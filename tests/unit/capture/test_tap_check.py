"""Two runs held against each other."""

from __future__ import annotations

import math

import torch

from ortviz.capture.tap_check import compare_runs, describe
from ortviz.record import TapCheck

NAN = math.nan


def test_the_same_bits_with_nan_at_the_same_places() -> None:
    one = {"output 0": torch.tensor([1.0, NAN]), "w": torch.zeros(0)}
    check = compare_runs(one, {name: value.clone() for name, value in one.items()})
    assert check == TapCheck(made=True, tensor_count=2, rounding_dtype="float32")
    assert "2 tensors) are bit for bit those" in describe(check)


def test_the_worst_is_named_with_its_errors() -> None:
    ours = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([4.0, 8.5]), "c": torch.ones(1)}
    theirs = {"a": torch.tensor([1.0, 2.1]), "b": torch.tensor([4.0, 8.0]), "c": torch.ones(1)}
    check = compare_runs(ours, theirs, masks_replayed=True)
    assert (check.tensor_count, check.different_count, check.worst) == (3, 2, "b")
    assert (check.max_abs_error, check.max_rel_error) == (0.5, 0.0625)
    assert "2 are not those" in describe(check)
    assert "same dropout masks" in describe(check)


def test_a_gradient_that_is_nothing_but_rounding_is_held_against_the_largest() -> None:
    ours = {"big": torch.tensor([1.0]), "nothing": torch.tensor([2e-9])}
    theirs = {"big": torch.tensor([1.0]), "nothing": torch.tensor([-1e-9])}
    assert compare_runs(ours, theirs).max_rel_error < 1e-4


def test_nan_on_one_side_is_infinitely_wrong() -> None:
    check = compare_runs({"a": torch.tensor([NAN])}, {"a": torch.tensor([1.0])})
    assert math.isinf(check.max_rel_error)
    assert check.different_count == 1


def test_another_dtype_is_a_difference_and_the_coarsest_one_decides_on_rounding() -> None:
    half = torch.tensor([1.0, 2.0], dtype=torch.float16)
    check = compare_runs({"a": half}, {"a": half.float()}, read=[half.bfloat16(), half > 0])
    assert (check.different_count, check.max_abs_error) == (1, 0.0)
    assert check.rounding_dtype == "bfloat16"


def test_why_it_was_not_made() -> None:
    assert describe(TapCheck(made=False, reason="It draws.")) == "It draws."
