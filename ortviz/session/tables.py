"""Small tables for people: plain text for a terminal, HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_STYLE = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;white-space:pre-wrap"


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int = 100) -> str:
    """Columns as wide as their content; the last one is cut off at ``width`` characters."""
    table = [list(headings), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(headings))]
    lines = []
    for row in table:
        line = "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
        lines.append(line if len(line) <= width else line[: width - 1] + "…")
    return "\n".join(lines)


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table; everything in it is escaped."""
    head = "".join(f'<th style="{_STYLE}">{escape(text)}</th>' for text in headings)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_STYLE}">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
