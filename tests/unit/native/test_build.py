"""Compiling the loops: once, for this processor, and a reason where it cannot be."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ortviz._compat.cache import CACHE_DIR_VARIABLE
from ortviz._compat.check import Status
from ortviz.native import build, check_kernels, library, prepare_kernels
from ortviz.native.build import compile_kernels, library_file


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(tmp_path))
    return tmp_path


def test_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compile_kernels() == ""
    made = library_file().stat()
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    assert compile_kernels() == ""
    assert library_file().stat().st_mtime_ns == made.st_mtime_ns
    assert [file.name for file in library_file().parent.iterdir()] == ["kernels.so"]


def test_who_comes_second_waits_and_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, compiled = build._compile, []
    both = threading.Barrier(2)

    def counted(compiler: str, made: Path) -> None:
        compiled.append(made)
        real(compiler, made)

    def at_once(_: int) -> str:
        both.wait()
        return compile_kernels()

    monkeypatch.setattr(build, "_compile", counted)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(at_once, range(2))) == ["", ""]
    assert len(compiled) == 1


def test_loads_in_this_process() -> None:
    assert compile_kernels() == ""
    loops = library.Kernels(library_file())
    assert loops.describe(0, 0, 0).first_nonfinite == -1


def test_another_processor_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = library_file()
    monkeypatch.setattr(build, "_processor", lambda: "another")
    assert library_file() != here


def test_other_sources_have_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = library_file()
    monkeypatch.setattr(build, "_FOLDER", tmp_path)
    assert library_file() != here


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    assert compile_kernels() == "There is no C++ compiler."
    assert not library_file().exists()


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\necho 'no such header' >&2\nexit 3\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(build, "find_compiler", lambda: str(compiler))
    assert compile_kernels() == "Compiling failed (exit code 3):\nno such header"
    assert not library_file().exists()


def test_a_compiler_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_compiler", lambda: str(tmp_path / "c++"))
    assert compile_kernels().startswith("Compiling failed: [Errno 2]")
    assert not library_file().exists()


def test_a_library_that_does_not_load() -> None:
    library_file().parent.mkdir(parents=True)
    library_file().write_bytes(b"not a library")
    library.kernels.cache_clear()
    try:
        assert prepare_kernels() == (
            f"{library_file()} does not load; delete its folder to have it compiled again."
        )
    finally:
        library.kernels.cache_clear()


def test_the_doctor_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    library.kernels.cache_clear()
    try:
        check = check_kernels(prepare_kernels())
    finally:
        library.kernels.cache_clear()
    assert (check.status, check.meaning) == (Status.WARNING, "There is no C++ compiler.")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(tmp_path / "file"))
    assert "cannot be written" in compile_kernels()


def test_without_a_library_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "library_file", lambda: Path("/nowhere/kernels.so"))
    library.kernels.cache_clear()
    try:
        assert library.kernels() is None
    finally:
        library.kernels.cache_clear()
