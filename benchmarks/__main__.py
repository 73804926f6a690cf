"""``python -m benchmarks [NAME …] [--why]``: measure and print one table of all rows."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import benchmarks
from benchmarks.row import Row

_FILE_COLUMNS = 180


def main() -> int:
    """Run the benchmarks asked for; 1 if a promise is broken."""
    names = [found.name for found in pkgutil.iter_modules(benchmarks.__path__)]
    modules = {
        name: module
        for name in names
        if name not in ("__main__", "row")
        and hasattr(module := importlib.import_module(f"benchmarks.{name}"), "measure")
    }
    parser = argparse.ArgumentParser(prog="benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(modules))
    parser.add_argument(
        "--why",
        action="store_true",
        help="where the time of a recorded step goes, and nothing else",
    )
    given = parser.parse_args()
    if given.why:
        from benchmarks.why import explain

        console = _console()
        for found in explain():
            console.print(found, "")
        return 0
    wanted = given.names or list(modules)
    unknown = [name for name in wanted if name not in modules]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(modules)}")
    console = _console()
    rows: list[Row] = []
    with Progress(console=console, transient=True) as progress:
        for name in progress.track(wanted, description="measuring"):
            rows += modules[name].measure()
    console.print(table(rows))
    return 0 if all(row.passed for row in rows) else 1


def _console() -> Console:
    """As wide as the terminal; a file has room for whole sentences."""
    console = Console()
    return console if console.is_terminal else Console(width=_FILE_COLUMNS)


def table(rows: list[Row]) -> Table:
    """The rows, with a sign for each promise kept or broken."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("", "what", "ratio", "bar", "verdict", "of", "measured"):
        shown.add_column(heading, justify="right" if heading in ("ratio", "bar") else "left")
    for row in rows:
        sign = "[green]✓[/]" if row.passed else "[bold red]✗[/]"
        sign = "–" if row.ratio is None else sign
        limit = "" if row.limit is None else f"{row.limit:.3f}"
        ratio = "–" if row.ratio is None else f"{row.ratio:.3f}"
        shown.add_row(sign, row.what, ratio, limit, row.verdict, row.peer, row.detail)
    return shown


if __name__ == "__main__":
    sys.exit(main())
