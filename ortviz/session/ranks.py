"""The runs of one distributed training: each process records its own file, one run shows all."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ortviz.errors import StoreError, UnknownNameError
from ortviz.findings.ranks import ranks_disagree
from ortviz.record import Finding, RunInfo, Severity
from ortviz.record.store import RunReader
from ortviz.session.lookup import Lookup

if TYPE_CHECKING:
    from ortviz.session.run import Presenter, Run

STEPS_COMPARED = 8
"""Steps of which the weights of two ranks are held side by side, spread over the run."""


def sibling_paths(path: Path, info: RunInfo) -> dict[int, Path]:
    """The files of the other processes, by rank; those that are not there are left out.

    Args:
        path: A run's file.
        info: Its run.
    """
    if info.world_size == 1:
        return {}
    found: dict[int, Path] = {}
    for candidate in sorted(path.parent.glob(f"*.rank*{path.suffix}")):
        if candidate == path:
            continue
        other = _info(candidate)
        if other is not None and _together(info, other):
            found.setdefault(other.rank, candidate)
    return found


def open_rank(reader: RunReader, rank: int) -> RunReader:
    """Open the run of another process.

    Raises:
        UnknownNameError: It has no file beside this one.
        StoreError: Its file cannot be read.
    """
    info = reader.info()
    paths = sibling_paths(reader.path, info)
    if rank not in paths:
        known = ", ".join(map(str, sorted([info.rank, *paths])))
        raise UnknownNameError(
            f"There is no run of rank {rank} beside {reader.path.name}.",
            f"Ranks of which there is one: {known}. Each process records its own file; keep them "
            "in one folder.",
        )
    return RunReader.open(paths[rank])


def findings_of(reader: RunReader) -> tuple[Finding, ...]:
    """A run's findings, and whether its weights are those of the other processes."""
    stored = tuple(reader.findings())
    info = reader.info()
    if info.world_size == 1:
        return stored
    found = [
        finding
        for path in sibling_paths(reader.path, info).values()
        if (finding := _disagreement(reader, path)) is not None
    ]
    order = list(Severity)
    return tuple(sorted((*found, *stored), key=lambda each: order.index(each.severity)))


class Ranks(Lookup[int, "Run"]):
    """The runs of all processes that trained together, by rank.

    Args:
        own: The run that was opened; it is among them.
        presenter: Shows the others.
    """

    def __init__(self, own: Run, presenter: Presenter | None) -> None:
        self._own = own
        self._presenter = presenter

    def __getitem__(self, rank: int) -> Run:
        from ortviz.session.run import Run

        if rank == self._own.info.rank:
            return self._own
        paths = self._paths()
        if rank not in paths:
            raise UnknownNameError(
                f"There is no run of rank {rank!r}.",
                f"Known are {', '.join(map(str, self))}, of {self._own.info.world_size} processes.",
            )
        return Run(paths[rank], presenter=self._presenter)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted([self._own.info.rank, *self._paths()]))

    def __len__(self) -> int:
        return len(self._paths()) + 1

    def __repr__(self) -> str:
        shown = ", ".join(map(str, self))
        return f"<Ranks {shown} of {self._own.info.world_size}>"

    def _paths(self) -> dict[int, Path]:
        path = self._own.path
        return {} if path is None else sibling_paths(path, self._own.info)


def _together(one: RunInfo, other: RunInfo) -> bool:
    return (
        one.group_id == other.group_id != ""
        and one.world_size == other.world_size
        and one.rank != other.rank
    )


@lru_cache(maxsize=256)
def _known_info(path: Path, inode: int) -> RunInfo:
    with RunReader.open(path) as reader:
        return reader.info()


def _info(path: Path) -> RunInfo | None:
    """What a file says of its run, which never changes; None when it is none."""
    try:
        return _known_info(path, path.stat().st_ino)
    except (StoreError, OSError):
        return None


def _disagreement(reader: RunReader, path: Path) -> Finding | None:
    """The first of some steps at which the weights of two processes are not the same."""
    try:
        with RunReader.open(path) as other:
            both = sorted({*map(int, reader.sampled_steps())} & {*map(int, other.sampled_steps())})
            runs = (reader.info().run_id, other.info().run_id)
            for step in _spread(both):
                found = _compared(reader.path, path, runs, step)
                if found is not None:
                    return found
    except StoreError:
        return None
    return None


@lru_cache(maxsize=1024)
def _compared(own_path: Path, path: Path, runs: tuple[str, str], step: int) -> Finding | None:
    """Both records are complete, so the answer stays the same for these two runs."""
    with RunReader.open(own_path) as own, RunReader.open(path) as other:
        return ranks_disagree(own.info().rank, own.step(step), other.info().rank, other.step(step))


def _spread(steps: list[int]) -> list[int]:
    """First, last and some between, in order."""
    if len(steps) <= STEPS_COMPARED:
        return steps
    last = len(steps) - 1
    return [steps[round(i * last / (STEPS_COMPARED - 1))] for i in range(STEPS_COMPARED)]
