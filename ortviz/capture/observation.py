"""A seen loss and the gradient it sent -> LossObservation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ortviz.capture.loss_watch import SeenLoss
from ortviz.capture.stats import dtype_name, host_copy, host_values
from ortviz.record import LossObservation

if TYPE_CHECKING:
    import numpy as np

NO_LOSS_SEEN = (
    "No loss was seen: ortviz recognises a loss module called with (input, target), such as "
    "criterion(model(x), y). A loss written as an expression or inside the model is not."
)
SEVERAL_LOSSES = (
    "The step trains with several losses together; the three losses are of the first one's "
    "(input, target), and the sum's own value is unknown."
)


ELEMENTS_EVERY_STEP = 1 << 20
"""Larger losses are looked at element by element at sampled steps only."""


def observe_loss(
    step: int,
    losses: list[SeenLoss],
    reference_outputs: tuple[torch.Tensor, ...] | None,
    gradient: torch.Tensor | None,
) -> LossObservation:
    """Put together what one step's loss saw on both sides.

    Args:
        step: Number of the training forward pass.
        losses: The calls on ORT's side that the step trains with; empty when none was seen.
        reference_outputs: The shadow's flattened outputs; None at unsampled steps.
        gradient: What arrived at the model's first output.
    """
    if not losses:
        return LossObservation(
            step,
            None,
            None,
            "",
            None,
            "",
            gradient=_arrived(gradient, elementwise=False),
            note=NO_LOSS_SEEN,
        )
    seen = losses[0]
    sampled = reference_outputs is not None
    note = _not_elementwise(seen) or _too_large(seen, sampled)
    usable = not note
    reference, reference_note = _reference_input(seen, reference_outputs)
    several = len(losses) > 1
    return LossObservation(
        step=step,
        input=host_copy(seen.input) if usable else None,
        target=host_copy(seen.target) if usable else None,
        dtype=dtype_name(seen.input.dtype),
        user_value=None if several else float(seen.value),
        user_loss=" + ".join(dict.fromkeys(loss.name for loss in losses)),
        reference_input=host_values(reference) if usable and reference is not None else None,
        reference_user_value=None if several else _reference_value(seen, reference),
        gradient=_arrived(gradient, elementwise=usable),
        note=note or (SEVERAL_LOSSES if several else reference_note),
    )


def _arrived(gradient: torch.Tensor | None, *, elementwise: bool) -> np.ndarray | None:
    """The gradient where single elements matter; empty where only its being finite does."""
    if gradient is None:
        return None
    # A NaN or an infinity anywhere makes the sum one; an overflowing sum only costs a copy.
    if elementwise or not bool(torch.isfinite(gradient.sum())):
        return host_copy(gradient)
    return host_values(gradient.new_empty(0))


def _too_large(seen: SeenLoss, sampled: bool) -> str:
    count = max(seen.input.numel(), seen.target.numel())
    if sampled or count <= ELEMENTS_EVERY_STEP:
        return ""
    return (
        f"{seen.name} has {count:,} elements: the three losses are computed at sampled steps only, "
        "so that the others cost nothing."
    )


def _not_elementwise(seen: SeenLoss) -> str:
    if not seen.unchanged:
        return f"What {seen.name} was given was changed in place before the backward pass."
    if not seen.target.is_floating_point() or not seen.input.is_floating_point():
        return (
            f"{seen.name} was given a target of {dtype_name(seen.target.dtype)}: the three losses "
            "need floating-point targets and are not computed."
        )
    if seen.input.numel() == 0 or seen.target.numel() == 0:
        return f"{seen.name} was given a tensor without elements: there is nothing to average."
    if seen.input.shape == seen.target.shape:
        # torch.broadcast_shapes takes as long as all the rest, and this is nearly always so.
        return ""
    try:
        torch.broadcast_shapes(seen.input.shape, seen.target.shape)
    except RuntimeError:
        return (
            f"{seen.name} was given shapes {tuple(seen.input.shape)} and "
            f"{tuple(seen.target.shape)}, which cannot be set against each other."
        )
    return ""


def _reference_input(
    seen: SeenLoss, outputs: tuple[torch.Tensor, ...] | None
) -> tuple[torch.Tensor | None, str]:
    """The shadow's input to the same loss, or why there is none."""
    if outputs is None:
        return None, ""
    if seen.output_index is None or seen.output_index >= len(outputs):
        return None, (
            "The loss's input is computed from the model's output outside of the model, so the "
            "eager side's loss is unknown."
        )
    output = outputs[seen.output_index].detach()
    if output.numel() != seen.input.numel():
        return None, "Eager PyTorch's output has another shape than ORT's."
    return output.reshape(seen.input.shape).clone(), ""


def _reference_value(seen: SeenLoss, reference: torch.Tensor | None) -> float | None:
    """The user's loss on the shadow's outputs, where calling it again has no side effect."""
    module = seen.module
    known = type(module).__module__.startswith(("torch.nn", "ortviz."))
    if reference is None or not known or any(True for _ in module.buffers()):
        return None
    with torch.no_grad():
        # Not module(…): the user's hooks on the loss must not run a second time.
        value = type(module).forward(module, reference, seen.target)
    return float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else None
