"""What SQLite and the file system raise, in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ortviz.errors import StoreError

Doing = Literal["created", "opened", "read", "written"]

_DAMAGED = "It is damaged or not a run of ortviz: record the run again under another path."
_SPACE = "free some space, or pass path= with a place on another disk."


@contextmanager
def plain_words(path: Path, doing: Doing) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a :class:`StoreError`.

    Args:
        path: The run file.
        doing: What was tried, as in "cannot be <doing>".
    """
    try:
        yield
    # A damaged file may hold anything, also in the names that SQLite puts in its messages.
    except (sqlite3.Error, OSError, UnicodeDecodeError, OverflowError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"The run file {path} cannot be {doing}: {_reason(error)}.", _remedy(error, doing)
        ) from error


def damaged(path: Path, what: str) -> StoreError:
    """The error for content that is not what ortviz writes.

    Args:
        path: The run file.
        what: What cannot be read, and why, as the rest of a sentence.
    """
    return StoreError(f"The run file {path} is damaged: {what}.", "Record the run again.")


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "what should be text in it is none"
    # Without the path, which is named already.
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _remedy(error: Exception, doing: Doing) -> str:
    text = str(error).lower()
    writes = doing in ("created", "written")

    def says(*words: str) -> bool:
        return any(word in text for word in words)

    if says("locked", "busy"):
        return "Another program holds it: close that program, or use another path."
    if _is_damage(error, text):
        return _DAMAGED
    if says("full", "no space", "quota", "too large"):
        return f"The disk is full: {_SPACE}"
    if says("disk i/o"):
        return (
            f"The disk may be full, over a quota or gone: {_SPACE}"
            if writes
            else "Check that the disk is still there and has some space left."
        )
    if says("readonly", "read-only", "permission", "unable", "not permitted"):
        if writes:
            return "Check that the folder exists and may be written to, or pass path= elsewhere."
        return "Check that the file may be read, or copy it to a folder of your own."
    return "Check the path and the disk, or pass path= with another place."


def _is_damage(error: Exception, text: str) -> bool:
    if isinstance(error, (UnicodeDecodeError, OverflowError)):
        return True
    words = ("malformed", "not a database", "decode", "no such table", "no such column")
    return isinstance(error, sqlite3.Error) and any(word in text for word in words)
