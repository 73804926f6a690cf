"""DistributedDataParallel over two gloo processes: each records, one run shows both."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import ortviz
from ortviz.errors import UnknownNameError
from ortviz.record import Direction, Severity
from ortviz.report.contents import collect
from ortviz.session.commands import handle
from tests.conftest import ROOT

pytestmark = pytest.mark.engine

WORLD_SIZE = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def train(folder: Path, what: str) -> list[dict]:
    """Both processes' results."""
    port = free_port()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    children = [
        subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "tests.engine.ddp_child"),
                *map(str, (rank, WORLD_SIZE, port, folder, what)),
            ],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(WORLD_SIZE)
    ]
    try:
        said = [child.communicate(timeout=180)[0] for child in children]
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0] * WORLD_SIZE, "\n".join(said)
    return [torch.load(folder / f"{what}{rank}.pt") for rank in range(WORLD_SIZE)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which both processes trained, watched."""
    folder = tmp_path_factory.mktemp("ddp")
    train(folder, "watched")
    return folder


def files(folder: Path, what: str = "watched") -> list[Path]:
    return sorted((folder / f"runs_{what}").glob("*.ortviz"))


def test_not_disturbed(trained: Path) -> None:
    plain = train(trained, "plain")
    for rank, expected in enumerate(plain):
        got = torch.load(trained / f"watched{rank}.pt")
        for kind in ("weights", "outputs"):
            assert all(map(torch.equal, expected[kind], got[kind])), kind
        for step, gradients in enumerate(expected["gradients"]):
            assert all(map(torch.equal, gradients, got["gradients"][step])), step
        assert torch.equal(expected["random"], got["random"])
    assert all(map(torch.equal, plain[0]["weights"], plain[1]["weights"]))


def test_each_process_has_a_file_of_its_own_under_one_name(trained: Path) -> None:
    first, second = files(trained)
    assert first.name.startswith("net-")
    assert first.name.endswith(".rank0.ortviz")
    assert second.name == first.name.replace(".rank0.", ".rank1.")
    infos = [ortviz.load(path).info for path in (first, second)]
    assert [(info.rank, info.world_size) for info in infos] == [(0, 2), (1, 2)]
    assert infos[0].group_id == infos[1].group_id != ""
    assert infos[0].run_id != infos[1].run_id


def test_one_run_shows_both(trained: Path) -> None:
    run = ortviz.load(files(trained)[0])
    assert list(run.ranks) == [0, 1]
    assert run.ranks[0] is run
    other = run.ranks[1]
    assert other.info.rank == 1
    assert list(other.ranks) == [0, 1]
    assert list(other.steps) == list(run.steps) == list(range(6))
    assert other.steps[2].compare().first_divergence == {}
    with pytest.raises(UnknownNameError, match="Known are 0, 1, of 2 processes"):
        run.ranks[2]


def test_gradients_are_each_process_own_from_before_the_averaging(trained: Path) -> None:
    runs = ortviz.load(files(trained)[0]).ranks
    averaged = torch.load(trained / "watched0.pt")["gradients"][0][0]
    norms = []
    for rank in runs:
        record = runs[rank].steps[0].record
        (seen,) = (
            each
            for each in record.candidate
            if each.site.direction is Direction.PARAMETER_GRAD
            and (each.site.module, each.site.slot) == ("0.conv", "weight")
        )
        assert seen.stats is not None
        assert seen.stats.l2_norm is not None
        norms.append(seen.stats.l2_norm)
    assert norms[0] != norms[1]
    assert averaged.norm().item() not in norms


def test_the_browser_asks_for_another_rank(trained: Path) -> None:
    run = ortviz.load(files(trained)[0])
    own, _ = run.answer("run", {})
    assert (own["rank"], own["world_size"], own["ranks"]) == (0, 2, [0, 1])
    other, _ = run.answer("run", {"rank": 1})
    assert (other["rank"], other["ranks"]) == (1, [0, 1])
    assert run.answer("run", {"rank": 0}) == (own, [])
    own_gradients, _ = run.answer("gradients", {"step": 0})
    gradients, _ = run.answer("gradients", {"step": 0, "rank": 1})
    assert json.dumps(gradients) != json.dumps(own_gradients)
    summary, _ = run.answer("summary", {"rank": 1})
    assert summary["status"] == "ended"
    with pytest.raises(UnknownNameError, match="There is no run of rank 5"):
        run.answer("summary", {"rank": 5})


def test_equal_weights_are_no_finding_and_different_ones_are(trained: Path) -> None:
    names = [finding.detector for finding in ortviz.load(files(trained)[0]).findings]
    assert "ranks_disagree" not in names
    train(trained, "apart")
    for path, other in zip(files(trained, "apart"), (1, 0), strict=True):
        run = ortviz.load(path)
        first = run.findings[0]
        assert (first.detector, first.severity) == ("ranks_disagree", Severity.ERROR)
        assert first.first_step == 1, "they begin from the same weights"
        assert f"Ranks {1 - other} and {other} train other weights: 0.conv.weight" in first.title
        with run._open_reader() as reader:
            rows, _ = handle(reader, "summary", {})
        assert rows["finding_counts"]["error"] >= 1


def test_a_copy_without_its_siblings_says_so(trained: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.rank0.ortviz"
    shutil.copy(files(trained)[0], alone)
    run = ortviz.load(alone)
    assert list(run.ranks) == [0]
    assert run.answer("run", {})[0]["ranks"] == [0]
    assert not [each for each in run.findings if each.detector == "ranks_disagree"]


def test_a_report_holds_both(trained: Path, tmp_path: Path) -> None:
    with ortviz.load(files(trained)[0])._open_reader() as reader:
        contents = collect(reader, max_steps=3)
    keys = set(contents.frames)
    for command in ("run", "summary", "losses", "findings", "graphs"):
        assert {f"{command}?{{}}", f'{command}?{{"rank":1}}'} <= keys
    assert {'gradients?{"step":0}', 'gradients?{"rank":1,"step":0}'} <= keys
    models = [key for key in keys if key.startswith("graph_model?")]
    assert models
    assert not [key for key in models if "rank" in key], "the graph is the same"
    assert any(note.startswith("Rank 1: ") for note in contents.notes)
