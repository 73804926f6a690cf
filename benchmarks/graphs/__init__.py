"""The graph view beside Netron on the same large graphs, in the same browser."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.row import Row

__all__ = ["measure"]


def measure() -> Iterator[Row]:
    """Rows of every graph; ``python -m benchmarks.graphs`` takes options and keeps files."""
    from benchmarks.graphs.rows import rows
    from benchmarks.graphs.run import measured

    for pair in measured():
        yield from rows(pair)
