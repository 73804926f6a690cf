"""Which values of two stages are equal, whatever they are called."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ortviz.graphs.lineage.index import RANDOM_OPS, GraphIndex, Operation

_ROUNDS = 3
"""How often substitutions are looked for; each may uncover further ones."""


class EqualValues:
    """Classes of equal values over both stages.

    Two values of one graph are in a class when they are computed alike from values that are. Of
    two graphs they are when they have the same name, when they are computed alike, or when a node
    that is otherwise unchanged takes one where it took the other, which is gone.

    Args:
        previous: The earlier stage.
        graph: The later stage.
    """

    def __init__(self, previous: GraphIndex, graph: GraphIndex) -> None:
        self._previous, self._graph = previous, graph
        self._interned: dict[Hashable, int] = {}
        self._parent: list[int] = []
        self._before = self._classes(previous, {})
        self._after = self._classes(graph, self._before)
        self.substituted: dict[str, str] = {}
        for _ in range(_ROUNDS):
            if not self._substitute():
                break
        self.maker = self._makers(graph, self._after)
        self.present = frozenset(self._find(each) for each in self._after.values())

    def before(self, value: str) -> int:
        """The class of a value of the earlier stage."""
        return self._class(self._before, value)

    def after(self, value: str) -> int:
        """The class of a value of the later stage."""
        return self._class(self._after, value)

    def key_before(self, operation: Operation) -> Hashable:
        """What a node of the earlier stage computes; equal keys compute the same."""
        return self._key(operation, tuple(map(self.before, operation.inputs)))

    def key_after(self, operation: Operation) -> Hashable:
        """What a node of the later stage computes."""
        return self._key(operation, tuple(map(self.after, operation.inputs)))

    def _class(self, classes: Mapping[str, int], value: str) -> int:
        found = classes.get(value)
        return self._find(self._intern(("free", value)) if found is None else found)

    def _classes(self, graph: GraphIndex, anchors: Mapping[str, int]) -> dict[str, int]:
        classes = {name: anchors[name] for name in graph.inputs if name in anchors}
        for name in graph.inputs:
            classes.setdefault(name, self._intern(("free", name)))
        for name, content in graph.stored.items():
            classes[name] = anchors.get(name, self._intern(("stored", content)))
        classes[""] = self._intern(("absent",))
        for operation in graph.operations:
            inputs = []
            for name in operation.inputs:
                if name not in classes:
                    classes[name] = anchors.get(name, self._intern(("free", name)))
                inputs.append(classes[name])
            passed = inputs[0] if inputs and does_nothing(operation, graph) else None
            key = self._key(operation, tuple(inputs))
            for place, name in enumerate(operation.outputs):
                if not name or name in classes:
                    continue
                made = self._intern((key, place)) if passed is None or place else passed
                classes[name] = anchors.get(name, made)
        return classes

    def _key(self, operation: Operation, inputs: tuple[int, ...]) -> Hashable:
        # Outputs of random nodes are equal only if they are the same node's.
        random = operation.op_type in RANDOM_OPS and operation.outputs
        mark: Hashable = operation.outputs[0] if random else operation.outer
        return operation.op, operation.attributes, inputs, mark

    def _substitute(self) -> bool:
        """Find values that others stand in for; whether there were any."""
        present = {self._find(each) for each in self._after.values()}
        votes: dict[str, dict[int, str]] = {}
        for operation in self._graph.operations:
            earlier = self._earlier(operation)
            if earlier is None or len(earlier.inputs) != len(operation.inputs):
                continue
            alike = (earlier.op, earlier.attributes) == (operation.op, operation.attributes)
            for old, new in zip(earlier.inputs, operation.inputs, strict=True):
                if not old or not new or self.before(old) == self.after(new):
                    continue
                gone = not self._graph.has(old) and self.before(old) not in present
                if gone and (alike or new in self._graph.constant):
                    votes.setdefault(old, {})[self.after(new)] = new
        for old, candidates in votes.items():
            if len(candidates) == 1:
                ((found, name),) = candidates.items()
                self._parent[self.before(old)] = self._find(found)
                self.substituted[old] = name
        return bool(votes)

    def _earlier(self, operation: Operation) -> Operation | None:
        for name in operation.outputs:
            number = self._previous.producer.get(name) if name else None
            if number is not None:
                return self._previous.operations[number]
        return None

    def _makers(self, graph: GraphIndex, classes: Mapping[str, int]) -> dict[int, int]:
        """Class -> the node of the later stage that makes it."""
        found: dict[int, int] = {}
        for number, operation in enumerate(graph.operations):
            if not does_nothing(operation, graph):
                for name in filter(None, operation.outputs):
                    found.setdefault(self._find(classes[name]), number)
        return found

    def _intern(self, key: Hashable) -> int:
        number = self._interned.setdefault(key, len(self._parent))
        if number == len(self._parent):
            self._parent.append(number)
        return number

    def _find(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number


def does_nothing(operation: Operation, graph: GraphIndex) -> bool:
    """Whether a node's output is its input: an Identity, or a Dropout that is off."""
    if operation.op == "Identity":
        return len(operation.inputs) == 1
    if operation.op != "Dropout" or not operation.inputs:
        return False
    switch = operation.inputs[2] if len(operation.inputs) > 2 else ""
    if not switch:
        return True
    content = graph.stored.get(switch)
    return isinstance(content, tuple) and content[-1] == b"\x00"
