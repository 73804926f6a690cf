"""``python -m benchmarks.graphs [NAME …]``: the table, and the figures as JSON and Markdown."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from benchmarks.__main__ import table
from benchmarks.graphs.export import GRAPHS
from benchmarks.graphs.rows import rows
from benchmarks.graphs.run import LIMIT_SECS, REPEATS, Pair, measured
from benchmarks.row import Row

_FOLDER = Path("build") / "benchmarks"


def main() -> int:
    """Measure what was asked for; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="benchmarks.graphs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(GRAPHS))
    parser.add_argument("--limit-secs", type=float, default=LIMIT_SECS, help="for Netron")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of ours; the median counts")
    parser.add_argument("--without-netron", action="store_true", help="ours only")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in GRAPHS]
    if unknown:
        parser.error(f"there is no graph {unknown[0]}; there are {', '.join(GRAPHS)}")
    console = Console(width=150)
    pairs: list[Pair] = []
    found: list[Row] = []
    for pair in measured(
        given.names or tuple(GRAPHS), given.limit_secs, given.repeats, not given.without_netron
    ):
        pairs.append(pair)
        found += rows(pair)
        console.print(table(list(rows(pair))))
    _write(pairs, found)
    return 0 if all(row.passed for row in found) else 1


def _write(pairs: list[Pair], found: list[Row]) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    figures = json.dumps([asdict(pair) for pair in pairs], indent=1)
    (_FOLDER / "graphs.json").write_text(figures.replace("Infinity", "null"))
    lines = ["| what | beside | ratio | bar | measured |", "|---|---|---|---|---|"]
    for row in found:
        ratio = "–" if row.ratio is None else f"{row.ratio:.3f}"
        limit = "–" if row.limit is None else f"{row.limit:.3f}"
        lines.append(f"| {row.what} | {row.peer} | {ratio} | {limit} | {row.detail} |")
    (_FOLDER / "graphs.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
