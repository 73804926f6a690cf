"""A full disk and a read-only one, for real: training goes on, and the run says what is missing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ortviz.record import Side
from ortviz.record.store import RunReader
from tests.unit.record import crash_runs

pytest.importorskip("resource", reason="limits are POSIX's")

from tests.unit.record.crash_disk_child import AFTER, BEFORE, DURING

ROOT = Path(__file__).resolve().parents[3]
SPACE_BYTES = 4 << 20
_MOUNT = f'mount -t tmpfs -o size={SPACE_BYTES} tmpfs "$1" && shift && exec "$@"'
IN_ITS_OWN_MOUNTS = ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh"]
"""A small disk that only the process sees that runs on it; it goes away with the process."""


@cache
def mounts(folder: Path) -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = [*IN_ITS_OWN_MOUNTS, str(folder), "true"]
    return subprocess.run(tried, check=False, capture_output=True, timeout=30).returncode == 0


def play(scene: str, kind: str, tmp_path: Path) -> dict[str, Any]:
    """Run a scene in a process of its own; what it says."""
    folder, out = tmp_path / "disk", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    child = [sys.executable, "-m", "tests.unit.record.crash_disk_child"]
    target = out if scene == "read_only" else out / "run.ortviz"
    command = [*child, scene, kind, str(folder), str(target)]
    if kind == "disk":
        if not mounts(tmp_path):
            pytest.skip("no small disk can be mounted here")
        command = [*IN_ITS_OWN_MOUNTS, str(folder), *command]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("kind", ["disk", "limit"])
def test_full_for_a_while(tmp_path: Path, kind: str) -> None:
    said = play("full_for_a_while", kind, tmp_path)
    assert said["closed"]
    assert said["during"]
    assert said["after"] == []
    with RunReader.open(tmp_path / "out" / "run.ortviz") as reader:
        held = set(crash_runs.check_fits(reader))
        sampled = set(reader.sampled_steps().tolist())
        problems = [problem.what for problem in reader.problems()]
        remedies = [problem.remedy for problem in reader.problems()]
    everything = range(BEFORE + DURING + AFTER)
    kept = held & sampled
    assert set(everything[:BEFORE]) <= kept
    assert set(everything[-AFTER:]) <= kept
    lost = [what for what in problems if "could not be recorded and" in what]
    assert sum(1 if w.startswith("Step") else int(w.split()[0]) for w in lost) == len(
        set(everything) - kept
    )
    assert len(set(everything) - kept) > DURING // 2
    full = [what for what in problems if "disk" in what]
    assert any("run.ortviz" in what for what in full)
    assert any("free some space" in remedy for remedy in remedies)
    assert len(problems) <= 6


@pytest.mark.parametrize("kind", ["disk", "limit"])
def test_full_for_tensors_only(tmp_path: Path, kind: str) -> None:
    """Statistics go on in what room there is; what was kept before is whole."""
    assert play("full_with_tensors", kind, tmp_path)["closed"]
    path = tmp_path / "out" / "run.ortviz"
    with RunReader.open(path) as reader:
        crash_runs.check_fits(reader)
        sampled = reader.sampled_steps().tolist()
        with_tensors = [step for step in sampled if reader.kept.at(step)]
        for step in with_tensors:
            tensor = reader.kept.tensor(step, crash_runs.SITE.id, Side.CANDIDATE).values
            drawn = np.random.default_rng(step).standard_normal(30_000).astype(np.float32)
            assert np.array_equal(tensor, drawn)
        for step in reader.kept.rerun_steps():
            assert set(reader.kept.rerun(step).tensors) == {"parameter/weight", "frozen"}
        problems = [problem.what for problem in reader.problems()]
    assert with_tensors == list(range(len(with_tensors)))
    assert 5 <= len(with_tensors) < 8
    # The step that could not have its tensors has its statistics, and so have later ones.
    assert len(with_tensors) in sampled
    assert set(range(110, 110 + AFTER)) <= set(sampled)
    assert sum("Tensors are no longer kept" in what for what in problems) == 1
    crash_runs.check_sound(path)


@pytest.mark.parametrize("kind", ["disk", "limit"])
def test_full_to_the_end(tmp_path: Path, kind: str) -> None:
    said = play("full_to_the_end", kind, tmp_path)
    assert said["closed"]
    assert said["steps"][:BEFORE] == list(range(BEFORE))
    assert "missing in the run" in said["problems"][-1]
    with RunReader.open(tmp_path / "out" / "run.ortviz") as reader:
        held = crash_runs.check_fits(reader)
        assert list(held)[:BEFORE] == list(range(BEFORE))
        assert reader.sampled_steps().tolist() == said["steps"]
        told = [*said["problems"], *(problem.what for problem in reader.problems())]
    assert any("cannot be written" in what and "disk" in what for what in told)


def test_full_from_the_start(tmp_path: Path) -> None:
    said = play("full_from_the_start", "disk", tmp_path)
    assert "cannot be created" in said["refusal"]
    assert "The disk is full: free some space" in said["refusal"]
    # Half a file would be in the way of the next attempt.
    assert said["left"] == ["ballast"]
    assert said["closed"]
    (problem,) = said["problems"]
    assert "Nothing of this run is recorded" in problem
    assert "Training goes on" in problem


def test_read_only(tmp_path: Path) -> None:
    said = play("read_only", "disk", tmp_path)
    assert (said["closed"], said["killed"]) == ("1", "1")
    assert "Read-only file system" in said["created"]
    assert "may be written to, or pass path=" in said["created"]
    assert "Copy copied.ortviz and copied.ortviz-wal together" in said["copied"]
    # A run that was to be recorded there is recorded all the same.
    assert said["elsewhere"] == str(BEFORE)
    assert f"recorded in the temporary folder, at {tmp_path / 'out'}" in said["problem"]
    # Done as told, it works.
    with RunReader.open(tmp_path / "out" / "copied.ortviz") as reader:
        assert crash_runs.check_whole(reader) == 1
