"""What the doctor says about environments that are not well, and how the command shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ortviz import cli
from ortviz._compat import checks_build, checks_jupyter, checks_packages, doctor
from ortviz._compat.check import Check, Status
from ortviz.errors import EnvironmentProblem


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python with ortviz's own few dependencies, and neither torch nor ORT nor Jupyter."""
    site = tmp_path / "site"
    site.mkdir()
    for name in ("ortviz", "filelock", "platformdirs", "packaging", "rich", "pygments"):
        (site / name).symlink_to(Path(__import__(name).__file__ or "").parent)
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-S", "-m", "ortviz", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


def test_without_torch_and_ort_it_says_so_and_fails(bare: Path) -> None:
    done = run_cli("doctor", "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is False
    checks = {each["name"]: each for each in report["checks"]}
    assert checks["PyTorch"]["found"] == "not installed"
    assert "pip install" in checks["PyTorch"]["remedy_command"]
    assert checks["onnxruntime packages"]["status"] == "error"
    assert checks["ORTModule extensions"]["found"] == "not checked"
    assert "ORTModule" not in checks
    assert checks["anywidget"]["status"] == "warning"


def test_fix_without_torch_prints_the_command_and_does_nothing(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORTVIZ_CACHE_DIR", str(tmp_path / "cache"))
    done = run_cli("doctor", "--fix")
    assert done.returncode == 1
    assert "PyTorch is not installed." in done.stderr
    assert "python -m pip install 'torch>=2.4,<2.14'" in done.stdout
    assert not (tmp_path / "cache").exists()


def test_too_new_python(monkeypatch: pytest.MonkeyPatch) -> None:
    class Version(tuple[int, ...]):
        major, minor, micro = 3, 13, 0

    monkeypatch.setattr(checks_packages.sys, "version_info", Version((3, 13, 0)))
    check = checks_packages.check_python()
    assert (check.status, check.found) == ("error", "3.13.0")


@pytest.mark.parametrize(
    ("version", "status", "word"),
    [
        ("2.4.1", "ok", "Everything works with ORTModule."),
        ("2.13.0+cpu", "ok", "but custom autograd.Function"),
        ("2.20.0", "warning", "Nobody ran"),
        (None, "error", "losses need it too"),
    ],
)
def test_torch(
    version: str | None, status: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_packages, "torch_version", lambda: version)
    check = checks_packages.check_torch()
    assert check.status == status
    assert word in check.meaning


def test_switch_that_this_torch_cannot_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTMODULE_ENABLE_CUSTOM_AUTOGRAD", "1")
    monkeypatch.setattr(checks_packages, "torch_version", lambda: "2.13.0")
    check = checks_packages.check_autograd_switch()
    assert check is not None
    assert check.remedy_command == "unset ORTMODULE_ENABLE_CUSTOM_AUTOGRAD"
    monkeypatch.setattr(checks_packages, "torch_version", lambda: "2.6.0")
    assert checks_packages.check_autograd_switch() is None


@pytest.mark.parametrize(("needed", "status"), [(True, "error"), (False, "warning")])
def test_missing_tools_matter_only_before_the_build(
    needed: bool, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_build, "find_compiler", lambda: None)
    monkeypatch.setattr(checks_build, "python_header", lambda: tmp_path / "Python.h")
    checks = by_name(checks_build.check_toolchain(needed=needed))
    assert checks["C++ compiler"].status == status
    assert checks["Python headers"].status == status
    assert ("compiled already" in checks["C++ compiler"].meaning) is not needed


def test_cache_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORTVIZ_CACHE_DIR", str(tmp_path / "not" / "yet" / "there"))
    assert checks_build.check_cache(needed=True).status == "ok"
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ORTVIZ_CACHE_DIR", str(tmp_path / "file" / "below"))
    check = checks_build.check_cache(needed=True)
    assert check.status == "error"
    assert "ORTVIZ_CACHE_DIR" in check.remedy_command


def test_a_probe_that_dies_is_an_error_and_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks_build, "_PROBE", "import os; os.abort()")
    check = checks_build.probe_ortmodule()
    assert check.status == "error"
    assert check.meaning


@pytest.mark.parametrize(
    ("content", "status", "found"),
    [
        ('{"ServerApp": {"jpserver_extensions": {"ortviz.server": true}}}', "ok", "enabled in"),
        ('{"ServerApp": {"jpserver_extensions": {"ortviz.server": false}}}', "warning", "disabled"),
        ('{"ServerApp": {"jpserver_extensions": {"other": true}}}', "warning", "not installed"),
        ("[not json", "warning", "not installed"),
        ("[]", "warning", "not installed"),
    ],
)
def test_server_extension(
    content: str, status: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "jupyter_server_config.d"
    folder.mkdir()
    (folder / "any.json").write_text(content)
    monkeypatch.setattr(checks_jupyter, "_jupyter_folders", lambda _kind: (tmp_path,))
    check = by_name(checks_jupyter.check_jupyter())["server extension"]
    assert check.status == status
    assert check.found.startswith(found)


def test_plugin_is_found_where_jupyter_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jupyter_core")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    package = tmp_path / "labextensions" / "ortviz"
    package.mkdir(parents=True)
    (package / "package.json").write_text("{}")
    check = by_name(checks_jupyter.check_jupyter())["JupyterLab plugin"]
    assert (check.status, check.found) == ("ok", str(package))


WELL = Check("PyTorch", Status.OK, "2.13.0")
ILL = Check("onnxruntime packages", Status.ERROR, "two [of] them", "They clash.", "pip [do] this")


def test_exit_code_and_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(doctor, "run_checks", lambda: [WELL])
    assert cli.main(["doctor"]) == 0
    assert "What to do" not in capsys.readouterr().out
    monkeypatch.setattr(doctor, "run_checks", lambda: [WELL, ILL])
    assert cli.main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "two [of] them" in out
    assert "    pip [do] this\n" in out


def test_a_fix_that_fails_is_told_and_the_checks_still_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise EnvironmentProblem("There is no C++ compiler.", "Install one.")

    monkeypatch.setattr(doctor, "compile_extensions", fail)
    monkeypatch.setattr(doctor, "run_checks", lambda: [WELL])
    assert cli.main(["doctor", "--fix", "--json"]) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["checks"][0]["name"] == "PyTorch"
    assert "There is no C++ compiler. Install one." in captured.err


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "usage: ortviz [-h] {doctor" in capsys.readouterr().err
