"""What ``%%ortviz`` does around one cell, and when a cell begins and ends."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from ortviz.errors import EnvironmentProblem, OrtvizError, WrapError
from ortviz.findings.detectors.fallback import Fallback
from ortviz.findings.known_failures import advice

if TYPE_CHECKING:
    from torch import nn

    from ortviz.api import Attached, Settings
    from ortviz.session.run import Run


class RecordedCell:
    """Wraps a variable for the duration of one cell.

    Args:
        names: The notebook's variables.
        name: The variable that holds the model.
        settings: How to record.
        strict: Whether to raise where ORTModule cannot be used, instead of training eagerly.
    """

    def __init__(
        self, names: MutableMapping[str, Any], name: str, settings: Settings, *, strict: bool
    ) -> None:
        self._names = names
        self._name = name
        self._settings = settings
        self._strict = strict
        self._original: nn.Module = names[name]
        self._attached: Attached | None = None

    def begin(self) -> Run | None:
        """Put the wrapped module into the variable.

        Returns:
            The run to show; None when the cell runs unrecorded, which has been said.

        Raises:
            OrtvizError: With ``strict``, or when the variable holds no module.
        """
        try:
            self._attached = self._attach()
        except WrapError as error:
            if self._strict or not is_module(self._original):
                raise
            say(f"{error} The cell runs as it is and nothing is recorded.")
            return None
        self._names[self._name] = self._attached.module
        return self._attached.run

    def end(self, error: BaseException | None = None) -> None:
        """Put the original back wherever the cell left the wrapped one, and end the run.

        Args:
            error: What the cell raised; None when nothing, or when it is not known.
        """
        attached, self._attached = self._attached, None
        if attached is None:
            return
        for name, value in list(self._names.items()):
            if value is attached.module:
                self._names[name] = self._original
        self._unwrap_copy(attached.run)
        attached.run.close()
        if attached.run.info.engine == "ortmodule":
            _say_fallback(attached.run)
            if self._strict and error is not None:
                _say_cause(error)

    def _attach(self) -> Attached:
        from ortviz import api

        if self._strict:
            return api.attach(self._original, self._settings, on_failure="raise")
        try:
            return api.attach(self._original, self._settings, on_failure="eager")
        except EnvironmentProblem as problem:
            say(f"{problem} The cell trains in eager PyTorch; losses are recorded all the same.")
            return api.attach_eager(self._original, self._settings, problem.what)

    def _unwrap_copy(self, run: Run) -> None:
        """The cell may have rebound the variable to a copy of the wrapped module."""
        value = self._names.get(self._name)
        if getattr(value, "__dict__", {}).get("ortviz") is run:
            self._names[self._name] = value.module  # type: ignore[union-attr]


class CellClock:
    """Ends recorded cells when the cell they began in has ended, however it ended.

    Cells may run cells (``%run notebook.ipynb``), so the end of any cell is not enough.
    """

    def __init__(self) -> None:
        self._running: list[Any] = []
        self._recorded: list[tuple[Any, RecordedCell]] = []

    def pre_run_cell(self, info: Any) -> None:
        """IPython's event: a cell begins."""
        self._running.append(info)

    def post_run_cell(self, result: Any) -> None:
        """IPython's event: a cell has ended, also with an error or an interrupt."""
        info = getattr(result, "info", None)
        if not any(running is info for running in self._running):
            if info is not None and not info.raw_cell.strip():
                # An empty cell ends without having begun.
                return
            info = self._running[-1] if self._running else None
        ended = self._pop(info)
        due = [cell for began, cell in self._recorded if began is None or began in ended]
        self._recorded = [pair for pair in self._recorded if pair[1] not in due]
        for cell in reversed(due):
            cell.end(getattr(result, "error_in_exec", None))

    def add(self, cell: RecordedCell) -> None:
        """End ``cell`` with the cell that is running now."""
        self._recorded.append((self._running[-1] if self._running else None, cell))

    def end_all(self) -> None:
        """End everything, since nobody will tell any more."""
        recorded, self._recorded = self._recorded, []
        for _, cell in reversed(recorded):
            cell.end()

    def _pop(self, info: Any) -> list[Any]:
        ended = []
        while self._running:
            ended.append(self._running.pop())
            if ended[-1] is info:
                break
        return ended


def say(sentence: str) -> None:
    """Tell the user beside the output of the cell."""
    print(f"ortviz: {sentence}", file=sys.stderr)  # noqa: T201


def is_module(value: object) -> bool:
    """Whether a variable holds a model; without importing torch, since then it cannot."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _say_fallback(run: Run) -> None:
    """Only title and remedy; the finding holds ORTModule's own message."""
    try:
        found = next((one for one in run.findings if one.detector == Fallback.name), None)
    except OrtvizError:
        return
    if found is not None:
        say(f"{found.title}. {found.remedy}")


def _say_cause(error: BaseException) -> None:
    """Below ORTModule's own traceback, which ends in a C++ signature: what to do."""
    said = advice(error)
    if said:
        # A note of the error is part of its traceback, where the notebook prints notes at all.
        known = said in getattr(error, "__notes__", ())
        say(("" if known else f"{said} ") + "Without --strict the cell trains in eager PyTorch.")
