"""Faults planted in ORTModule's training graph before any agent is built from it.

ORT then really computes something else than PyTorch, in the plain agent as in every other one. Each
fault strikes only in steps whose batch holds a mark, so that the step at which it begins is known
as exactly as the place: see :class:`Mark`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Fault = Callable[["GraphEdit"], None]


@dataclass(frozen=True, slots=True)
class Mark:
    """A batch is marked when its largest element is above a number no other batch reaches.

    Attributes:
        input: Name of the model's input in the graph.
        above: The number.
        dtype: ONNX's element type of that input.
    """

    input: str
    above: float
    dtype: int = TensorProto.FLOAT


class GraphEdit:
    """One training graph that is being spoilt; values are named as in the saved stages."""

    def __init__(self, graph: onnx.GraphProto, mark: Mark) -> None:
        self.graph = graph
        self._on = self._condition(mark)

    def node_of(self, value: str) -> onnx.NodeProto:
        """The node that makes ``value``."""
        for node in self.graph.node:
            if value in node.output:
                return node
        known = [name for node in self.graph.node for name in node.output if value[-8:] in name]
        raise LookupError(f"No node makes {value}; some that sound alike: {known[:8]}")

    def constant(self, values: NDArray[Any]) -> str:
        """Add an initializer and return its name."""
        name = f"fault/constant_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def run_beside(self, node: onnx.NodeProto, altered: onnx.NodeProto) -> None:
        """In marked steps, ``altered`` computes what ``node`` computes in others."""
        place = list(self.graph.node).index(node)
        added: list[onnx.NodeProto] = []
        for slot, value in enumerate(node.output):
            if not value:
                continue
            node.output[slot] = f"{value}/healthy"
            altered.output[slot] = f"{value}/faulty"
            inputs = [self._on, altered.output[slot], node.output[slot]]
            added.append(helper.make_node("Where", inputs, [value], f"{node.name}/Where_{slot}"))
        altered.name = f"{node.name}/altered"
        for offset, each in enumerate([altered, *added], start=1):
            self.graph.node.insert(place + offset, each)

    def multiply(self, value: str, by: NDArray[Any]) -> None:
        """In marked steps, ``value`` is what it would be, times ``by`` (broadcast)."""
        node = self.node_of(value)
        place = list(self.graph.node).index(node)
        node.output[list(node.output).index(value)] = healthy = f"{value}/healthy"
        faulty = f"{value}/faulty"
        nodes = [
            helper.make_node("Mul", [healthy, self.constant(by)], [faulty], f"{node.name}/Mul"),
            helper.make_node("Where", [self._on, faulty, healthy], [value], f"{node.name}/Where"),
        ]
        for offset, each in enumerate(nodes, start=1):
            self.graph.node.insert(place + offset, each)

    def add_to_source(self, name: str, delta: NDArray[Any]) -> None:
        """In marked steps, every node sees a graph input or initializer with ``delta`` added."""
        sources = {each.name for each in (*self.graph.input, *self.graph.initializer)}
        if name not in sources:
            raise LookupError(f"{name} is no input or initializer; there are {sorted(sources)}")
        seen, wrong = f"{name}/seen", f"{name}/wrong"
        for node in self.graph.node:
            for slot, value in enumerate(node.input):
                if value == name:
                    node.input[slot] = seen
        place = 1 + list(self.graph.node).index(self.node_of(self._on))
        nodes = [
            helper.make_node("Add", [name, self.constant(delta)], [wrong], f"{name}/Add"),
            helper.make_node("Where", [self._on, wrong, name], [seen], f"{name}/Where"),
        ]
        for offset, each in enumerate(nodes):
            self.graph.node.insert(place + offset, each)

    def copy_source(self, name: str) -> None:
        """In all steps, every node gets a copy of a graph input, so that none can write to it."""
        copy = f"{name}/copy"
        for node in self.graph.node:
            for slot, value in enumerate(node.input):
                if value == name:
                    node.input[slot] = copy
        zero = self.constant(np.zeros((), np.float32))
        self.graph.node.insert(0, helper.make_node("Add", [name, zero], [copy], copy))

    def _condition(self, mark: Mark) -> str:
        limit = self.constant(np.array(mark.above, helper.tensor_dtype_to_np_dtype(mark.dtype)))
        nodes = [
            helper.make_node("ReduceMax", [mark.input], ["fault/max"], "fault/max", keepdims=0),
            helper.make_node("Greater", ["fault/max", limit], ["fault/on"], "fault/on"),
        ]
        for place, node in enumerate(nodes):
            self.graph.node.insert(place, node)
        return "fault/on"


def wrong_source(name: str, delta: NDArray[Any]) -> Fault:
    """A parameter or initializer that ORT reads wrongly, forward and backward."""
    return lambda edit: edit.add_to_source(name, delta)


def other_operation(value: str, op_type: str, domain: str = "") -> Fault:
    """The node that makes ``value`` is another operation with the same inputs and outputs."""

    def plant(edit: GraphEdit) -> None:
        node = edit.node_of(value)
        edit.run_beside(node, helper.make_node(op_type, node.input, node.output, domain=domain))

    return plant


def other_attribute(value: str, **attributes: Any) -> Fault:
    """The node that makes ``value`` has other attributes."""

    def plant(edit: GraphEdit) -> None:
        node = edit.node_of(value)
        altered = onnx.NodeProto()
        altered.CopyFrom(node)
        kept = [each for each in node.attribute if each.name not in attributes]
        assert len(kept) + len(attributes) == len(node.attribute), "attributes of another name"
        del altered.attribute[:]
        altered.attribute.extend(kept)
        altered.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        edit.run_beside(node, altered)

    return plant


def scaled(value: str, factor: float) -> Fault:
    """What a node computes, times a factor; ``…_grad`` for a gradient."""
    return lambda edit: edit.multiply(value, np.array(factor, np.float32))


def poisoned(value: str, width: int, column: int) -> Fault:
    """NaN in one column of the last axis, which is ``width`` wide."""
    pattern = np.ones(width, np.float32)
    pattern[column] = np.nan
    return lambda edit: edit.multiply(value, pattern)


def frozen(*buffers: str) -> Fault:
    """Buffers that ORT's kernels read and no longer write, from the first step on."""

    def plant(edit: GraphEdit) -> None:
        for name in buffers:
            edit.copy_source(name)

    return plant


@contextmanager
def planted(fault: Fault, mark: Mark) -> Iterator[list[int]]:
    """Spoil every training graph that ORTModule builds meanwhile.

    Yields:
        A list that grows by one for each graph spoilt: a test can see that there was one.
    """
    module: Any = importlib.import_module("onnxruntime.training.ortmodule._training_manager")
    original = module.TrainingManager._build_graph
    spoilt: list[int] = []

    def build_graph(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        graph = self._onnx_models.optimized_model.graph
        fault(GraphEdit(graph, mark))
        spoilt.append(len(graph.node))
        return result

    module.TrainingManager._build_graph = build_graph
    try:
        yield spoilt
    finally:
        module.TrainingManager._build_graph = original
