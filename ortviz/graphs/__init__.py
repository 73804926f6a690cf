"""ONNX stages -> GraphRecord: module scopes and which node came from where."""

from ortviz.graphs.outputs import LeavingValues, leaving_values
from ortviz.graphs.read import YIELD_OP, parse_model, read_graph
from ortviz.graphs.scopes import ROOT, ModuleScopes, forward_node_name

__all__ = [
    "ROOT",
    "YIELD_OP",
    "LeavingValues",
    "ModuleScopes",
    "forward_node_name",
    "leaving_values",
    "parse_model",
    "read_graph",
]
