from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ortviz.errors import StoreError
from ortviz.protocol.codec import to_json
from ortviz.session.live import MAX_ROWS, LiveFeed
from ortviz.session.run import Run


class Source:
    def __init__(self) -> None:
        self.graph_count = 0
        self.listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self) -> None:
        for listener in self.listeners:
            listener()


class Answers:
    """Answers as a run would."""

    def __init__(self) -> None:
        self.step: int | None = None
        self.rows = 1
        self.finding_rows: list[str] = []
        self.slow_secs = 0.0

    def answer(self, command: str, params: Mapping[str, object]) -> tuple[object, list[bytes]]:
        time.sleep(self.slow_secs)
        if command == "summary":
            return {"latest_sampled_step": self.step}, []
        if command == "traces":
            return {"rows": [0] * self.rows, "step": params["step"]}, []
        if command == "findings":
            return {"rows": list(self.finding_rows)}, []
        return {"command": command}, [b"buffer"]


class Page:
    def __init__(self) -> None:
        self.pushes: list[Any] = []
        self.at: list[float] = []
        self.threads: set[str] = set()

    def __call__(self, message: Any, buffers: list[bytes]) -> None:
        self.pushes.append(message)
        self.at.append(time.monotonic())
        self.threads.add(threading.current_thread().name)

    def commands(self) -> list[str]:
        return [message["command"] for message in self.pushes]

    def wait(self, ready: Callable[[Page], bool]) -> None:
        deadline = time.monotonic() + 5.0
        while not ready(self):
            assert time.monotonic() < deadline, self.commands()
            time.sleep(0.005)


@pytest.fixture
def parts() -> Any:
    run, source = Answers(), Source()
    feed = LiveFeed(run.answer, source, "test", min_interval_secs=0.02)
    yield run, source, feed
    feed.stop()


def test_a_new_view_gets_the_whole_picture_at_once(parts: Any) -> None:
    run, source, feed = parts
    run.step, source.graph_count = 3, 1
    page = Page()
    feed.subscribe(page)
    page.wait(lambda page: len(page.pushes) >= 6)
    assert page.commands() == ["summary", "losses", "traces", "gradients", "findings", "graphs"]
    assert page.pushes[2]["params"] == {"step": 3}
    assert page.pushes[1]["params"] == {"max_points": 500}
    assert page.threads == {"ortviz-live-test"}


def test_a_second_view_gets_the_whole_picture_too(parts: Any) -> None:
    run, _, feed = parts
    run.step = 3
    first, second = Page(), Page()
    feed.subscribe(first)
    first.wait(lambda page: "findings" in page.commands())
    feed.subscribe(second)
    second.wait(lambda page: {"traces", "findings"} <= set(page.commands()))


def test_only_what_is_new_is_pushed_again(parts: Any) -> None:
    run, source, feed = parts
    page = Page()
    feed.subscribe(page)
    page.wait(lambda page: len(page.pushes) == 4)
    page.pushes.clear()
    source.tell()
    page.wait(lambda page: len(page.pushes) == 2)
    assert page.commands() == ["summary", "losses"]
    page.pushes.clear()
    run.finding_rows.append("new")
    source.tell()
    page.wait(lambda page: "findings" in page.commands())


def test_nothing_is_pushed_while_nothing_is_new(parts: Any) -> None:
    _, _, feed = parts
    page = Page()
    feed.subscribe(page)
    page.wait(lambda page: len(page.pushes) == 4)
    time.sleep(0.15)
    assert len(page.pushes) == 4


def test_at_most_five_rounds_a_second_and_slow_answers_make_them_rarer() -> None:
    run, source = Answers(), Source()
    feed = LiveFeed(run.answer, source, min_interval_secs=0.05)
    page = Page()
    feed.subscribe(page)
    stop = time.monotonic() + 0.55
    while time.monotonic() < stop:
        source.tell()
        time.sleep(0.002)
    rounds = page.commands().count("summary")
    assert 3 <= rounds <= 12
    run.slow_secs = 0.03
    page.pushes.clear()
    stop = time.monotonic() + 0.6
    while time.monotonic() < stop:
        source.tell()
        time.sleep(0.002)
    # Three answers of 30 ms, then a rest of four times as long.
    assert page.commands().count("summary") <= 3
    feed.stop()


def test_the_trace_of_a_large_model_is_left_to_be_asked_for(parts: Any) -> None:
    run, _, feed = parts
    run.step, run.rows = 1, MAX_ROWS + 1
    page = Page()
    feed.subscribe(page)
    page.wait(lambda page: "findings" in page.commands())
    assert "traces" not in page.commands()
    assert "gradients" not in page.commands()


def test_the_last_push_has_everything_and_comes_from_the_calling_thread(parts: Any) -> None:
    run, source, feed = parts
    run.step, source.graph_count = 1, 1
    page = Page()
    feed.subscribe(page)
    page.wait(lambda page: len(page.pushes) == 6)
    feed.stop()
    page.pushes.clear()
    feed.push_last()
    assert page.commands() == ["summary", "losses", "traces", "gradients", "findings", "graphs"]
    assert threading.current_thread().name in page.threads
    page.pushes.clear()
    feed.push_last()
    assert page.pushes == []


def test_no_thread_before_the_first_view_and_none_after_the_end(parts: Any) -> None:
    _, source, feed = parts
    assert "ortviz-live-test" not in [t.name for t in threading.enumerate()]
    feed.subscribe(Page())
    assert "ortviz-live-test" in [t.name for t in threading.enumerate()]
    feed.stop()
    assert "ortviz-live-test" not in [t.name for t in threading.enumerate()]
    assert source.listeners == []


def test_a_page_that_is_gone_does_not_disturb_the_others(parts: Any) -> None:
    _, source, feed = parts
    calls = []

    def gone(message: Any, buffers: list[bytes]) -> None:
        calls.append(message)
        raise RuntimeError("comm is closed")

    page = Page()
    feed.subscribe(gone)
    feed.subscribe(page)
    source.tell()
    page.wait(lambda page: len(page.pushes) >= 3)
    source.tell()
    page.wait(lambda page: len(page.pushes) >= 5)
    assert len(calls) == 1


def test_a_run_that_cannot_be_read_for_a_moment_is_pushed_later() -> None:
    source = Source()
    run = Answers()
    broken = threading.Event()
    broken.set()

    def answer(command: str, params: Mapping[str, object]) -> tuple[object, list[bytes]]:
        if broken.is_set():
            raise StoreError("being closed")
        return run.answer(command, params)

    feed = LiveFeed(answer, source, min_interval_secs=0.01)
    page = Page()
    feed.subscribe(page)
    time.sleep(0.05)
    assert page.pushes == []
    broken.clear()
    source.tell()
    page.wait(lambda page: len(page.pushes) >= 3)
    feed.stop()


def test_pushes_of_a_long_run_stay_small_and_are_plain_json(start: Any, make: Any) -> None:
    recorder = start(every=50)
    run = Run(recorder=recorder)
    sizes: dict[str, int] = {}

    def page(message: Any, buffers: list[bytes]) -> None:
        size = len(to_json(message["payload"])) + sum(map(len, buffers))
        sizes[message["command"]] = max(size, sizes.get(message["command"], 0))

    run.subscribe(page)
    for step in range(3000):
        recorder.stepped(step)
        if recorder.wants(step):
            recorder.captured(make.capture(step))
        if step % 100 == 99:
            recorder.flush(10.0)
        recorder.observed(make.observation(step))
    run.close()
    assert set(sizes) == {"summary", "losses", "traces", "gradients", "findings", "graphs"}
    assert max(sizes.values()) < 200_000
