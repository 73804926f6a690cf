"""``ortviz demo``: run a notebook, keep what came of it, and say what was found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ortviz.errors import EnvironmentProblem, OrtvizError
from ortviz.record import Finding, Severity

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

NOTEBOOK = Path("notebooks/01_sunspots.ipynb")
OUT = Path("out")
CELL_TIMEOUT_SECS = 1800
_QUIET_KERNEL = ["--IPKernelApp.log_level=ERROR"]

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that the notebook recorded.

    Attributes:
        path: Its file.
        name: Of the run.
        findings: Most severe first.
    """

    path: Path
    name: str
    findings: tuple[Finding, ...]


def run_demo(notebook: Path | None, out: Path, console: Console) -> int:
    """Execute a notebook and write its results.

    Args:
        notebook: The notebook; None for the first one of a clone.
        out: Folder for the executed notebook, ``report.html`` and the recorded runs; made.
        console: Where to report to.

    Returns:
        0, or 1 when a cell failed.

    Raises:
        OrtvizError: There is no notebook, or nothing to run it with.
    """
    source = _find(notebook)
    out.mkdir(parents=True, exist_ok=True)
    runs_folder = (out / "runs").absolute()
    for old in runs_folder.glob("*.ortviz*"):
        old.unlink()
    executed = out / source.name
    failure = execute(source, executed, {"ORTVIZ_RUNS": str(runs_folder)}, console)
    runs = recorded_runs(runs_folder)
    if runs:
        console.print(findings_table(runs))
        console.print()
        _report(console, worst_of(runs), out / "report.html")
    _say(console, "Executed notebook", str(executed))
    _say(console, "Open in JupyterLab", f"make lab, or: jupyter lab {executed}")
    if failure:
        console.print("[bold red]The notebook stopped at a cell that failed:[/]")
        console.print(failure, markup=False, highlight=False)
    return 1 if failure else 0


def execute(
    source: Path, target: Path, variables: Mapping[str, str], console: Console
) -> str | None:
    """Run every cell in a kernel of its own, with a progress bar, and save the result.

    Args:
        source: The notebook.
        target: Where the executed one is written, also after a failure; the kernel's folder.
        variables: Set in the kernel's environment.
        console: Shows the progress.

    Returns:
        None, or the traceback of the cell that failed.

    Raises:
        EnvironmentProblem: The packages that run notebooks are missing.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        raise EnvironmentProblem(
            f"Notebooks cannot be run here ({error}).", "Run: pip install 'ortviz[notebooks]'"
        ) from error
    notebook = nbformat.read(source, as_version=4)  # type: ignore[no-untyped-call]
    failure: str | None = None
    with _progress(console) as progress:
        bar = CellBar(notebook, progress)
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_SECS,
            kernel_name="python3",
            extra_arguments=[*_QUIET_KERNEL],
            resources={"metadata": {"path": str(target.parent)}},
            on_cell_start=bar.start,
            on_cell_complete=bar.complete,
        )
        try:
            client.execute(env={**os.environ, **variables})
        except CellExecutionError as error:
            failure = str(error)
        finally:
            nbformat.write(notebook, target)  # type: ignore[no-untyped-call]
            _trust(target)
    return failure


def _trust(path: Path) -> None:
    """Let Jupyter draw what this machine has just computed, widgets included."""
    import nbformat
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    # Without a place for signatures the notebook opens all the same, its widgets as text.
    with suppress(Exception):
        Path(jupyter_data_dir()).mkdir(parents=True, exist_ok=True)
        NotebookNotary().sign(nbformat.read(path, as_version=4))  # type: ignore[no-untyped-call]


class CellBar:
    """Moves a progress bar along the code cells of a notebook, under their headings.

    Args:
        notebook: The notebook.
        progress: Where the bar is drawn.
    """

    def __init__(self, notebook: NotebookNode, progress: Progress) -> None:
        self._titles = _titles(notebook)
        self._shown = ""
        self._progress = progress
        self._task = progress.add_task("starting the kernel", total=len(self._titles))

    def start(self, cell: NotebookNode, cell_index: int) -> None:
        """A cell begins; called for text cells too."""
        if cell_index not in self._titles:
            return
        title = self._titles[cell_index]
        if title == self._shown:
            return
        self._shown = title
        self._progress.update(self._task, description=title)
        if not self._progress.console.is_terminal:
            # A bar that moves needs a terminal; a log gets one line a heading.
            self._progress.console.print(title, markup=False, highlight=False)

    def complete(self, cell: NotebookNode, cell_index: int) -> None:
        """A cell has run."""
        if cell_index in self._titles:
            self._progress.advance(self._task)


def recorded_runs(folder: Path) -> list[RecordedRun]:
    """The runs in a folder, in the order in which they began."""
    from ortviz.record.store import RunReader

    found = []
    for path in folder.glob("*.ortviz"):
        with RunReader.open(path) as reader:
            info = reader.info()
            run = RecordedRun(path, info.name, reader.findings())
        found.append((info.created_unix_secs, run))
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def worst_of(runs: list[RecordedRun]) -> RecordedRun:
    """The run with the most severe findings; of several alike the first."""
    severities = list(Severity)

    def rank(run: RecordedRun) -> tuple[int, ...]:
        counts = [sum(f.severity is severity for f in run.findings) for severity in severities]
        return tuple(-count for count in counts)

    return min(runs, key=rank)


def findings_table(runs: list[RecordedRun]) -> Table:
    """All findings of all runs."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Findings", title_justify="left", box=None, pad_edge=False)
    for heading in ("run", "severity", "step", "what and where", "what to do"):
        table.add_column(heading, overflow="fold", vertical="top")
    for run in runs:
        for finding in run.findings:
            step = "" if finding.first_step is None else str(finding.first_step)
            style = _STYLES[finding.severity]
            severity = f"[{style}]{finding.severity.value}[/]"
            title, remedy = escape(finding.title), escape(finding.remedy)
            table.add_row(escape(run.name), severity, step, title, remedy)
        if not run.findings:
            table.add_row(escape(run.name), "[green]none[/]", "", "Nothing to mend.", "")
    return table


def _find(notebook: Path | None) -> Path:
    clone = Path(__file__).resolve().parent.parent
    candidates = [notebook] if notebook is not None else [NOTEBOOK, clone / NOTEBOOK]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if notebook is not None:
        raise OrtvizError(f"There is no notebook {notebook}.", "Check the path.")
    raise OrtvizError(
        f"There is no {NOTEBOOK} here.",
        "It comes with a clone of ortviz; or name another notebook: ortviz demo FILE.ipynb",
    )


def _progress(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
        console=console,
    )


def _titles(notebook: NotebookNode) -> dict[int, str]:
    """Index of each code cell -> the heading it stands under."""
    titles, heading = {}, "notebook"
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            heading = next(
                (line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")),
                heading,
            )
        elif cell.cell_type == "code" and cell.source.strip():
            titles[index] = heading
    return titles


def _report(console: Console, run: RecordedRun, target: Path) -> None:
    from ortviz.record.store import RunReader
    from ortviz.report import write_report

    try:
        with RunReader.open(run.path) as reader:
            written = write_report(reader, target)
    except OrtvizError as error:
        _say(console, "Report", f"not written: {error}")
    else:
        _say(console, "Report", f"{written}  (run {run.name}; opens in any browser, offline)")


def _say(console: Console, what: str, value: str) -> None:
    console.print(f"{what:<20}{value}", markup=False, highlight=False, soft_wrap=True)
