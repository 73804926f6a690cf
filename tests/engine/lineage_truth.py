"""Where each node of the execution model came from, told by numbers alone.

Every tensor of ORT's execution model is computed (forward and backward, in one session without
optimisation), and so is every tensor of the graph that torch exported: by torch, with its gradient
and with the gradient that flows back through each use of it. A tensor of random numbers is like a
finger print, so equal numbers tell equal tensors, whatever their names are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import torch

from tests.engine.onnx_executed import equal_arrays, execute, same_elements
from tests.engine.onnx_in_torch import Interpreted, interpret


class Truth:
    """Holds both sides and answers whether a claim about a node is right.

    Args:
        exported: Stage ``torch_exported``.
        execution: Stage ``execution_model`` of the same mode.
        feeds: The graphs' inputs: parameters, buffers and the user's.
    """

    def __init__(
        self,
        exported: onnx.ModelProto,
        execution: onnx.ModelProto,
        feeds: Mapping[str, torch.Tensor],
    ) -> None:
        generator = torch.Generator().manual_seed(1)
        self._model, self._feeds = exported, feeds
        training = any(node.op_type == "YieldOp" for node in execution.graph.node)
        trial = interpret(exported, feeds, {}, None)
        outputs = [each.name for each in exported.graph.output]
        grads = [torch.randn(trial.values[name].shape, generator=generator) for name in outputs]
        self.executed = execute(execution, feeds, grads)
        self._drawn = {
            name: torch.from_numpy(value)
            for name, value in self.executed.values.items()
            if value is not None and value.dtype == np.bool_
        }
        self.exported: Interpreted = interpret(
            exported,
            feeds,
            self._drawn,
            dict(zip(outputs, grads, strict=True)) if training else None,
        )
        self._other: Interpreted | None = None
        self._regions: list[set[int]] | None = None
        self._makers = _makers(node.output for node in self.exported.nodes)
        forward = self._forward_half()
        self._executed_maker = _makers(node.output for node in self.executed.nodes)
        self._executed_users: dict[str, list[int]] = {}
        for number in forward:
            for name in self.executed.nodes[number].input:
                self._executed_users.setdefault(name, []).append(number)
        self._users: dict[str, list[tuple[int, int]]] = {}
        for number, node in enumerate(self.exported.nodes):
            for slot, name in enumerate(node.input):
                self._users.setdefault(name, []).append((number, slot))
        self._prints: dict[tuple[int, ...], list[tuple[str, np.ndarray]]] = {}
        for name, value in self.exported.values.items():
            array = value.detach().numpy()
            self._prints.setdefault(array.shape, []).append((name, array))

    def masks(self) -> list[torch.Tensor]:
        """Of dropout as ORT drew them, in the order in which the model uses them."""
        return [
            self._drawn[node.output[1]]
            for node in self.exported.nodes
            if node.op_type == "Dropout" and len(node.output) > 1
        ]

    def equal_tensors(self, one: str, other: str) -> bool:
        """Whether two tensors of the exported graph hold the same numbers."""
        values = self.exported.values
        if one not in values or other not in values:
            return False
        return equal_arrays(values[one].detach().numpy(), values[other].detach().numpy())

    def never_varies(self, value: str) -> bool:
        """Whether a tensor of the exported graph is the same for other weights and inputs."""
        if self._other is None:
            feeds = {
                name: tensor.flip(0) * 0.5 + 1 if tensor.is_floating_point() else tensor.flip(0)
                for name, tensor in self._feeds.items()
            }
            self._other = interpret(self._model, feeds, self._drawn, None)
        array = self._other.values[value].detach().numpy()
        return equal_arrays(array, self.exported.values[value].detach().numpy())

    def _forward_half(self) -> list[int]:
        """Executed nodes that do not depend on a gradient, by the graph's edges."""
        after: set[str] = set()
        found = []
        for number, node in enumerate(self.executed.nodes):
            if node.op_type == "YieldOp" or after.intersection(node.input):
                after.update(filter(None, node.output))
            else:
                found.append(number)
        return found

    def equal_values(self, value: str) -> list[str]:
        """Tensors of the exported graph with the very shape and numbers of an executed one."""
        array = self.executed.values.get(value)
        if array is None:
            return []
        return [
            name for name, other in self._prints.get(array.shape, ()) if equal_arrays(array, other)
        ]

    def made_by(self, value: str) -> set[int]:
        """The exported nodes that made an executed tensor's numbers."""
        return {self._makers[name] for name in self.equal_values(value) if name in self._makers}

    def region(self, node: int) -> set[int]:
        """Exported nodes that an executed forward node and its like may stand for.

        Where an executed node's tensors have no equal in the exported graph, it is taken together
        with the forward nodes around it until all have: what lies between the same tensors in the
        exported graph is what was rewritten. Nodes that make equal numbers count as one.
        """
        _, entering, leaving = self._rewritten(node)
        border = {name for value in entering for name in self.equal_values(value)}
        found: set[int] = set()
        waiting = [each for value in leaving for each in self.made_by(value)]
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            if border.intersection(self.exported.nodes[number].output):
                # It gives on what came in, unchanged.
                continue
            for name in self.exported.nodes[number].input:
                if name in border or name not in self._makers:
                    continue
                waiting.extend(self._twins(name))
        return found

    def merged(self, node: int) -> set[int]:
        """Exported nodes that an executed node does the work of: all that compute with its data.

        Empty where it was rewritten together with others. What is known before the graph runs
        and what only hands numbers on is left out.
        """
        taken, entering, leaving = self._rewritten(node)
        if len(taken) > 1:
            return set()
        border = {name for value in entering for name in self.equal_values(value)}
        makers = [self.made_by(value) for value in leaving]
        found: set[int] = set()
        waiting = [each for made in makers if len(made) == 1 for each in made]
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            waiting.extend(
                self._makers[name]
                for name in self.exported.nodes[number].input
                if name not in border and name in self._makers and self._is_data(name)
            )
        return found

    def _is_data(self, name: str) -> bool:
        array = self.exported.values[name].detach().numpy()
        return array.dtype.kind == "f" and array.size > 1 and not self.never_varies(name)

    def moved_with(self, forward: set[int]) -> set[int]:
        """Exported nodes together with those that were only rewritten in one with them."""
        for region in self._moved():
            if forward <= region:
                return forward | region
        return forward

    def _moved(self) -> list[set[int]]:
        if self._regions is None:
            several = {
                frozenset(taken)
                for node in self._forward_half()
                if len(taken := self._rewritten(node)[0]) > 1
            }
            self._regions = [self.region(min(taken)) for taken in several]
        return self._regions

    def twins(self, node: int) -> set[int]:
        """Exported nodes that give the same numbers, the node itself included."""
        outputs = (name for name in self.exported.nodes[node].output if self._has(name))
        return {node}.union(*(self._twins(name) for name in outputs))

    def _has(self, name: str) -> bool:
        return name in self.exported.values

    def _twins(self, name: str) -> set[int]:
        array = self.exported.values[name].detach().numpy()
        return {
            self._makers[other]
            for other, values in self._prints[array.shape]
            if other in self._makers and equal_arrays(values, array)
        }

    def _rewritten(self, node: int) -> tuple[set[int], set[str], set[str]]:
        """Executed nodes that belong together, the tensors that enter them and that leave them."""
        taken: set[int] = set()
        entering: set[str] = set()
        leaving: set[str] = set()
        waiting = {node}
        while waiting:
            number = waiting.pop()
            taken.add(number)
            operation = self.executed.nodes[number]
            for value in filter(None, operation.input):
                if self.equal_values(value) or value not in self._executed_maker:
                    entering.add(value)
                else:
                    waiting.add(self._executed_maker[value])
            for value in filter(None, operation.output):
                if self.equal_values(value):
                    leaving.add(value)
                else:
                    waiting.update(self._executed_users.get(value, ()))
            waiting -= taken
            if not waiting and len(taken) > 1:
                # What comes out as it came in was rewritten together with what made it.
                waiting = self._makers_of_unchanged(entering, leaving) - taken
        return taken, entering - leaving, leaving - entering

    def _makers_of_unchanged(self, entering: set[str], leaving: set[str]) -> set[int]:
        left = {name for value in leaving for name in self.equal_values(value)}
        return {
            self._executed_maker[value]
            for value in entering
            if value in self._executed_maker and left.intersection(self.equal_values(value))
        }

    def flows_back_through(self, value: str, forward: Iterable[int]) -> bool:
        """Whether an executed tensor belongs to the backward pass of exported nodes.

        It does when it is the gradient that flows back through them to one of their inputs, the
        whole gradient of one of their inputs or outputs, or one of those themselves or its shape;
        the order of the elements does not count, since they are reshaped and transposed.
        """
        array = self.executed.values[value]
        return any(same_elements(array, other) for other in self._around(set(forward)))

    def backward_of(self, value: str) -> set[int]:
        """All exported nodes, each alone, that an executed tensor may be the gradient of."""
        return {
            number
            for number in range(len(self.exported.nodes))
            if self.flows_back_through(value, [number])
        }

    def _around(self, forward: set[int]) -> Iterable[np.ndarray]:
        inputs = dict.fromkeys(
            name for number in forward for name in self.exported.nodes[number].input if name
        )
        outputs = [
            name for number in forward for name in self.exported.nodes[number].output if name
        ]
        for name in inputs:
            flowing = [
                self.exported.uses[use].grad
                for use in self._users[name]
                if use[0] in forward and use in self.exported.uses
            ]
            present = [each for each in flowing if each is not None]
            if present:
                yield torch.stack(present).sum(0).numpy()
        for name in (*inputs, *outputs):
            value = self.exported.values.get(name)
            if value is not None:
                yield value.detach().numpy()
                yield np.array(value.shape)
                if value.grad is not None:
                    yield value.grad.numpy()


def _makers(outputs: Iterable[Iterable[str]]) -> dict[str, int]:
    return {name: number for number, names in enumerate(outputs) for name in names if name}
