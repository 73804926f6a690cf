"""ONNX stages -> GraphRecord: module scopes and which node came from where."""

from ortviz.graphs.details import CHUNK_SIZE, DetailsReader
from ortviz.graphs.element_types import FLOATING, element_types
from ortviz.graphs.exported_scopes import exported_scopes
from ortviz.graphs.merged import LostValue, lost_values
from ortviz.graphs.outputs import LeavingValues, leaving_values
from ortviz.graphs.places import value_sites
from ortviz.graphs.read import YIELD_OP, backward_indices, parse_model, read_graph
from ortviz.graphs.schemas import operator_schemas
from ortviz.graphs.scope_parts import ROOT
from ortviz.graphs.scopes import ModuleScopes, Place, forward_node_name
from ortviz.graphs.structure import ModelNames, read_structure
from ortviz.graphs.uses import ValueUses, value_uses

__all__ = [
    "CHUNK_SIZE",
    "FLOATING",
    "ROOT",
    "YIELD_OP",
    "DetailsReader",
    "LeavingValues",
    "LostValue",
    "ModelNames",
    "ModuleScopes",
    "Place",
    "ValueUses",
    "backward_indices",
    "element_types",
    "exported_scopes",
    "forward_node_name",
    "leaving_values",
    "lost_values",
    "operator_schemas",
    "parse_model",
    "read_graph",
    "read_structure",
    "value_sites",
    "value_uses",
]
