from __future__ import annotations

import pytest

from ortviz.record import RunStatus
from ortviz.session.pace import Pace, Sampling


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_rate_follows_the_last_seconds_only() -> None:
    clock = Clock()
    pace = Pace(total_steps=1000, clock=clock)
    assert pace.steps_per_sec is None
    step = 0
    for per_step_secs, count in ((0.5, 20), (0.01, 800)):
        for _ in range(count):
            pace.stepped(step)
            step += 1
            clock.now += per_step_secs
    assert pace.latest_step == 819
    assert pace.step_count == 820
    assert pace.steps_per_sec == pytest.approx(100.0, rel=0.05)


def test_rate_needs_no_more_memory_for_more_steps() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    for step in range(20_000):
        pace.stepped(step)
        clock.now += 0.003
    assert len(pace._ticks) < 100


def test_every_nth_step_is_due_unless_paused_and_one_can_be_asked_for() -> None:
    sampling = Sampling(10)
    assert [step for step in range(25) if sampling.is_due(step)] == [0, 10, 20]
    sampling.pause()
    assert not sampling.is_due(30)
    sampling.sample_next()
    assert sampling.is_due(31)
    sampling.took()
    assert not sampling.is_due(32)
    sampling.resume()
    assert sampling.is_due(40)


def test_a_step_to_look_into_is_sampled_and_asked_for_once() -> None:
    sampling = Sampling(100)
    assert not sampling.takes_verify()
    sampling.pause()
    sampling.verify_next()
    assert sampling.is_due(3)
    sampling.took()
    assert sampling.takes_verify()
    assert not sampling.takes_verify()
    assert not sampling.is_due(4)


def test_a_request_stays_until_a_step_was_really_taken() -> None:
    sampling = Sampling(100)
    sampling.sample_next()
    assert sampling.is_due(3)
    assert sampling.is_due(4)


@pytest.mark.parametrize(
    ("stepped", "ended", "paused", "status"),
    [
        (False, False, False, RunStatus.WAITING),
        (True, False, False, RunStatus.LIVE),
        (True, False, True, RunStatus.PAUSED),
        (True, True, True, RunStatus.ENDED),
    ],
)
def test_status(stepped: bool, ended: bool, paused: bool, status: RunStatus) -> None:
    sampling = Sampling(1)
    if paused:
        sampling.pause()
    assert sampling.status(stepped=stepped, ended=ended) is status
