"""The tensor level: every floating-point value of ORT's training graph, and where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

import onnx

from ortviz.graphs import (
    FLOATING,
    YIELD_OP,
    LostValue,
    ModuleScopes,
    element_types,
    exported_scopes,
    lost_values,
    value_sites,
)
from ortviz.record import Site


@dataclass(frozen=True, slots=True)
class InnerValues:
    """What the tensor level reads beyond the values that leave modules.

    Attributes:
        forward_names: Values that do not depend on the gradients of the outputs.
        backward_names: Values that do.
        sites: Where each floating value of the graph belongs, those leaving modules included.
        lost: Floating values of the exported graph that ORT's does not have, with their sites.
        skipped_count: Values left out because they are integers, booleans or no tensors.
        refused: Values that ONNX Runtime would not hand out.
        merged: Values that are not read since its session would then merge less than it does in
            training, unchecked.
    """

    forward_names: tuple[str, ...] = ()
    backward_names: tuple[str, ...] = ()
    sites: Mapping[str, Site] = field(default_factory=dict)
    lost: tuple[tuple[Site, LostValue], ...] = ()
    skipped_count: int = 0
    refused: tuple[str, ...] = ()
    merged: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """All that is read in addition."""
        return self.forward_names + self.backward_names

    def only(self, kept: Set[str]) -> InnerValues:
        """The same without what ORT refused.

        Args:
            kept: The names it takes.
        """
        return replace(
            self,
            forward_names=tuple(name for name in self.forward_names if name in kept),
            backward_names=tuple(name for name in self.backward_names if name in kept),
            refused=tuple(name for name in self.names if name not in kept),
        )

    def as_in_training(self, made: Set[str]) -> InnerValues:
        """The same without what ORT's session merges in training.

        Args:
            made: What the nodes of the session's own graph make.
        """
        kept = self.only(made)
        return replace(kept, refused=self.refused, merged=frozenset(kept.refused))


NO_INNER_VALUES = InnerValues()
"""The module level."""


def find_inner_values(
    exported: onnx.ModelProto,
    optimized: onnx.ModelProto,
    scopes: ModuleScopes,
    read_anyway: Set[str],
    depends_on_gradient: Set[str],
) -> InnerValues:
    """Choose every floating value that ORTModule does not hand out by itself.

    Initializers, constants, parameters, what ``forward`` returns and the gradients of parameters
    are none of them: they are seen otherwise or are no results.

    Args:
        exported: Stage ``post_processed``, whose values have types.
        optimized: Stage ``optimized``.
        scopes: The names of the model's modules.
        read_anyway: What the module level reads.
        depends_on_gradient: Values that are known only after the YieldOp.
    """
    scopes = exported_scopes(exported, scopes)
    nodes = list(optimized.graph.node)
    types = element_types(optimized)
    exported_names = [name for node in exported.graph.node for name in node.output if name]
    seen = {output.name for output in optimized.graph.output}
    for node in nodes:
        if node.op_type == YIELD_OP:
            seen.update((*node.input, *node.output))
    made = [
        name
        for node in nodes
        if node.op_type != "Constant"
        for name in node.output
        if name and name not in seen
    ]
    # A type that nothing tells is tried: what turns out to be no float is dropped when read.
    floating = [name for name in made if types.get(name, next(iter(FLOATING))) in FLOATING]
    sites = value_sites(nodes, floating, scopes, exported_names)
    lost = lost_values(exported, optimized)
    own = [name for name in floating if name not in read_anyway]
    return InnerValues(
        forward_names=tuple(name for name in own if name not in depends_on_gradient),
        backward_names=tuple(name for name in own if name in depends_on_gradient),
        sites=sites,
        lost=_with_sites(lost, exported, scopes, set(sites.values())),
        skipped_count=len(made) - len(floating),
    )


def _with_sites(
    lost: Sequence[LostValue],
    exported: onnx.ModelProto,
    scopes: ModuleScopes,
    taken: Set[Site],
) -> tuple[tuple[Site, LostValue], ...]:
    sites = value_sites(list(exported.graph.node), [value.name for value in lost], scopes)
    return tuple((sites[value.name], value) for value in lost if sites[value.name] not in taken)


def largest_accepted(
    names: Sequence[str], accepts: Callable[[Sequence[str]], bool], tries: int
) -> list[str]:
    """As many names as are accepted together, found by halving what is refused.

    Args:
        names: Candidates; that none of them is accepted is known.
        accepts: Whether some of them are accepted together, in their order.
        tries: How often to ask at most; what was not asked about in time is left out.

    Returns:
        Accepted names, in order.
    """
    kept: list[str] = []
    waiting = [list(names)]
    known_refused = True
    while waiting and tries > 0:
        part = waiting.pop(0)
        if not known_refused:
            tries -= 1
            if accepts([*kept, *part]):
                kept += part
                continue
        known_refused = False
        if len(part) > 1:
            middle = len(part) // 2
            waiting[:0] = [part[:middle], part[middle:]]
    return kept
