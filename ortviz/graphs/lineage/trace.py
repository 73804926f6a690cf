"""One saved stage against the one before it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from ortviz.graphs.lineage.fates import Fates
from ortviz.graphs.lineage.index import index_graph
from ortviz.graphs.lineage.match import Matcher
from ortviz.graphs.lineage.removed import Removed
from ortviz.graphs.lineage.values import EqualValues
from ortviz.graphs.lineage.words import Sentences
from ortviz.graphs.read import parse_model
from ortviz.record import GraphRecord, StageLineage

_REMEMBERED = 16
"""Pairs of stages whose lineage is kept: both modes of one run, twice."""

_lock = threading.Lock()
_memory: OrderedDict[bytes, StageLineage] = OrderedDict()


def trace_lineage(previous: GraphRecord | None, graph: GraphRecord) -> StageLineage:
    """Find out where each node came from and what became of each.

    Computed once for the same two files; safe to call from several threads.

    Args:
        previous: The stage before; None for the first, which comes from nowhere.
        graph: The stage.

    Raises:
        OrtvizError: One of the files is no ONNX model.
    """
    if previous is None:
        return StageLineage(graph.mode, graph.stage, None)
    key = _key(previous, graph)
    with _lock:
        known = _memory.get(key)
        if known is not None:
            _memory.move_to_end(key)
            return known
    found = _trace(previous, graph)
    with _lock:
        _memory[key] = found
        while len(_memory) > _REMEMBERED:
            _memory.popitem(last=False)
    return found


def _key(previous: GraphRecord, graph: GraphRecord) -> bytes:
    digest = hashlib.blake2b(f"{graph.mode} {previous.stage} {graph.stage} ".encode())
    for each in (previous, graph):
        digest.update(hashlib.blake2b(each.model_bytes).digest())
    return digest.digest()


def _trace(previous: GraphRecord, graph: GraphRecord) -> StageLineage:
    before = index_graph(parse_model(previous.model_bytes, f"{graph.mode}/{previous.stage}"))
    after = index_graph(parse_model(graph.model_bytes, f"{graph.mode}/{graph.stage}"))
    values = EqualValues(before, after)
    fates = Fates(len(before.operations), len(after.operations))
    Matcher(before, after, values, fates).run()
    Removed(before, after, values, fates).run()
    later, earlier = fates.finished()
    return StageLineage(
        mode=graph.mode,
        stage=graph.stage,
        previous=previous.stage,
        links=fates.links,
        nodes=later,
        previous_nodes=earlier,
        sentences=Sentences(before, after, fates.links, later, earlier).write(),
    )
