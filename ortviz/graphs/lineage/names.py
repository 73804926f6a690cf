"""What ORT's own names tell about where a node was made from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ortviz.graphs.lineage.index import GraphIndex, Operation
from ortviz.graphs.modules import gradient_target, sums_gradients
from ortviz.graphs.scopes import forward_node_name

RECOMPUTED = "_recompute"
"""How names end that ORT's memory optimiser gives to what it computes once more."""
_FUSED = "fused "
_TOKEN = re.compile(r"_token_\d+$")
_CUT = re.compile(r"/|_(?=\D)|_token_\d+$")


def is_gradient_name(operation: Operation) -> bool:
    """Whether a node's names are such as only gradient building gives."""
    name = operation.name
    return (
        forward_node_name(name) is not None
        or name.startswith("_Grad/")
        or sums_gradients(name)
        or any(gradient_target(value) for value in operation.outputs)
    )


def origins_by_name(operation: Operation, previous: GraphIndex) -> tuple[int, ...]:
    """Nodes of the earlier stage from whose name, or output, a node's own name was made.

    ORT's optimisers append to them (``…/MatMul/MatmulTransposeFusion/``, ``…/Gather_adapt_input``,
    ``…_token_8``), or put a word before (``fused …``).
    """
    for stem in _stems(operation):
        found = previous.by_name.get(stem)
        if found is not None and len(found) == 1:
            return (found[0],)
        maker = previous.producer.get(stem)
        if maker is not None:
            return (maker,)
    return ()


def _stems(operation: Operation) -> Iterator[str]:
    """Names that an optimiser may have made this node's from, the longest first."""
    name = operation.name.removeprefix(_FUSED)
    if name:
        yield name
        # Names of people's modules have all of these signs too, so only what really is the name
        # of a node or tensor counts; what ends in a number would be the name of another node.
        cuts = [match.start() for match in _CUT.finditer(name)]
        yield from (name[:cut] for cut in reversed(cuts[-8:]) if cut)
    for value in operation.outputs:
        stem = _TOKEN.sub("", value)
        if stem and stem != value:
            yield stem
