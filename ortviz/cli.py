"""The ``ortviz`` command. Every subcommand is one function that adds itself to the parser."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ortviz.errors import OrtvizError

if TYPE_CHECKING:
    from rich.table import Table

    from ortviz._compat.check import Check

_STYLE = {"ok": "green", "warning": "yellow", "error": "bold red"}
_SIGN = {"ok": "✓", "warning": "!", "error": "✗"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments after the program's name; None for those of the process.

    Returns:
        The exit code: 0, or 1 if something is wrong.
    """
    parser = argparse.ArgumentParser(
        prog="ortviz",
        description="Debug a PyTorch model that trains through ONNX Runtime.",
    )
    subparsers = parser.add_subparsers(title="commands", dest="command", required=True)
    for add in _COMMANDS:
        add(subparsers)
    options = parser.parse_args(argv)
    try:
        return int(options.run(options))
    except OrtvizError as error:
        print(f"ortviz: {error}", file=sys.stderr)
        return 1


def _add_doctor(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "doctor",
        help="check what ORTModule and the debugger need, and say how to mend it",
        description="Check what ORTModule and the debugger need; exit code 1 if it is wrong.",
    )
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="compile ORTModule's extensions; packages are never removed, only the commands shown",
    )
    parser.set_defaults(run=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from ortviz._compat.doctor import Status, compile_extensions, run_checks
    from ortviz.native import check_kernels, prepare_kernels

    problem: OrtvizError | None = None
    without_loops = ""
    if options.fix:
        try:
            compile_extensions()
            without_loops = prepare_kernels()
        except OrtvizError as error:
            # The checks below say more than the one thing that stopped the build.
            problem = error
    checks = [*run_checks(), check_kernels(without_loops)]
    if options.json:
        print(checks_as_json(checks))
    else:
        _print_checks(checks)
    if problem is not None:
        print(f"ortviz: {problem}", file=sys.stderr)
    failed = problem is not None or any(check.status is Status.ERROR for check in checks)
    return 1 if failed else 0


def checks_as_json(checks: Sequence[Check]) -> str:
    """Write checks as one JSON object with ``ok`` and ``checks``."""
    ok = all(check.status != "error" for check in checks)
    return json.dumps({"ok": ok, "checks": [asdict(check) for check in checks]}, indent=2)


def checks_table(checks: Sequence[Check]) -> Table:
    """Lay checks out as a table for a terminal or a notebook."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, expand=False)
    for heading in ("", "check", "found", "meaning"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        style = _STYLE[check.status.value]
        table.add_row(
            f"[{style}]{_SIGN[check.status.value]}[/]",
            escape(check.name),
            escape(check.found),
            escape(check.meaning),
        )
    return table


def _print_checks(checks: Sequence[Check]) -> None:
    from rich.console import Console

    console = Console()
    console.print(checks_table(checks))
    remedies = [check for check in checks if check.remedy_command and check.status != "ok"]
    if remedies:
        console.print("\nWhat to do:")
    for check in remedies:
        style = _STYLE[check.status.value]
        console.print(f"  [{style}]{check.name}[/]")
        # Printed as it is, so that it can be copied: no folding, no markup.
        console.print(f"    {check.remedy_command}", markup=False, highlight=False, soft_wrap=True)


def _add_demo(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="run a notebook, write it and a report, and print what was found",
        description="Run a notebook; by default the first one of a clone.",
    )
    parser.add_argument("notebook", nargs="?", type=Path, help="an .ipynb file")
    parser.add_argument("-o", "--out", type=Path, default=Path("out"), help="folder (out)")
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from rich.console import Console

    from ortviz.demo import run_demo

    return run_demo(options.notebook, options.out, Console())


def _add_report(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "report",
        help="write one HTML file from a recorded run, which opens anywhere, offline",
        description="Write one self-contained HTML file with all five views of a recorded run.",
    )
    parser.add_argument("run_file", type=Path, metavar="RUN", help="an .ortviz file")
    parser.add_argument("-o", "--out", type=Path, help="the HTML file (RUN.html)")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    from ortviz.record.store import RunReader
    from ortviz.report import write_report

    with RunReader.open(options.run_file) as reader:
        print(write_report(reader, options.out or options.run_file.with_suffix(".html")))
    return 0


_COMMANDS: tuple[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None], ...] = (
    _add_doctor,
    _add_demo,
    _add_report,
)
