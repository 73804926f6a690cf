"""What became of each node from one saved stage to the next."""

from ortviz.graphs.lineage.trace import trace_lineage

__all__ = ["trace_lineage"]
