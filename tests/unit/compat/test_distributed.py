from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import torch.distributed as dist

from ortviz._compat.distributed import Place, agreed, place


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def initialised(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group(
        "gloo",
        init_method=f"file://{tmp_path / 'store'}",
        rank=0,
        world_size=1,
        timeout=timedelta(seconds=20),
    )
    yield
    dist.destroy_process_group()


def test_one_process_is_rank_0_of_1_and_decides_alone() -> None:
    assert place() == Place(0, 1)
    assert agreed("name", "mine") == "mine"


def test_a_launcher_says_it_before_torch_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert place() == Place(0, 1), "a variable of that name may mean anything"
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    assert place() == Place(2, 4)
    assert agreed("name", "mine") == "mine", "there is nobody to ask yet"
    monkeypatch.setenv("RANK", "first")
    assert place() == Place(0, 1)


@pytest.mark.usefixtures("initialised")
def test_torch_knows_best(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", "2"), ("WORLD_SIZE", "4"), ("MASTER_ADDR", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    assert place() == Place(0, 1)
