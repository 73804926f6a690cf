"""The run file: one SQLite database per run, written while the model trains, read at any time."""

from ortviz.record.keeping import StoredHistogram
from ortviz.record.store.kept import KeptTensors
from ortviz.record.store.reader import RunReader
from ortviz.record.store.results import (
    LOSS_NAMES,
    MASK_KINDS,
    MASKED_LOSSES,
    SIDES,
    LossBins,
    LossMark,
    LossMarks,
    MaskedElements,
    RunState,
    SiteHistory,
    StoredGraph,
)
from ortviz.record.store.schema import APPLICATION_ID, OLDEST_SCHEMA_VERSION, SCHEMA_VERSION
from ortviz.record.store.writer import RunWriter

__all__ = [
    "APPLICATION_ID",
    "LOSS_NAMES",
    "MASKED_LOSSES",
    "MASK_KINDS",
    "OLDEST_SCHEMA_VERSION",
    "SCHEMA_VERSION",
    "SIDES",
    "KeptTensors",
    "LossBins",
    "LossMark",
    "LossMarks",
    "MaskedElements",
    "RunReader",
    "RunState",
    "RunWriter",
    "SiteHistory",
    "StoredGraph",
    "StoredHistogram",
]
