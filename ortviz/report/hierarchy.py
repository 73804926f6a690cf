"""The hierarchies of a report's graphs, and what is told of their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ortviz.graphs import CHUNK_SIZE
from ortviz.record.store import RunReader, StoredGraph
from ortviz.session.graph_files import GraphFiles
from ortviz.session.structures import structure_of

if TYPE_CHECKING:
    from ortviz.report.contents import Contents

MAX_DETAILS_BYTES = 12 * 2**20
"""Budget of what is told of nodes, compressed."""
MAX_DETAILED_NODES = 60_000
"""Nodes of all stages that are told of: more would take long to write."""


class HierarchyBudget:
    """Adds stage after stage, the most telling ones first, until the budget is used up."""

    def __init__(self) -> None:
        self._room_bytes = MAX_DETAILS_BYTES
        self._room_nodes = MAX_DETAILED_NODES

    def add(self, reader: RunReader | GraphFiles, stored: StoredGraph, contents: Contents) -> None:
        """Hierarchy, documentation and details of one stage.

        Args:
            reader: Where it is.
            stored: Which one.
            contents: Takes them, and a note where details are left out.
        """
        params = {"mode": stored.graph.mode.value, "stage": stored.graph.stage.value}
        contents.add(reader, "graph_structure", params)
        contents.add(reader, "graph_schemas", params)
        node_count = len(structure_of(reader, params["mode"], params["stage"]).node_names)
        told = 0
        for chunk in range(-(-node_count // CHUNK_SIZE)):
            if self._room_bytes <= 0 or self._room_nodes <= 0:
                break
            size = contents.add(reader, "graph_details", {**params, "chunk": chunk})
            told = min(told + CHUNK_SIZE, node_count)
            self._room_bytes -= size
            self._room_nodes -= CHUNK_SIZE
        contents.missing["graph_details"] = (
            "This report does not tell more of this node. Open the run or the file itself."
        )
        if told < node_count:
            contents.notes.append(
                f"Of {params['stage']} ({params['mode']}) it tells attributes and shapes of "
                f"{told} of {node_count} nodes."
            )
