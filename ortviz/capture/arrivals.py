"""What ORT's backward was given, and the parameter gradients it gave."""

from __future__ import annotations

import torch

from ortviz._compat import ort_private
from ortviz._compat.ort_agents import OrtValues, as_tensors
from ortviz._compat.ort_private import ExecutionManager
from ortviz.capture.pending import PendingStep


def read_gradients(
    manager: ExecutionManager, pending: PendingStep, feeds: OrtValues, fetches: OrtValues
) -> None:
    """Note what a backward run was given and, when the step is sampled, what it gave.

    Args:
        manager: ORTModule's training manager.
        pending: The step.
        feeds: The gradients that the differentiable outputs received.
        fetches: The parameter gradients, as the user gets them.
    """
    arrived = as_tensors(feeds)
    places = ort_private.differentiable_outputs(manager)
    count = len(ort_private.user_output_names(manager))
    pending.output_gradients = [None] * count
    for place, gradient in zip(places, arrived, strict=True):
        pending.output_gradients[place] = gradient
    if not pending.sampled:
        return
    if pending.feeds is not None:
        pending.feeds.gradients = tuple(arrived)
    results = as_tensors(fetches)
    grads: dict[str, torch.Tensor | None] = {}
    for each in ort_private.graph_inputs(manager):
        if each.kind is ort_private.InputKind.PARAMETER and each.qualified_name is not None:
            index = each.gradient_index
            # Copied: autograd makes this very tensor the parameter's .grad.
            grads[each.qualified_name] = None if index is None else results[index].clone()
    pending.parameter_grads = grads
    pending.gradient_names = ort_private.parameter_gradient_names(manager)
