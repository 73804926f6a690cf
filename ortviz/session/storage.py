"""Where a run's file goes, and what happens when it cannot be written there."""

from __future__ import annotations

import os
import re
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from ortviz.errors import StoreError
from ortviz.record import Problem, RunInfo
from ortviz.record.store import RunWriter

SUFFIX = ".ortviz"
FOLDER_VARIABLE = "ORTVIZ_RUNS"
DEFAULT_FOLDER = "ortviz_runs"


@dataclass(frozen=True, slots=True)
class Storage:
    """What came of creating a run's file.

    Attributes:
        writer: None when nothing can be recorded.
        problem: What the user should know about the place; None when all went as asked.
    """

    writer: RunWriter | None
    problem: Problem | None = None


def default_path(name: str, stamp: str | None = None) -> Path:
    """A new file's path in the folder for runs, unique and sorted by time within a name.

    The folder is ``$ORTVIZ_RUNS`` where set, else ``ortviz_runs`` below the working directory.

    Args:
        name: Of the run.
        stamp: From :func:`new_stamp`, where other processes use the same; a new one by default.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)
    return folder.absolute() / f"{file_stem(name)}-{stamp or new_stamp()}{SUFFIX}"


def new_stamp() -> str:
    """What makes a file name unique: the local time and four random digits."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4().hex[:4]}"


def of_rank(path: Path, rank: int, world_size: int) -> Path:
    """Where one process of a distributed training records: ``name.rank1.ortviz``."""
    return path if world_size == 1 else path.with_name(f"{path.stem}.rank{rank}{path.suffix}")


def file_stem(name: str) -> str:
    """A run's name as part of a file name: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "run"


def free_path(path: Path) -> Path:
    """``path``, or the first of ``name-2``, ``name-3`` … that does not exist yet."""
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


def check_writable(path: Path) -> None:
    """Make sure a file can be created at ``path``, before anything else is done.

    Raises:
        StoreError: Its folder cannot be made or written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreError(
            f"The run cannot be recorded at {path}: {reason}.",
            "Pass path= with a folder that can be written to, or leave path out.",
        ) from error


def create_storage(path: Path, info: RunInfo) -> Storage:
    """Create the run's file, in the temporary folder where the wanted place does not work.

    Never raises: a run that cannot be kept is no reason to stop training.
    """
    try:
        if path.parent.name == DEFAULT_FOLDER:
            _keep_out_of_git(path.parent)
        return Storage(RunWriter.create(free_path(path), info))
    except (StoreError, OSError) as error:
        refusal = error
    spare = Path(tempfile.gettempdir()) / DEFAULT_FOLDER / f"{uuid.uuid4().hex[:8]}-{path.name}"
    try:
        writer = RunWriter.create(spare, info)
    except (StoreError, OSError) as error:
        return Storage(None, _nowhere(path, refusal, error))
    return Storage(writer, _elsewhere(spare, refusal))


def _keep_out_of_git(folder: Path) -> None:
    """Runs are results, not sources; the same note that virtual environments leave."""
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / ".gitignore"
    if not note.exists():
        note.write_text("*\n", encoding="ascii")


def _elsewhere(spare: Path, refusal: Exception) -> Problem:
    return Problem(
        what=f"The run is recorded in the temporary folder, at {spare}.",
        remedy="Keep it with run.save('name.ortviz'), or pass path= with a folder that can be "
        "written to.",
        detail=str(refusal),
    )


def _nowhere(path: Path, refusal: Exception, error: Exception) -> Problem:
    return Problem(
        what=f"Nothing of this run is recorded: neither {path} nor the temporary folder can be "
        "written. Training goes on.",
        remedy="Free some disk space, or pass path= with a folder that can be written to.",
        detail=f"{refusal}\n{error}",
    )
