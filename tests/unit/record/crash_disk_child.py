"""``python -m tests.unit.record.crash_disk_child SCENE FOLDER OUT``: a disk that refuses, for real.

Works in FOLDER, copies the run to OUT and prints as JSON what happened.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ortviz.errors import StoreError
from ortviz.record import KeepRules
from ortviz.record.store import RunReader, RunWriter
from ortviz.session.recorder import Recorder
from tests.unit.record import crash_runs

BEFORE, DURING, AFTER = 20, 600, 20


def train(recorder: Recorder, first: int, count: int) -> None:
    """Steps as capture hands them over, every one sampled; waits now and then, for no skips."""
    for step in range(first, first + count):
        recorder.stepped(step)
        if recorder.wants(step):
            recorder.captured(crash_runs.capture_of(step))
        recorder.observed(crash_runs.observation_of(step))
        if step % 20 == 19:
            recorder.flush(60.0)


@contextmanager
def ballast(folder: Path) -> Iterator[None]:
    """Fill the disk that ``folder`` lies on, all but a few pages."""
    path = folder / "ballast"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    os.truncate(path, max(path.stat().st_size - 20 * 4096, 0))
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def size_limit(folder: Path) -> Iterator[None]:
    """No file may grow beyond what the largest has now, but for a few pages."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(entry.stat().st_size for entry in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 20 * 4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_for_a_while(folder: Path, out: Path, full: Callable) -> dict[str, object]:
    recorder = Recorder(folder / "run.ortviz")
    recorder.started(crash_runs.info(every=1))
    train(recorder, 0, BEFORE)
    with full(folder):
        train(recorder, BEFORE, DURING)
        during = [problem.what for problem in recorder.problems]
    train(recorder, BEFORE + DURING, AFTER)
    closed = recorder.close()
    with RunReader.open(folder / "run.ortviz") as reader:
        reader.save_copy(out)
    after = [problem.what for problem in recorder.problems]
    return {"closed": closed, "during": during, "after": after}


def full_with_tensors(folder: Path, out: Path, full: Callable) -> dict[str, object]:
    """The disk has no room for tensors any more, and still some for statistics."""
    recorder = Recorder(folder / "run.ortviz")
    rules = KeepRules(("*",), reruns=True)
    recorder.started(replace(crash_runs.info(every=1), keep=rules))
    train_with_tensors(recorder, 0, 5)
    with full(folder):
        train_with_tensors(recorder, 5, 5)
        train(recorder, 10, 100)
    train_with_tensors(recorder, 110, AFTER)
    closed = recorder.close()
    with RunReader.open(folder / "run.ortviz") as reader:
        reader.save_copy(out)
    return {"closed": closed}


def train_with_tensors(recorder: Recorder, first: int, count: int) -> None:
    """Steps whose tensors are far larger than what else is kept of them."""
    for step in range(first, first + count):
        recorder.stepped(step)
        assert recorder.wants(step)
        values = np.random.default_rng(step).standard_normal(30_000).astype(np.float32)
        capture = replace(
            crash_runs.capture_of(step),
            reference_values={crash_runs.SITE.id: values},
            candidate_values={crash_runs.SITE.id: values},
            rerun=crash_runs.rerunnable_of(step),
        )
        recorder.captured(capture)
        recorder.observed(crash_runs.observation_of(step))
        recorder.flush(60.0)


def full_to_the_end(folder: Path, out: Path, full: Callable) -> dict[str, object]:
    recorder = Recorder(folder / "run.ortviz")
    recorder.started(crash_runs.info(every=1))
    train(recorder, 0, BEFORE)
    with full(folder):
        train(recorder, BEFORE, DURING)
        closed = recorder.close()
        problems = [problem.what for problem in recorder.problems]
        # What was written before is read while the disk is still full.
        with RunReader.open(folder / "run.ortviz") as reader:
            steps = reader.sampled_steps().tolist()
    with RunReader.open(folder / "run.ortviz") as reader:
        reader.save_copy(out)
    return {"closed": closed, "problems": problems, "steps": steps}


def full_from_the_start(folder: Path, out: Path, full: Callable) -> dict[str, object]:
    tempfile.tempdir = str(folder)
    with full(folder):
        with (folder / "ballast").open("ab", buffering=0) as file:
            file.write(bytes(100 * 4096))
        create = partial(RunWriter.create, folder / "run.ortviz", crash_runs.info())
        refusal = refusal_of(create)
        left = sorted(entry.name for entry in folder.iterdir())
        recorder = Recorder(folder / "run.ortviz")
        recorder.started(crash_runs.info(every=1))
        train(recorder, 0, BEFORE)
        closed = recorder.close()
    problems = [problem.what for problem in recorder.problems]
    return {"refusal": refusal, "left": left, "closed": closed, "problems": problems}


def read_only(folder: Path, out: Path, full: Callable) -> dict[str, object]:
    """A run that was closed and one whose writer was killed, on a disk that is read-only now."""
    with RunWriter.create(folder / "closed.ortviz", crash_runs.info()) as writer:
        crash_runs.put(writer, 0)
    for name in ("killed.ortviz", "copied.ortviz"):
        child = os.fork()
        if child == 0:
            killed = RunWriter.create(folder / name, crash_runs.info())
            crash_runs.put(killed, 0)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    # As a person copies it who does not know SQLite's index of the journal.
    (folder / "copied.ortviz-shm").unlink()
    remount = f"mount -o remount,ro {folder}"
    assert os.system(remount) == 0
    answers = {}
    for name in ("closed", "killed"):
        with RunReader.open(folder / f"{name}.ortviz") as reader:
            answers[name] = str(crash_runs.check_whole(reader))
    answers["copied"] = refusal_of(lambda: RunReader.open(folder / "copied.ortviz"))
    create = partial(RunWriter.create, folder / "new.ortviz", crash_runs.info())
    answers["created"] = refusal_of(create)
    tempfile.tempdir = str(out)
    recorder = Recorder(folder / "run.ortviz")
    recorder.started(crash_runs.info(every=1))
    train(recorder, 0, BEFORE)
    assert recorder.close()
    with RunReader.open(recorder.path or "") as reader:
        answers["elsewhere"] = str(reader.sampled_step_count())
        answers["problem"] = reader.problems()[0].what
    for part in ("copied.ortviz", "copied.ortviz-wal"):
        shutil.copy(folder / part, out / part)
    return dict(answers)


def refusal_of(act: Callable[[], object]) -> str:
    try:
        act()
    except StoreError as error:
        return str(error)
    return ""


SCENES = {
    scene.__name__: scene
    for scene in (
        full_for_a_while,
        full_with_tensors,
        full_to_the_end,
        full_from_the_start,
        read_only,
    )
}


def main() -> None:
    """Play one scene."""
    scene, kind, folder, out = sys.argv[1:]
    full = {"disk": ballast, "limit": size_limit}[kind]
    print(json.dumps(SCENES[scene](Path(folder), Path(out), full)))


if __name__ == "__main__":
    main()
