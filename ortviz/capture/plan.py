"""Which values of ORT's training graph a sampled step reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import onnx

from ortviz._compat.ort_repeat import draws_random
from ortviz.capture.inner_values import NO_INNER_VALUES, InnerValues, find_inner_values
from ortviz.graphs import (
    FLOATING,
    YIELD_OP,
    LeavingValues,
    ModuleScopes,
    ValueUses,
    element_types,
    exported_scopes,
    leaving_values,
    value_uses,
)

_DROPOUT_OPS = frozenset({"Dropout", "BiasDropout"})
_VIEW_OPS = frozenset({"Unsqueeze", "Squeeze", "Reshape", "Flatten", "Identity"})
NO_USES = ValueUses()
"""Nothing is known about who uses what."""


@dataclass(frozen=True, slots=True)
class TapPlan:
    """What to read and where it belongs.

    Attributes:
        leaving: Candidates for every module's outputs, from the exported graph.
        forward_names: Values to read in the forward half.
        mask_names: Dropout masks to read, in the exported graph's order.
        backward_names: Gradients to read in the backward half.
        overwritten: Those forward values that the backward half uses: its kernels may work in
            place, for example that of softmax.
        order: Value name -> index of the node that makes it.
        draws_random: Whether the graph has any node that draws random numbers.
        inner: What is read beyond that at the tensor level.
        uses: Which modules use which value; what enters them is read too.
        only_watched_count: How many of the values exist only because they are read: in other
            steps ORT's session merges them into other operations.
        unread: Values that are left out because reading them changes results -> why.
    """

    leaving: LeavingValues
    forward_names: tuple[str, ...]
    mask_names: tuple[str, ...]
    backward_names: tuple[str, ...]
    order: Mapping[str, int]
    draws_random: bool
    inner: InnerValues = NO_INNER_VALUES
    uses: ValueUses = NO_USES
    overwritten: frozenset[str] = frozenset()
    only_watched_count: int = 0
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_forward(self) -> tuple[str, ...]:
        """What the forward half hands out, in this order."""
        return self.forward_names + self.mask_names + self.inner.forward_names

    @property
    def all_backward(self) -> tuple[str, ...]:
        """What the backward half hands out, in this order."""
        return self.backward_names + self.inner.backward_names


def build_plan(
    exported: onnx.ModelProto,
    optimized: onnx.ModelProto,
    scopes: ModuleScopes,
    module_names: Iterable[str],
) -> TapPlan:
    """Choose the values that leave modules, their gradients, and the dropout masks.

    Args:
        exported: Stage ``torch_exported``: modules are whole there.
        optimized: Stage ``optimized``: what the session is built from; only its values exist.
        scopes: The names of the model's modules.
        module_names: Fully qualified names.
    """
    names = tuple(module_names)
    scopes = exported_scopes(exported, scopes)
    leaving = leaving_values(exported, scopes, names)
    nodes = list(optimized.graph.node)
    order = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    yield_at = next(i for i, node in enumerate(nodes) if node.op_type == YIELD_OP)
    already_outputs = set(nodes[yield_at].input)
    graph_outputs = {output.name for output in optimized.graph.output}
    after_yield = after_yield_op(nodes, yield_at)
    wanted = dict.fromkeys(name for names in leaving.by_module.values() for name in names)
    forward_nodes = [node for node in nodes[:yield_at] if after_yield.isdisjoint(node.output)]
    uses = value_uses(exported, forward_nodes, scopes, names)
    types = element_types(optimized)
    entering = dict.fromkeys(
        name
        for entered in uses.entering.values()
        for name in entered
        if types.get(name) in FLOATING
    )
    forward = tuple(
        name
        for name in {**wanted, **entering}
        if name in order and name not in after_yield and name not in already_outputs
    )
    backward = tuple(
        gradient
        for gradient in (gradient_name(name) for name in wanted)
        if gradient in after_yield
        and gradient not in graph_outputs
        and gradient not in nodes[yield_at].output
    )
    return TapPlan(
        leaving=leaving,
        forward_names=forward,
        mask_names=_mask_names(exported, nodes),
        backward_names=backward,
        order=order,
        draws_random=any(map(draws_random, nodes)),
        uses=uses,
        overwritten=frozenset(forward) & (_used_after(nodes, yield_at) | _views(nodes)),
    )


def add_inner_values(
    plan: TapPlan, exported: onnx.ModelProto, optimized: onnx.ModelProto, scopes: ModuleScopes
) -> TapPlan:
    """The same plan at the tensor level.

    Args:
        plan: From :func:`build_plan`.
        exported: Stage ``post_processed``, whose values have types.
        optimized: As for :func:`build_plan`.
        scopes: The names of the model's modules.
    """
    nodes = list(optimized.graph.node)
    yield_at = next(i for i, node in enumerate(nodes) if node.op_type == YIELD_OP)
    inner = find_inner_values(
        exported,
        optimized,
        scopes,
        read_anyway={*plan.forward_names, *plan.mask_names, *plan.backward_names},
        depends_on_gradient=after_yield_op(nodes, yield_at),
    )
    end = len(nodes)
    near = {value.name: plan.order.get(value.near, end) for _, value in inner.lost}
    return replace(plan, inner=inner, order={**near, **plan.order})


def gradient_name(value_name: str) -> str:
    """What ORT's gradient builder calls the gradient of a value, summed over its uses."""
    return f"{value_name}_grad"


def after_yield_op(nodes: Sequence[onnx.NodeProto], yield_at: int) -> set[str]:
    """Values that depend on the YieldOp's outputs, those outputs included."""
    found = set(filter(None, nodes[yield_at].output))
    for node in nodes[yield_at + 1 :]:
        if any(name in found for name in node.input):
            found.update(filter(None, node.output))
    return found


def _used_after(nodes: Sequence[onnx.NodeProto], yield_at: int) -> set[str]:
    return {name for node in nodes[yield_at + 1 :] for name in node.input}


def _views(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """Values in the memory of another one, which the backward half may use and then overwrite."""
    return {node.output[0] for node in nodes if node.op_type in _VIEW_OPS}


def _mask_names(exported: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> tuple[str, ...]:
    """Masks of the optimised graph in the order in which the exported graph draws them."""
    masks = {
        node.output[0]: node.output[1]
        for node in nodes
        if node.op_type in _DROPOUT_OPS and len(node.output) > 1 and node.output[1]
    }
    exported_order = [
        node.output[0] for node in exported.graph.node if node.op_type in _DROPOUT_OPS
    ]
    return tuple(masks[name] for name in exported_order if name in masks)
