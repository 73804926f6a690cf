"""Where extensions are kept, who may write there, and what a failed build leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ortviz._compat import cache
from ortviz._compat.cache import build_lock, cache_key, cache_root, staging_folder
from ortviz.errors import EnvironmentProblem


def never() -> None:
    raise AssertionError("there was nobody to wait for")


def test_key_tells_every_version_apart() -> None:
    key = cache_key("2.13.0+cpu", "1.19.2")
    others = [
        replace(key, torch="2.13.0+cu130"),
        replace(key, ort="1.19.1"),
        replace(key, python="cpython-399"),
        replace(key, platform="linux-aarch64"),
    ]
    names = {each.folder_name for each in [key, *others]}
    assert len(names) == 5
    assert key.folder_name.startswith("torch-2.13.0+cpu_ort-1.19.2_")
    assert sys.implementation.cache_tag is not None
    assert sys.implementation.cache_tag in key.folder_name


def test_key_is_one_folder_name_whatever_the_version_says() -> None:
    name = cache_key("2.14.0a0+git/../../x", "1.19.2").folder_name
    assert "/" not in name
    assert Path(name).name == name


def test_root_is_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORTVIZ_CACHE_DIR", str(tmp_path / "here"))
    assert cache_root() == tmp_path / "here"
    assert not cache_root().exists()
    monkeypatch.delenv("ORTVIZ_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "ortviz"


def test_staging_becomes_the_target_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "key"
    with build_lock(target, never), staging_folder(target) as staging:
        (staging / "one.so").write_text("new")
        assert not target.exists()
    assert (target / "one.so").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key", "key.lock"]


def test_failed_build_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "key"
    target.mkdir()
    (target / "one.so").write_text("old")

    def half_a_build() -> None:
        with build_lock(target, never), staging_folder(target) as staging:
            (staging / "one.so").write_text("half")
            raise RuntimeError("compiler")

    with pytest.raises(RuntimeError, match="compiler"):
        half_a_build()
    assert (target / "one.so").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["key", "key.lock"]


def test_leftovers_of_a_killed_build_are_removed_but_not_those_of_other_keys(
    tmp_path: Path,
) -> None:
    target = tmp_path / "key"
    (tmp_path / ".building-key-dead").mkdir()
    (tmp_path / ".building-other-alive").mkdir()
    with build_lock(target, never), staging_folder(target):
        pass
    assert not (tmp_path / ".building-key-dead").exists()
    assert (tmp_path / ".building-other-alive").exists()


def test_second_process_waits_for_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_LOCK_POLL_SECS", 0.05)
    target = tmp_path / "key"
    holder = (
        "import sys, time, pathlib\n"
        "from ortviz._compat.cache import build_lock\n"
        "target = pathlib.Path(sys.argv[1])\n"
        "with build_lock(target, lambda: None):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(0.5)\n"
        "    target.mkdir()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-c", holder, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    waited: list[float] = []
    with build_lock(target, lambda: waited.append(time.monotonic())):
        assert target.exists(), "the lock was given while the other process still held it"
    assert waited
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def test_folder_that_cannot_be_written_is_named_with_the_variable(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(EnvironmentProblem) as caught, build_lock(blocked / "key", never):
        pass
    assert str(blocked) in caught.value.what
    assert "ORTVIZ_CACHE_DIR" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with (
            pytest.raises(EnvironmentProblem, match="cannot be written"),
            build_lock(tmp_path / "key", never),
        ):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_read_only_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(cache.tempfile, "TemporaryFile", refuse)
    with (
        pytest.raises(EnvironmentProblem, match="Read-only file system"),
        build_lock(tmp_path / "key", never),
    ):
        pass
