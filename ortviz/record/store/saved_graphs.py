"""Reads the stages that ORTModule saved."""

from __future__ import annotations

from typing import Any

from ortviz.errors import UnknownNameError
from ortviz.record.graphs import ORTMODULE_STAGES, GraphRecord, Stage
from ortviz.record.steps import Mode
from ortviz.record.store.database import Database
from ortviz.record.store.packing import DamagedContentError, unpack
from ortviz.record.store.results import StoredGraph


def newest_graphs(database: Database) -> tuple[StoredGraph, ...]:
    """The newest export of each mode and stage, training first, in the stages' order."""
    rows = database.rows(
        "SELECT graph.body, length(model.content), max(graph.export_index) "
        "FROM graph JOIN model ON model.graph_id = graph.id GROUP BY mode, stage"
    )
    found = [StoredGraph(unpack(GraphRecord, row[0]), int(row[1])) for row in rows]
    modes, stages = list(Mode), list(ORTMODULE_STAGES)
    return tuple(
        sorted(found, key=lambda g: (modes.index(g.graph.mode), stages.index(g.graph.stage)))
    )


def read_graph(database: Database, mode: Mode | str, stage: Stage | str) -> GraphRecord:
    """The newest export of one stage, its bytes included.

    Raises:
        UnknownNameError: It was not saved; names the ones that were.
    """
    body, content = _newest(database, mode, stage, "graph.body, model.content")
    bare = unpack(GraphRecord, body)
    return GraphRecord(
        bare.mode, bare.stage, bare.nodes, bare.op_counts, _model(content), bare.export_index
    )


def read_model(database: Database, mode: Mode | str, stage: Stage | str) -> bytes:
    """The ONNX file of the newest export of one stage.

    Raises:
        UnknownNameError: It was not saved; names the ones that were.
    """
    return _model(_newest(database, mode, stage, "model.content")[0])


def newest_key(database: Database, mode: Mode | str, stage: Stage | str) -> int:
    """A number of the newest export of one stage that no other saved graph of the file has.

    Raises:
        UnknownNameError: It was not saved; names the ones that were.
    """
    return int(_newest(database, mode, stage, "graph.id")[0])


def _model(content: object) -> bytes:
    if not isinstance(content, bytes):
        raise DamagedContentError("one of its ONNX files cannot be read")
    return content


def _newest(
    database: Database, mode: Mode | str, stage: Stage | str, columns: str
) -> tuple[Any, ...]:
    row = database.row(
        f"SELECT {columns} FROM graph JOIN model ON model.graph_id = graph.id "  # noqa: S608
        "WHERE mode = ? AND stage = ? ORDER BY export_index DESC LIMIT 1",
        (str(mode), str(stage)),
    )
    if row is not None:
        return row
    rows = database.rows("SELECT DISTINCT mode, stage FROM graph ORDER BY mode, stage")
    known = ", ".join(f"{found[0]}/{found[1]}" for found in rows)
    raise UnknownNameError(
        f"There is no graph of stage {str(stage)!r} in mode {str(mode)!r}.",
        f"Saved are {known}." if known else "No graph of this run has been saved.",
    )
