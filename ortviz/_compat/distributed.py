"""This process's place in a distributed training, and words that all its processes agree on."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch.distributed

_ASKED: Counter[str] = Counter()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process stands.

    Attributes:
        rank: From 0.
        world_size: How many processes train together; 1 when none was started with others.
    """

    rank: int = 0
    world_size: int = 1


def place() -> Place:
    """This process's place: of ``torch.distributed`` once initialised, else of the launcher.

    ``torchrun`` and its like set RANK, WORLD_SIZE and MASTER_ADDR before the process begins.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return Place(torch.distributed.get_rank(), torch.distributed.get_world_size())
    rank, world_size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if rank.isdecimal() and world_size.isdecimal() and "MASTER_ADDR" in os.environ:
        return Place(int(rank), max(int(world_size), int(rank) + 1))
    return Place()


def agreed(topic: str, proposal: str) -> str:
    """One word for the n-th time that this topic comes up in each process of a training.

    The first process to ask decides. Nobody waits for another: it is no collective operation,
    and a process that never asks holds nobody up.

    Args:
        topic: What it is about, the same in all processes.
        proposal: Taken when no other process was faster, and in a training of one process.

    Returns:
        The word; where processes have no way to agree, each one's own proposal.
    """
    if place().world_size == 1:
        return proposal
    number = _ASKED[topic]
    _ASKED[topic] += 1
    try:
        from torch.distributed import distributed_c10d

        get_store: Any = distributed_c10d._get_default_store
        return str(get_store().compare_set(f"ortviz/{topic}/{number}", "", proposal), "utf-8")
    except Exception:  # noqa: BLE001 - a store that is gone, or of a kind without compare_set
        return proposal
