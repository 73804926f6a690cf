"""Which modules take the output of a module: their backward passes make its gradient."""

from __future__ import annotations

from collections.abc import Sequence

from ortviz.record import Direction, GraphRecord, Mode, Site, Stage, StepRecord

_GRADIENT = "_grad"
_NO_GRADIENT_OPS = frozenset({"Shape", "Size"})


class ValueUsers:
    """Reads the exported graph, where modules are whole; knows only the latest."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, None]] = {}

    def note(self, graph: GraphRecord) -> None:
        """Remember the training graph as it was exported; other graphs are ignored."""
        if (graph.mode, graph.stage) != (Mode.TRAINING, Stage.TORCH_EXPORTED):
            return
        self._modules = {}
        for node in graph.nodes:
            if node.module is None or node.op_type in _NO_GRADIENT_OPS:
                continue
            for value in node.inputs:
                self._modules.setdefault(value, {})[node.module] = None

    def of(self, record: StepRecord, site: Site) -> tuple[str, ...]:
        """The innermost modules that take what a site is the gradient of, in graph order.

        Args:
            record: The step.
            site: A gradient of a module's output.

        Returns:
            Fully qualified names; empty where they are not known.
        """
        if site.direction is not Direction.BACKWARD:
            return ()
        value = next((seen.value_name for seen in record.candidate if seen.site == site), "")
        return tuple(self._modules.get(value.removesuffix(_GRADIENT), ()))


def enclosing(modules: Sequence[str]) -> str:
    """The innermost module that holds all of them; one alone is its own.

    Args:
        modules: Fully qualified names, at least one.
    """
    shared = []
    for parts in zip(*(module.split(".") for module in modules), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared)
