"""Writes a report."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from ortviz.errors import EnvironmentProblem, OrtvizError
from ortviz.netron.document import netron_document
from ortviz.record.store import RunReader
from ortviz.report.contents import Contents, collect
from ortviz.report.page import STATIC, read_bundle, render

DEFAULT_MAX_STEPS = 150


def write_report(
    reader: RunReader,
    path: str | Path,
    *,
    max_steps: int = DEFAULT_MAX_STEPS,
    title: str | None = None,
) -> Path:
    """Write one HTML file with all five views, which opens offline and asks no host for anything.

    Args:
        reader: The run; it may still be going on.
        path: Where to; folders above it are made, a file that is there is replaced once the new
            one is complete.
        max_steps: Of so many recorded steps the traces and gradients are put in (at least 2).
            When there are more: the first, the last, those around findings, and others evenly
            between. The report says so.
        title: Of the page; the run's name by default.

    Returns:
        ``path``.

    Raises:
        EnvironmentProblem: The browser side was not built.
        StoreError: The run file cannot be read.
        OrtvizError: The report cannot be written there.
    """
    # Said before the long work: without the browser side there is no report.
    read_bundle(STATIC)
    name = title if title is not None else reader.info().name
    return write_contents(name, collect(reader, max_steps), path)


def write_contents(
    title: str, contents: Contents, path: str | Path, views: Sequence[str] = ()
) -> Path:
    """Write the HTML file around what was collected.

    Args:
        title: Of the page.
        contents: What is in it.
        path: Where to.
        views: What is mounted; all views where empty.

    Raises:
        EnvironmentProblem: The browser side was not built.
        OrtvizError: The report cannot be written there.
    """
    netron = _netron(contents)
    report = {**_static_report(title, contents), "views": list(views)}
    page = render(f"{title} · ortviz", report, read_bundle(STATIC), netron)
    return _write(Path(path), page)


def _netron(contents: Contents) -> str | None:
    try:
        return netron_document()
    except EnvironmentProblem as problem:
        contents.notes.append(f"Graphs are listed but not drawn: {problem.what}")
        return None


def _static_report(title: str, contents: Contents) -> dict[str, object]:
    return {
        "format": 1,
        "title": title,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "encoding": "gzip+base64",
        "frames": contents.frames,
        "missing": contents.missing,
        "steps": contents.steps,
        "notes": contents.notes,
    }


def _write(target: Path, page: str) -> Path:
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(page, encoding="utf-8", errors="replace", newline="\n")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OrtvizError(
            f"The report cannot be written to {target}: {error.strerror or error}.",
            "Choose another path, or free the place.",
        ) from error
    return target
