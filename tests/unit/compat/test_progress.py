"""What a person sees while extensions compile."""

from __future__ import annotations

import io
import sys
import types

import pytest

from ortviz._compat.progress import BuildProgress, plain_lines, shown_progress

STATES = (
    BuildProgress("aten: compiling", 0, 2, 0.4),
    BuildProgress("aten: compiling", 0, 2, 20.4),
    BuildProgress("aten: linking", 1, 2, 41.6),
    BuildProgress("done", 2, 2, 44.0),
)


def test_plain_lines_appear_once_per_change() -> None:
    stream = io.StringIO()
    show = plain_lines(stream)
    for state in STATES:
        show(state)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert "once" in lines[0]
    assert lines[1:] == [
        "ortviz: [0/2] aten: compiling (0 s)",
        "ortviz: [1/2] aten: linking (42 s)",
        "ortviz: [2/2] done (44 s)",
    ]


def test_own_sink_is_used_as_it_is() -> None:
    seen: list[BuildProgress] = []
    with shown_progress(seen.append) as show:
        show(STATES[0])
    assert seen == [STATES[0]]


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with shown_progress(None) as show:
        for state in STATES:
            show(state)
    assert "2/2" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_notebooks_get_lines_that_are_not_red(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    with shown_progress(None) as show:
        show(STATES[0])
    captured = capsys.readouterr()
    assert "aten: compiling" in captured.out
    assert captured.err == ""


def test_elsewhere_lines_go_to_stderr_and_leave_stdout_to_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with shown_progress(None) as show:
        show(STATES[0])
    captured = capsys.readouterr()
    assert "aten: compiling" in captured.err
    assert captured.out == ""
