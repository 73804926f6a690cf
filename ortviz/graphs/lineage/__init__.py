"""What became of each node from one saved stage to the next."""

from ortviz.graphs.lineage.modules import with_lineage
from ortviz.graphs.lineage.trace import trace_lineage

__all__ = ["trace_lineage", "with_lineage"]
