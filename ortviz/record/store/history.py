"""Reads the statistics of one site over many steps."""

from __future__ import annotations

import msgspec
import numpy as np

from ortviz.record.sites import Site
from ortviz.record.steps import Side
from ortviz.record.store.database import Database
from ortviz.record.store.packing import unpack
from ortviz.record.store.results import SiteHistory
from ortviz.record.store.steps import step_count, thinned_steps
from ortviz.record.tensors import TensorStats


class _Seen(msgspec.Struct):
    """The part of a SiteRecord that a history needs; the rest is skipped while decoding."""

    site: Site
    stats: TensorStats | None


class _Step(msgspec.Struct):
    """The part of a StepRecord that a history needs."""

    reference: tuple[_Seen, ...]
    candidate: tuple[_Seen, ...]


def read_site_history(
    database: Database,
    site_id: str,
    side: Side,
    max_points: int,
) -> SiteHistory:
    """The statistics at the steps where the site was captured.

    Args:
        database: The run file.
        site_id: The site's address.
        side: The side.
        max_points: Steps read at most, at least 2; spread over the run when there are more.

    Raises:
        UnknownNameError: ``site_id`` is not an address.
    """
    site = Site.parse(site_id)
    steps = thinned_steps(database, max_points)
    per_read = max(1, -(-step_count(database) // max(len(steps), 1)))
    found: list[tuple[int, TensorStats]] = []
    for step in steps.tolist():
        row = database.row("SELECT record FROM step_body WHERE step = ?", (step,))
        stats = None if row is None else _stats_at(row[0], site, side)
        if stats is not None:
            found.append((step, stats))
    numbers = np.array(
        [(s.minimum, s.maximum, s.mean, s.std, s.l2_norm) for _, s in found], np.float64
    ).reshape(-1, 5)
    minimum, maximum, mean, std, l2_norm = np.ascontiguousarray(numbers.T)
    return SiteHistory(
        steps=np.array([step for step, _ in found], np.int64),
        minimum=minimum,
        maximum=maximum,
        mean=mean,
        std=std,
        l2_norm=l2_norm,
        nonfinite_count=np.array([s.nonfinite_count for _, s in found], np.int64),
        steps_per_read=per_read,
    )


def _stats_at(content: bytes, site: Site, side: Side) -> TensorStats | None:
    step = unpack(_Step, content)
    sites = step.reference if side is Side.REFERENCE else step.candidate
    return next((seen.stats for seen in sites if seen.site == site), None)
