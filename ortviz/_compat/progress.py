"""How the one slow thing ortviz does, compiling ORT's extensions, is shown while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

_TITLE = "Compiling ONNX Runtime's PyTorch extensions (once)"


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """One state of a running build.

    Attributes:
        message: What is being done now, such as ``"aten_op_executor: compiling"``.
        done_count: Compiler and linker steps that are finished.
        total_count: All such steps.
        elapsed_secs: Seconds since the build began.
    """

    message: str
    done_count: int
    total_count: int
    elapsed_secs: float


ProgressSink = Callable[[BuildProgress], None]


@contextmanager
def shown_progress(sink: ProgressSink | None) -> Iterator[ProgressSink]:
    """Give ``sink`` itself, or a bar on a terminal, or plain lines anywhere else."""
    if sink is not None:
        yield sink
    elif sys.stderr is not None and sys.stderr.isatty():
        with _bar() as bar:
            yield bar
    else:
        yield plain_lines(text_stream())


def plain_lines(stream: TextIO) -> ProgressSink:
    """Make a sink that writes a line whenever the message changes.

    Args:
        stream: Where the lines go.
    """
    last = ""

    def show(state: BuildProgress) -> None:
        nonlocal last
        if state.message == last:
            return
        if not last:
            print(f"ortviz: {_TITLE}", file=stream)
        last = state.message
        print(
            f"ortviz: [{state.done_count}/{state.total_count}] {state.message} "
            f"({state.elapsed_secs:.0f} s)",
            file=stream,
            flush=True,
        )

    return show


@contextmanager
def _bar() -> Iterator[ProgressSink]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(_TITLE, total=None)

        def show(state: BuildProgress) -> None:
            progress.update(
                task,
                description=f"{_TITLE}: {state.message}",
                completed=state.done_count,
                total=state.total_count,
            )

        yield show


def text_stream() -> TextIO:
    """Where news goes that is no error: notebooks paint stderr red, which reads as one."""
    return sys.stdout if "ipykernel" in sys.modules else sys.stderr
