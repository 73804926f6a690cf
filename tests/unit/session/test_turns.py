"""One thing at a time, the urgent first."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from ortviz.session.turns import Turns, uncollected


def test_the_urgent_go_first_and_equals_in_the_order_they_came():
    turns, done = Turns(), []
    threads = []

    def work(name: str, urgency: int) -> None:
        with turns.take(urgency):
            done.append(name)

    with turns.take():
        for name, urgency in (("a", 0), ("b", 0), ("urgent", 1), ("c", 0)):
            thread = threading.Thread(target=work, args=(name, urgency))
            thread.start()
            threads.append(thread)
            while len(turns._waiting) < len(threads):
                time.sleep(0.001)
        assert done == []
    for thread in threads:
        thread.join(timeout=10)
    assert done == ["urgent", "a", "b", "c"]


def test_a_turn_is_given_back_when_the_work_fails():
    turns = Turns()
    with pytest.raises(ValueError, match="broken"), turns.take():
        raise ValueError("broken")
    with turns.take():
        pass


def test_who_is_interrupted_while_waiting_is_not_waited_for(monkeypatch):
    turns = Turns()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with turns.take():
        monkeypatch.setattr(turns._changed, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), turns.take(urgency=1):
            pass
        monkeypatch.undo()
    with turns.take():
        assert turns._waiting == []


def test_the_collector_is_as_it_was_afterwards():
    def fail():
        with uncollected():
            assert not gc.isenabled()
            raise ValueError("broken")

    assert gc.isenabled()
    with pytest.raises(ValueError, match="broken"):
        fail()
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
