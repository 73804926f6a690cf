from __future__ import annotations

import threading
import time

from ortviz.session.inbox import Inbox


def test_refuses_above_either_budget_and_counts_what_is_being_worked_on() -> None:
    inbox: Inbox[str] = Inbox(max_items=2, max_bytes=100)
    assert inbox.offer("a", 60)
    assert not inbox.offer("b", 60)
    assert inbox.offer("c", 40)
    assert not inbox.offer("d", 0)

    batch = inbox.take(1)
    assert batch == ["a"]
    assert not inbox.has_room(10)
    inbox.done(batch)
    assert inbox.has_room(60)
    assert inbox.size_bytes == 40


def test_one_item_may_be_larger_than_the_whole_budget() -> None:
    inbox: Inbox[str] = Inbox(max_bytes=10)
    assert inbox.offer("large", 1000)
    assert not inbox.offer("small", 1)
    assert inbox.offer("event", 0, force=True)


def test_even_what_is_forced_has_a_bound_unless_it_is_only_words() -> None:
    inbox: Inbox[str] = Inbox(max_items=2, max_bytes=10)
    assert [inbox.offer("small", 4, force=True) for _ in range(6)] == [True] * 4 + [False] * 2
    assert (len(inbox), inbox.size_bytes) == (4, 16)
    assert inbox.offer("words", 0, force=True)
    assert not inbox.offer("words", 0)
    inbox = Inbox(max_items=9, max_bytes=10)
    assert [inbox.offer("medium", 8, force=True) for _ in range(4)] == [True] * 2 + [False] * 2


def test_gives_out_what_is_left_once_closed_then_says_so() -> None:
    inbox: Inbox[int] = Inbox()
    for number in range(3):
        inbox.offer(number, 1)
    inbox.close()
    assert not inbox.offer(9, 1, force=True)
    assert inbox.take(2) == [0, 1]
    inbox.done([0, 1])
    assert inbox.take(2) == [2]
    inbox.done([2])
    assert inbox.take(2) is None


def test_take_waits_for_an_item_and_for_no_longer_than_told() -> None:
    inbox: Inbox[str] = Inbox()
    began = time.monotonic()
    assert inbox.take(1, timeout_secs=0.05) == []
    assert time.monotonic() - began >= 0.05

    threading.Timer(0.05, lambda: inbox.offer("late", 1)).start()
    assert inbox.take(1, timeout_secs=5.0) == ["late"]


def test_wait_empty_waits_until_the_work_is_done_not_only_taken() -> None:
    inbox: Inbox[str] = Inbox()
    inbox.offer("a", 1)
    batch = inbox.take(1)
    assert batch is not None
    assert not inbox.wait_empty(0.02)
    threading.Timer(0.05, lambda: inbox.done(batch)).start()
    assert inbox.wait_empty(5.0)
    assert len(inbox) == 0


def test_small_items_pass_while_a_large_one_is_worked_on() -> None:
    inbox: Inbox[str] = Inbox(max_items=3, max_bytes=1 << 20)
    assert inbox.offer("sample of a large model", 1 << 24)
    assert not inbox.offer("another", 1 << 19)
    assert inbox.offer("losses", 200)
    assert inbox.offer("losses", 200)
    assert not inbox.offer("losses", 200), "their number is bounded"
