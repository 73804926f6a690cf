"""When a sampled step is looked into deeply."""

from __future__ import annotations

import math

import pytest
import torch

from ortviz.capture.alarms import DeepPolicy
from ortviz.capture.pending import PendingStep
from ortviz.capture.plan import TapPlan
from ortviz.graphs import LeavingValues
from ortviz.record import Verify


def plan() -> TapPlan:
    return TapPlan(LeavingValues({}), (), (), (), {}, draws_random=False)


class Steps:
    """Sampled steps of one export, each off by some relative error."""

    def __init__(self, verify: Verify) -> None:
        self.policy = DeepPolicy(verify)
        self.plan = plan()
        self.count = 0

    def wanted(self, error: float = 1e-7, *, asked: bool = False) -> bool:
        pending = PendingStep(self.count, sampled=True)
        self.count += 1
        pending.plan = self.plan
        pending.verify_asked = asked
        pending.shadow_outputs = (torch.tensor([1.0, -2.0, 0.0]),)
        pending.outputs = [torch.tensor([1.0, -2.0, 2.0 * error])]
        return self.policy.wants(pending)


def test_the_first_and_every_power_of_ten() -> None:
    steps = Steps(Verify.AUTO)
    assert [n for n in range(1, 1002) if steps.wanted()] == [1, 10, 100, 1000]


def test_a_new_export_starts_again() -> None:
    steps = Steps(Verify.AUTO)
    assert [steps.wanted() for _ in range(3)] == [True, False, False]
    steps.plan = plan()
    assert [steps.wanted() for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize("error", [1e-4, 0.5, math.inf, math.nan])
def test_a_result_that_is_off_raises_an_alarm_once(error: float) -> None:
    steps = Steps(Verify.AUTO)
    steps.wanted()
    assert [steps.wanted(error) for _ in range(3)] == [True, False, False]


def test_rounding_raises_none() -> None:
    steps = Steps(Verify.AUTO)
    steps.wanted()
    assert not steps.wanted(5e-6)


def test_what_always_was_off_must_grow() -> None:
    steps = Steps(Verify.AUTO)
    steps.wanted(1e-3)
    assert not steps.wanted(9e-3)
    assert steps.wanted(1e-1)


def test_alarms_stay_a_small_share() -> None:
    steps = Steps(Verify.AUTO)
    error, looked = 1e-30, 0
    for _ in range(60):
        error *= 11
        looked += steps.wanted(error)
    assert looked <= 2 + 3 + 0.05 * 60


def test_nan_on_both_sides_is_no_alarm() -> None:
    policy = DeepPolicy(Verify.AUTO)
    shared = plan()

    def wanted(candidate: list[float]) -> bool:
        pending = PendingStep(0, sampled=True)
        pending.plan = shared
        pending.shadow_outputs = (torch.tensor([1.0, math.nan]),)
        pending.outputs = [torch.tensor(candidate)]
        return policy.wants(pending)

    wanted([1.0, math.nan])
    assert not wanted([1.0, math.nan])
    assert wanted([1.0, math.inf])


def test_always_never_and_on_request() -> None:
    assert all(Steps(Verify.ALWAYS).wanted() for _ in range(3))
    never = Steps(Verify.NEVER)
    assert [never.wanted(0.5), never.wanted(0.5, asked=True), never.wanted()] == [
        False,
        True,
        False,
    ]
    auto = Steps(Verify.AUTO)
    auto.wanted()
    assert auto.wanted(asked=True)
