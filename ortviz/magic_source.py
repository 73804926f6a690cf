"""Turns a ``%%ortviz`` cell into a plain cell with one more line at its head.

A cell magic receives its body as text and has to run it itself, which loses what a notebook does
with a plain cell: ``await``, the display of the last expression, line numbers in tracebacks, a
failure that stops "Run all". So the header is replaced, in its own line, by a statement that
begins the recording, and IPython runs the cell as any other.
"""

from __future__ import annotations

import re

MAGIC = "ortviz"
BEGIN = "begin-cell"
"""Subcommand of ``%ortviz`` that the header is replaced by; not for people."""

_HEADER = re.compile(rf"%%{MAGIC}(?![\w?])[ \t]*(?P<arguments>.*)")
_FUTURE = re.compile(r"\s*from\s+__future__\s+import\b")
_SKIPPED = re.compile(r"\s*(#.*)?$")


def transform_cell(lines: list[str]) -> list[str]:
    """An IPython input transformer; changes nothing that is not a ``%%ortviz`` cell.

    Args:
        lines: The cell, each line with its end.
    """
    header = _HEADER.match(lines[0]) if lines else None
    body = lines[1:]
    if header is None or not any(line.strip() for line in body):
        return lines
    arguments = f"{BEGIN} {header['arguments'].strip()}"
    begin = f"get_ipython().run_line_magic({MAGIC!r}, {arguments!r})\n"
    if body[0].startswith("%%"):
        from IPython.core.inputtransformer2 import cell_magic

        return [begin, *cell_magic(body)]  # type: ignore[no-untyped-call]
    at = _after_future_imports(body)
    return [*body[:at], begin, *body[at:]]


def _after_future_imports(body: list[str]) -> int:
    """Where the first statement may go: future imports have to stay in front."""
    last = 0
    for number, line in enumerate(body):
        if _FUTURE.match(line):
            last = number + 1
        elif not _SKIPPED.match(line):
            break
    return last
