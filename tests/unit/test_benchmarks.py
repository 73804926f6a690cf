"""What ``make bench`` prints: verdicts, ratios by round, and clocks that are taken off again."""

from __future__ import annotations

import functools
import importlib
import io
import threading

import pytest
from rich.console import Console

from benchmarks.__main__ import table
from benchmarks.phases import PHASES, RECORDER, TRAINING, Clocks, clocked
from benchmarks.row import Row
from benchmarks.turns import Times, Way, in_turns


@pytest.mark.parametrize(
    ("ratio", "limit", "passed", "verdict"),
    [
        (1.01, 1.02, True, "met"),
        (1.02, 1.02, True, "met"),
        (2.4, 1.6, False, "missed by 50 %"),
        (9.9, None, True, ""),
        (None, 0.1, True, "not measured"),
    ],
)
def test_verdict(ratio: float | None, limit: float | None, passed: bool, verdict: str) -> None:
    row = Row("a step", "its peer", ratio, limit, "1 ms against 2 ms")
    assert (row.passed, row.verdict) == (passed, verdict)


def test_the_table_has_bar_and_verdict() -> None:
    rows = [Row("a step", "plain", 2.4, 1.6, "details"), Row("another", "p", None, 0.1, "no torch")]
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table(rows))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]
    assert lines[1] == "✗ a step 2.400 1.600 missed by 50 % plain details"
    assert lines[2] == "– another – 0.100 not measured p no torch"


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that is ten times slower in one round does not show."""
    times = Times({"own": [2.0, 20.0, 2.2], "plain": [1.0, 10.0, 1.0], "other": [1.0, 10.0, 1.0]})
    assert times.ratio("own", "plain").median == 2.0
    assert times.ratio("own", "plain", "other").median == 1.0
    assert times.median("own") == 2.2


def test_everybody_has_as_many_turns_and_settles_in_his_time() -> None:
    done: list[str] = []
    ways = {
        name: Way(
            functools.partial(done.append, name), functools.partial(done.append, "settled"), 3
        )
        for name in ("a", "b")
    }
    times = in_turns(ways, 4)
    assert {name: len(secs) for name, secs in times.by_way.items()} == {"a": 4, "b": 4}
    # One step to warm up and three, in five rounds of which the first is not counted.
    assert done.count("a") == done.count("b") == 5 * 4
    assert done.count("settled") == 2 * 5 * 2


def test_every_phase_is_a_function_that_is_there_and_is_put_back() -> None:
    def functions() -> list[object]:
        found = []
        for _, where in PHASES:
            module, _, path = where.partition(":")
            found.append(
                functools.reduce(getattr, path.split("."), importlib.import_module(module))
            )
        return found

    before = functions()
    with clocked():
        assert all(one is not other for one, other in zip(before, functions(), strict=True))
    assert functions() == before


def test_a_phase_inside_another_is_not_counted_twice() -> None:
    clocks = Clocks()
    inner = clocks.timed("inner", lambda: sum(range(200_000)))
    outer = clocks.timed("outer", lambda: inner())
    outer()
    thread = threading.Thread(target=inner, name="ortviz-recorder-x")
    thread.start()
    thread.join()
    assert clocks.secs[TRAINING, "inner"] > 5 * clocks.secs[TRAINING, "outer"] > 0
    assert clocks.secs[RECORDER, "inner"] > 0
