"""Several ways of doing a thing, timed in turns, so that a busy machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """One of them.

    Attributes:
        step: Does it once.
        settle: Waits until all of it is done; its time counts.
        step_count: How often it is done in a turn.
    """

    step: Callable[[], None]
    settle: Callable[[], object] = lambda: None
    step_count: int = 10


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of two ways' times, one value for each round.

    Attributes:
        median: Of the rounds.
        low: Lower quartile.
        high: Upper quartile.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of a step.

    Attributes:
        by_way: For each way its mean in every round, in the order of the rounds.
    """

    by_way: Mapping[str, list[float]]

    def median(self, way: str) -> float:
        """Of the rounds."""
        return statistics.median(self.by_way[way])

    def ratio(self, way: str, *peers: str) -> Ratio:
        """One way by the sum of others, round by round: a slow minute slows both alike."""
        rounds = zip(self.by_way[way], *(self.by_way[peer] for peer in peers), strict=True)
        low, median, high = statistics.quantiles(own / sum(others) for own, *others in rounds)
        return Ratio(median, low, high)


def in_turns(ways: Mapping[str, Way], rounds: int) -> Times:
    """Time them.

    Args:
        ways: By name.
        rounds: How often each has its turn; a round before the first is not counted.
    """
    secs: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        names = list(ways)
        # Each after each other one, since ONNX Runtime's threads spin on for a while.
        shift = number % len(names)
        for name in (names[shift:] + names[:shift])[:: 1 if number % 2 else -1]:
            taken = _turn(ways[name])
            secs[name] += [taken] if number else []
    return Times(secs)


def _turn(way: Way) -> float:
    # The first step finds the caches full of another way's data.
    way.step()
    way.settle()
    began = time.perf_counter()
    for _ in range(way.step_count):
        way.step()
    way.settle()
    return (time.perf_counter() - began) / way.step_count
