"""A real training run, killed with ``kill -9`` at random moments: its file opens and is whole."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ortviz.record import RunStatus, Side, StepRecord
from ortviz.record.store import RunReader
from ortviz.session.commands import handle
from tests.unit.record import crash_runs

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[2]
FLUSHED_EVERY = 6
TRAINING = f"""
import itertools, sys, torch
from torch import nn
import ortviz

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
keep = {{"keep": ("forward/*", "backward/*"), "rerun": True}} if sys.argv[3] == "keep" else {{}}
wrapped = ortviz.wrap(model, every=int(sys.argv[2]), path=sys.argv[1], **keep)
optimizer = torch.optim.SGD(wrapped.parameters(), lr=1e-3)
loss = nn.L1Loss()
for step in itertools.count():
    x = torch.randn(16, 8)
    loss(wrapped(x), x[:, :4]).backward()
    optimizer.step()
    optimizer.zero_grad()
    if step % {FLUSHED_EVERY} == {FLUSHED_EVERY - 1}:
        # Reading through the run waits until everything so far can be read.
        assert wrapped.ortviz.losses.at(step)
    print(step, flush=True)
"""


def train_until_killed(path: Path, every: int, keep: str, draw: random.Random) -> int:
    """The last step that the training said it had done."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(path), str(every), keep],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=path.parent,
        env=environment,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    last, enough = -1, draw.randrange(8, 60)
    try:
        while last < enough and (line := child.stdout.readline()):
            last = int(line)
        time.sleep(draw.random() * 0.05)
    finally:
        child.kill()
        # Not communicate(), which does not give back what readline() has read ahead.
        said, errors = child.stdout.read(), child.stderr.read()
        child.wait(timeout=60)
    last = max([last, *map(int, said.split())])
    assert last >= enough, errors
    return last


def check_tensors(reader: RunReader, record: StepRecord, *, kept: bool) -> None:
    """The tensors of a step are those its statistics are of, and it can be run again."""
    if not kept:
        assert reader.kept.at(record.step) == ()
        return
    listed = reader.kept.at(record.step)
    assert len(listed) > 6
    sides = {Side.REFERENCE: record.reference, Side.CANDIDATE: record.candidate}
    for each in listed:
        values = reader.kept.tensor(record.step, each.site_id, each.side).values
        seen = next(seen for seen in sides[each.side] if seen.site.id == each.site_id)
        assert seen.stats is not None
        assert (values.min(), values.max()) == (seen.stats.minimum, seen.stats.maximum)
    assert "parameter/0.weight" in reader.kept.rerun(record.step).tensors


@pytest.mark.parametrize("attempt", range(2))
@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize("keep", ["statistics", "keep"])
def test_a_killed_training_leaves_its_run(
    tmp_path: Path, every: int, keep: str, attempt: int
) -> None:
    path = tmp_path / "run.ortviz"
    last = train_until_killed(path, every, keep, random.Random(f"{every} {keep} {attempt}"))
    with RunReader.open(path) as reader:
        sampled = reader.sampled_steps().tolist()
        held = list(crash_runs.check_fits(reader))
        # The first steps, without a gap; all that had been waited for are there.
        assert sampled == list(range(0, len(sampled) * every, every))
        assert held == list(range(len(held)))
        flushed = (last + 1) // FLUSHED_EVERY * FLUSHED_EVERY
        assert flushed <= len(held) <= last + 2
        assert sampled[-1] >= flushed - every
        for step in sampled:
            record, comparison = reader.step(step), reader.comparison(step)
            assert record.candidate
            assert comparison.sites
            check_tensors(reader, record, kept=keep == "keep")
        assert len(reader.graphs()) == 5
        assert reader.site_history("forward/0#out0", Side.CANDIDATE).steps.tolist() == sampled
        assert reader.state().status is RunStatus.ENDED
        assert "ended without closing it" in reader.problems()[-1].what
        # And every view of it is shown.
        for command in ("run", "summary", "losses", "findings", "graphs"):
            handle(reader, command, {})
        handle(reader, "traces", {"step": sampled[-1]})
        handle(reader, "gradients", {"step": sampled[-1]})
    crash_runs.check_sound(path)
