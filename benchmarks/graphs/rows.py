"""What was seen in both viewers, as lines of the table."""

from __future__ import annotations

import math
from collections.abc import Iterator

from benchmarks.graphs.run import Pair
from benchmarks.row import Row

FIRST_SECS, STALL_MS, FPS = 1.0, 100.0, 30.0
"""What is promised for the graph of 10,000 nodes; smaller ones are held to the same."""
TIMES_BETTER = 5.0
_DISPLAY_FPS = 60.0


def rows(pair: Pair) -> Iterator[Row]:
    """Four promises, and the same four beside Netron where it was measured."""
    ours, name = pair.ours, pair.graph
    yield _promise(f"{name}: first picture", ours.first.secs, FIRST_SECS, "s")
    yield _promise(f"{name}: longest stall", ours.stall_ms, STALL_MS, "ms")
    for what, span in (("panning", ours.pan), ("zooming", ours.zoom)):
        frame_ms = 1e3 / span.fps if span.fps else math.inf
        yield _promise(f"{name}: a frame while {what}", frame_ms, 1e3 / FPS, "ms")
    if pair.peer is None:
        yield _promise(f"{name}: everything expanded", ours.expanded.secs, pair.limit, "s")
        return
    peer = pair.peer
    yield _beside(pair, "first picture", ours.first.secs, peer.first.secs, "s")
    yield _beside(pair, "everything expanded", ours.expanded.secs, peer.expanded.secs, "s")
    yield _beside(pair, "longest stall", ours.stall_ms, peer.stall_ms, "ms")
    yield _frames(pair, "panning", ours.pan.fps, peer.pan.fps)
    yield _frames(pair, "zooming", ours.zoom.fps, peer.zoom.fps)


def _promise(what: str, value: float, bar: float, unit: str) -> Row:
    detail = f"{value:.2f} {unit}" if math.isfinite(value) else "did not finish"
    return Row(what, f"{bar:.3g} {unit}", value / bar, 1.0, detail)


def _beside(pair: Pair, what: str, ours: float, peer: float, unit: str) -> Row:
    if math.isfinite(peer):
        # A task below 50 ms is no stall that the browser would tell of.
        ratio = ours / peer if peer else None
        detail = f"{ours:.2f} {unit} against {peer:.2f} {unit}"
        return Row(f"{pair.graph}: {what}", "Netron", ratio, 1 / TIMES_BETTER, detail)
    ratio = ours / pair.limit if unit == "s" else None
    detail = f"{ours:.2f} {unit}; Netron did not finish within {pair.limit:.0f} s, or died"
    return Row(f"{pair.graph}: {what}", "Netron", ratio, 1 / TIMES_BETTER, detail)


def _frames(pair: Pair, what: str, ours: float, peer: float) -> Row:
    if peer == 0:
        detail = f"{ours:.0f} frames per second; Netron never got there"
        return Row(f"{pair.graph}: {what}", "Netron", None, None, detail)
    # Five times what is above a fifth of the display's rate cannot be had.
    limit = 1 / TIMES_BETTER if peer <= _DISPLAY_FPS / TIMES_BETTER else None
    detail = f"{ours:.0f} against {peer:.0f} frames per second"
    return Row(f"{pair.graph}: {what}", "Netron", peer / ours if ours else math.inf, limit, detail)
