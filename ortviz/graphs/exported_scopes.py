"""A model's scopes with what only an exported graph tells of them."""

from __future__ import annotations

import re

import onnx

from ortviz.graphs.modules import common_module, plain_nodes, weight_owners
from ortviz.graphs.scopes import ModuleScopes
from ortviz.graphs.skipped_scopes import skipped_scopes

_CALL_NUMBER = re.compile(r"_\d+$")


def exported_scopes(exported: onnx.ModelProto, scopes: ModuleScopes) -> ModuleScopes:
    """Scopes of modules inside containers that are not called, as far as the graph tells them.

    What it does not tell is given to the module around all that may be meant, with all that is
    inside of it: the two sides of a comparison must not be those of different modules.

    Args:
        exported: A stage of an export, where modules are whole.
        scopes: The names of the model's modules.

    Returns:
        ``scopes`` themselves where the names tell all.
    """
    nodes = plain_nodes(exported.graph.node)
    made = ((node.output[0], node.input) for node in nodes if _makes(node.op_type, node.output))
    found = skipped_scopes(made, scopes, weight_owners(nodes, scopes))
    told: dict[str, str] = {}
    open_scopes: dict[str, str] = {}
    for scope, known in found.items():
        if known is not None and known.module is not None:
            told[scope] = known.module
        elif known is not None:
            around = told[scope] = common_module(sorted(known.possible))
            open_scopes[f"{_CALL_NUMBER.sub('', scope)}/"] = around
    for start, around in open_scopes.items():
        told.update((scope, around) for scope in found if scope.startswith(start))
    return scopes.with_told(told) if told else scopes


def _makes(op_type: str, outputs: tuple[str, ...]) -> bool:
    return op_type != "Constant" and bool(outputs)
