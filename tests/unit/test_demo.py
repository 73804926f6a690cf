"""`ortviz demo` and `ortviz report` with a small notebook in a real kernel."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from rich.console import Console

from ortviz.cli import main
from ortviz.demo import RecordedRun, execute, findings_table, run_demo, worst_of
from ortviz.errors import OrtvizError
from ortviz.record import Finding, Severity

ROOT = Path(__file__).resolve().parents[2]
TRAINING = """
import sys, os
sys.path.insert(0, {session!r})
from pathlib import Path
from conftest import Make
from ortviz.record import LossObservation
from ortviz.session.recorder import Recorder
from ortviz.session.storage import default_path
import numpy as np
make = Make()
recorder = Recorder(default_path("zeros"))
recorder.started(make.info(name="zeros"))
for step in range(4):
    recorder.stepped(step)
    recorder.captured(make.capture(step))
    zeros = np.zeros(3, np.float32)
    recorder.observed(LossObservation(step, zeros + 1, zeros, "float32", 0.0, "mape"))
recorder.close()
"""


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))
    code = TRAINING.format(session=str(ROOT / "tests" / "unit" / "session"))
    cells = [
        nbformat.v4.new_markdown_cell("# A title\ntext"),
        nbformat.v4.new_code_cell(code),
        nbformat.v4.new_markdown_cell("## [The] end"),
        nbformat.v4.new_code_cell("'the last value'"),
    ]
    path = tmp_path / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports need the browser side; what it is made of does not matter here."""
    static = tmp_path / "static"
    static.mkdir()
    (static / "widget.js").write_text("export const mount = () => {};")
    (static / "widget.css").write_text(".ortviz {}")
    monkeypatch.setattr("ortviz.report.write.STATIC", static)


def test_a_notebook_is_run_written_and_reported(
    notebook: Path, tmp_path: Path, bundle: None
) -> None:
    console = Console(record=True, width=200)
    out = tmp_path / "out"
    (out / "runs").mkdir(parents=True)
    (out / "runs" / "old.ortviz").write_text("of the last time")
    assert run_demo(notebook, out, console) == 0
    text = console.export_text()
    assert "A title" in text
    assert "[The] end" in text
    assert "2/2 cells" in text
    assert "zeros" in text
    assert "MAPE is exactly 0" in text
    assert "run zeros; opens in any browser" in text
    assert "make lab" in text
    executed = nbformat.read(out / "small.ipynb", as_version=4)
    assert executed.cells[3].outputs[0].data["text/plain"] == "'the last value'"
    assert "<title>zeros" in (out / "report.html").read_text(encoding="utf-8")
    assert [path.name.split("-")[0] for path in (out / "runs").glob("*.ortviz")] == ["zeros"]


def test_a_cell_that_fails_is_shown_and_the_rest_is_kept(notebook: Path, tmp_path: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells[1].source = "print('so far')\n1 / 0"
    nbformat.write(content, notebook)
    console = Console(record=True, width=200)
    assert run_demo(notebook, tmp_path / "out", console) == 1
    text = console.export_text()
    assert "stopped at a cell that failed" in text
    assert "ZeroDivisionError" in text
    executed = json.loads((tmp_path / "out" / "small.ipynb").read_text(encoding="utf-8"))
    assert executed["cells"][1]["outputs"][0]["text"] == ["so far\n"]


def test_the_state_of_widgets_is_saved_with_the_notebook(notebook: Path, tmp_path: Path) -> None:
    content = nbformat.read(notebook, as_version=4)
    content.cells[3].source = "import ipywidgets; ipywidgets.IntSlider(7)"
    nbformat.write(content, notebook)
    assert execute(notebook, tmp_path / "executed.ipynb", {}, Console(quiet=True)) is None
    saved = json.loads((tmp_path / "executed.ipynb").read_text(encoding="utf-8"))
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert any(state["state"].get("value") == 7 for state in states.values())


def test_jupyter_draws_what_was_computed_here(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    execute(notebook, tmp_path / "executed.ipynb", {}, Console(quiet=True))
    notary = NotebookNotary()
    assert notary.check_signature(nbformat.read(tmp_path / "executed.ipynb", as_version=4))
    assert not notary.check_signature(nbformat.read(notebook, as_version=4))


def test_no_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    with pytest.raises(OrtvizError, match=r"There is no notebook .*nothing\.ipynb"):
        run_demo(tmp_path / "nothing.ipynb", tmp_path, Console())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ortviz.demo.__file__", str(tmp_path / "a" / "demo.py"))
    assert main(["demo"]) == 1
    assert "comes with a clone" in capsys.readouterr().err


def finding(severity: Severity) -> Finding:
    return Finding("k", "d", severity, "title [x]", "evidence", "why", "do [this]", 3)


def test_the_report_is_of_the_run_with_the_worst_findings() -> None:
    path = Path("x")
    quiet = RecordedRun(path, "quiet", ())
    warned = RecordedRun(path, "warned", (finding(Severity.WARNING),) * 3)
    broken = RecordedRun(path, "broken", (finding(Severity.ERROR),))
    assert worst_of([quiet, warned, broken]).name == "broken"
    assert worst_of([quiet, warned]).name == "warned"
    console = Console(record=True, width=120)
    console.print(findings_table([quiet, broken]))
    text = console.export_text()
    assert "title [x]" in text
    assert "do [this]" in text
    assert "Nothing to mend." in text


def test_report_of_a_run_file(notebook: Path, tmp_path: Path, bundle: None, capsys: Any) -> None:
    run_demo(notebook, tmp_path / "out", Console(quiet=True))
    (run,) = (tmp_path / "out" / "runs").glob("*.ortviz")
    assert main(["report", str(run), "-o", str(tmp_path / "mine.html")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "mine.html")
    assert (tmp_path / "mine.html").stat().st_size > 1000
    assert main(["report", str(tmp_path / "nope.ortviz")]) == 1
    assert "There is no run file" in capsys.readouterr().err
