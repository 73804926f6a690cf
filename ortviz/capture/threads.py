"""Keeps our own torch work out of the way of ORT's threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def half_the_threads() -> Iterator[None]:
    """Let torch use half of its threads, and give them back.

    ORT's threads keep spinning for a while after a run. Torch's parallel regions end only when
    their last thread was given a core, so on a machine whose cores ORT holds, many small
    operations take up to ten times as long with all threads as with half (measured on two cores).
    """
    count = torch.get_num_threads()
    torch.set_num_threads(max(count // 2, 1))
    try:
        yield
    finally:
        torch.set_num_threads(count)
