from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ortviz.errors import UnknownNameError
from ortviz.session.registry import Runs
from ortviz.session.replies import reply
from ortviz.session.run import Run


@pytest.fixture
def two(start: Any, tmp_path: Path) -> tuple[Run, Run]:
    return Run(recorder=start()), Run(recorder=start(path=tmp_path / "other.ortviz"))


def test_the_newest_run_of_a_name_is_found(two: tuple[Run, Run]) -> None:
    known, told = Runs(), []
    with pytest.raises(UnknownNameError, match="no run yet"):
        known.last()
    stop = known.subscribe(lambda: told.append(1))
    known.add(two[0])
    known.add(two[1])
    stop()
    known.add(two[0])
    assert known["model"] is two[0]
    assert known.last() is two[0]
    assert list(known) == ["model"]
    assert len(told) == 2
    assert known.by_id("0123456789abcdef") is two[0]
    assert known.all() == (two[0],)
    assert "model" in repr(known)


def test_an_unknown_name_is_told_with_the_known_ones(two: tuple[Run, Run]) -> None:
    known = Runs()
    with pytest.raises(UnknownNameError, match="None was recorded yet"):
        known["model"]
    known.add(two[0])
    with pytest.raises(UnknownNameError, match=r"named 'modle'.*model"):
        known["modle"]
    with pytest.raises(UnknownNameError, match="not open in this kernel"):
        known.by_id("nope")
    assert "modle" not in known
    assert known.get("modle") is None


def test_a_command_is_answered_under_its_number(two: tuple[Run, Run]) -> None:
    answer, buffers = reply(
        two[0], {"type": "command", "id": 5, "command": "summary", "params": {}}
    )
    assert answer["type"] == "reply"
    assert answer["id"] == 5
    assert answer["payload"]["status"] == "waiting"  # type: ignore[typeddict-item,index]
    assert len(buffers) == 4


@pytest.mark.parametrize(
    ("message", "number", "words"),
    [
        ({"type": "command", "id": 3, "command": "nope", "params": {}}, 3, "no command 'nope'"),
        (
            {"type": "command", "id": 4, "command": "traces", "params": {"step": 9}},
            4,
            "Step 9 was not recorded",
        ),
        ("nonsense", -1, "not a command"),
        ({"type": "other"}, -1, "not a command"),
    ],
)
def test_what_cannot_be_answered_is_answered_with_a_sentence(
    two: tuple[Run, Run], message: object, number: int, words: str
) -> None:
    answer, buffers = reply(two[0], message)
    assert answer["type"] == "error"
    assert answer["id"] == number
    assert words in answer["message"]  # type: ignore[typeddict-item]
    assert buffers == []


def test_a_fault_of_our_own_is_an_answer_too(
    two: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(two[0], "answer", broken)
    answer, _ = reply(two[0], {"type": "command", "id": 1, "command": "run", "params": {}})
    assert answer["type"] == "error"
    assert "ZeroDivisionError: bug" in answer["message"]  # type: ignore[typeddict-item]
