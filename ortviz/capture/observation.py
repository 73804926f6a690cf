"""A seen loss and the gradient it sent -> LossObservation."""

from __future__ import annotations

import torch

from ortviz.capture.loss_watch import SeenLoss
from ortviz.capture.stats import dtype_name, host_values
from ortviz.record import LossObservation

NO_LOSS_SEEN = (
    "No loss was seen: ortviz recognises a loss module called with (input, target), such as "
    "criterion(model(x), y). A loss written as an expression or inside the model is not."
)


def observe_loss(
    step: int,
    seen: SeenLoss | None,
    reference_outputs: tuple[torch.Tensor, ...] | None,
    gradient: torch.Tensor | None,
    unseen_note: str = NO_LOSS_SEEN,
) -> LossObservation:
    """Put together what one step's loss saw on both sides.

    Args:
        step: Number of the training forward pass.
        seen: The loss call on ORT's side, None when there was none.
        reference_outputs: The shadow's flattened outputs; None at unsampled steps.
        gradient: What arrived at the model's first output.
        unseen_note: The note when ``seen`` is None.
    """
    arrived = None if gradient is None else host_values(gradient.clone())
    if seen is None:
        return LossObservation(step, None, None, "", None, "", gradient=arrived, note=unseen_note)
    note = _not_elementwise(seen)
    reference, reference_note = _reference_input(seen, reference_outputs)
    usable = not note
    return LossObservation(
        step=step,
        input=host_values(seen.input) if usable else None,
        target=host_values(seen.target) if usable else None,
        dtype=dtype_name(seen.input.dtype),
        user_value=float(seen.value),
        user_loss=seen.name,
        reference_input=host_values(reference) if usable and reference is not None else None,
        reference_user_value=_reference_value(seen, reference),
        gradient=arrived,
        note=note or reference_note,
    )


def _not_elementwise(seen: SeenLoss) -> str:
    if not seen.target.is_floating_point() or not seen.input.is_floating_point():
        return (
            f"{seen.name} was given a target of {dtype_name(seen.target.dtype)}: the three losses "
            "need floating-point targets and are not computed."
        )
    if seen.input.numel() == 0 or seen.target.numel() == 0:
        return f"{seen.name} was given a tensor without elements: there is nothing to average."
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
