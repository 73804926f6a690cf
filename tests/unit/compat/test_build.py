"""Building with a setup file of our own in the place of ORT's: quick, but a real process."""

from __future__ import annotations

import os
import textwrap
import time
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from ortviz._compat import build
from ortviz._compat.build import build_extensions, compiled_file, extension_source
from ortviz._compat.progress import BuildProgress
from ortviz.errors import EnvironmentProblem

SUFFIX = EXTENSION_SUFFIXES[0]
BUILDS = f"""
    import pathlib, sys
    assert sys.argv[1:] == ["build", "--build-base", "out"], sys.argv
    print("[1/2] c++ -c one.cc")
    print("[2/2] c++ -shared")
    pathlib.Path("out/lib.linux").mkdir(parents=True)
    pathlib.Path("out/lib.linux/fake{SUFFIX}").write_text("machine code")
"""


def ort_folder(root: Path, script: str, name: str = "fake") -> Path:
    folder = root / "ort" / "cpu" / name
    folder.mkdir(parents=True)
    (folder / "setup.py").write_text(textwrap.dedent(script))
    (folder / "one.cc").write_text("")
    return root / "ort"


def run(root: Path, script: str, sink: list[BuildProgress], *, again: bool = False) -> Path:
    target = root / "cache" / "key"
    source = extension_source(ort_folder(root, script), "fake")
    build_extensions((source,), target, sink.append, again=again)
    return target


def test_success_fills_the_folder_and_tells_every_step(tmp_path: Path) -> None:
    seen: list[BuildProgress] = []
    target = run(tmp_path, BUILDS, seen)
    assert compiled_file(target, "fake") == target / f"fake{SUFFIX}"
    assert [p.name for p in target.iterdir()] == [f"fake{SUFFIX}"]
    assert {state.total_count for state in seen} == {2}
    counts = [state.done_count for state in seen]
    assert counts == sorted(counts)
    assert counts[-1] == 2
    assert seen[-1].message == "done"
    assert sorted(p.name for p in target.parent.iterdir()) == ["key", "key.lock"]


def test_sources_of_ort_are_not_touched(tmp_path: Path) -> None:
    rewrites = "import pathlib; p = pathlib.Path(__file__).with_name('one.cc'); p.write_text('x')\n"
    run(tmp_path, rewrites + textwrap.dedent(BUILDS), [])
    assert (tmp_path / "ort/cpu/fake/one.cc").read_text() == ""
    assert sorted(p.name for p in (tmp_path / "ort/cpu/fake").iterdir()) == ["one.cc", "setup.py"]


def test_compiler_error_says_its_last_lines_and_keeps_the_log(tmp_path: Path) -> None:
    fails = """
        import sys
        for number in range(40):
            print("line", number)
        sys.exit("one.cc:3: error: 'PyNode' was not declared")
    """
    with pytest.raises(EnvironmentProblem) as caught:
        run(tmp_path, fails, [])
    assert "error: 'PyNode' was not declared" in caught.value.what
    assert "line 39" in caught.value.what
    assert "line 3\n" not in caught.value.what
    log = tmp_path / "cache" / "key.fake.log"
    assert str(log) in caught.value.remedy
    assert "line 3\n" in log.read_text()
    assert sorted(p.name for p in log.parent.iterdir()) == ["key.fake.log", "key.lock"]


def test_a_build_that_makes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="failed"):
        run(tmp_path, "print('all good')", [])


def test_interrupt_stops_the_compiler_and_leaves_nothing(tmp_path: Path) -> None:
    sleeps = """
        import os, pathlib, time
        pathlib.Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
        print("[1/9] c++", flush=True)
        time.sleep(60)
    """
    pid_file = tmp_path / "pid"
    os.environ["PID_FILE"] = str(pid_file)

    def interrupt(state: BuildProgress) -> None:
        if state.done_count == 1:
            raise KeyboardInterrupt

    source = extension_source(ort_folder(tmp_path, sleeps), "fake")
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            build_extensions((source,), tmp_path / "cache" / "key", interrupt)
    finally:
        del os.environ["PID_FILE"]
    assert time.monotonic() - begun < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    assert not list((tmp_path / "cache").glob(".building-*"))
    assert not (tmp_path / "cache" / "key").exists()


def test_what_another_process_compiled_meanwhile_is_used(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "key"
    target.mkdir(parents=True)
    (target / f"fake{SUFFIX}").write_text("from the other")
    run(tmp_path, "raise SystemExit('must not run')", [])
    assert (target / f"fake{SUFFIX}").read_text() == "from the other"


def test_again_replaces_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "key"
    target.mkdir(parents=True)
    (target / f"fake{SUFFIX}").write_text("does not load")
    run(tmp_path, BUILDS, [], again=True)
    assert (target / f"fake{SUFFIX}").read_text() == "machine code"


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(EnvironmentProblem, match="no C\\+\\+ compiler") as caught:
        run(tmp_path, BUILDS, [])
    assert "apt install g++" in caught.value.remedy


def test_no_python_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "python_header", lambda: tmp_path / "include" / "Python.h")
    with pytest.raises(EnvironmentProblem, match=r"Python\.h is not in") as caught:
        run(tmp_path, BUILDS, [])
    assert "-dev" in caught.value.remedy


def test_sources_missing_from_ort(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no sources for its extension other"):
        extension_source(ort_folder(tmp_path, BUILDS), "other")


def test_module_compiled_for_another_python_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "fake.cpython-399-x86_64-linux-gnu.so").write_text("")
    assert compiled_file(tmp_path, "fake") is None
