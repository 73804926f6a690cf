"""What one loss call saw, turned into the three losses and what they masked."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ortviz.errors import LossInputError
from ortviz.losses.numpy_losses import mask_codes_numpy, three_losses_numpy
from ortviz.losses.values import MaskCounts as LossMaskCounts
from ortviz.losses.values import RatioName
from ortviz.record import (
    GradientArrival,
    LossObservation,
    LossRecord,
    MaskCounts,
    MaskedElement,
    Side,
    StepLosses,
)

MAX_MASKED_ELEMENTS = 256
"""Masked elements kept of one step; the counts stay exact."""


def step_losses(observation: LossObservation) -> StepLosses:
    """Compute what is kept of a step's losses.

    Args:
        observation: Arrays on the host; input and target float of broadcastable shapes.

    Returns:
        Both sides where they can be computed; else ``note`` says why not.
    """
    candidate, note = _side(observation, Side.CANDIDATE, observation.input)
    reference = None
    if observation.reference_input is not None or observation.reference_user_value is not None:
        reference, reference_note = _side(observation, Side.REFERENCE, observation.reference_input)
        note = note or reference_note
    return StepLosses(
        step=observation.step,
        candidate=candidate,
        reference=reference,
        masked=_masked_elements(observation, candidate),
        loss_shape=_loss_shape(observation),
        gradient=_arrival(observation),
        note=" ".join(part for part in (observation.note, note) if part),
    )


def _side(
    observation: LossObservation,
    side: Side,
    prediction: np.ndarray | None,
) -> tuple[LossRecord | None, str]:
    user_value = (
        observation.user_value if side is Side.CANDIDATE else observation.reference_user_value
    )
    target = observation.target
    if prediction is None or target is None:
        if user_value is None:
            return None, ""
        return _user_value_only(side, user_value, observation.user_loss), ""
    try:
        three = three_losses_numpy(
            prediction, target, bfloat16=_holds_bfloat16(observation, prediction, target)
        )
    except LossInputError as error:
        record = None
        if user_value is not None:
            record = _user_value_only(side, user_value, observation.user_loss)
        return record, error.what
    return (
        LossRecord(
            side=side,
            mae=three.mae,
            mape=three.mape,
            smape=three.smape,
            effective_mape=_effective(three.mape_mask),
            effective_smape=_effective(three.smape_mask),
            mape_mask=_counts(three.mape_mask),
            smape_mask=_counts(three.smape_mask),
            element_count=three.mape_mask.element_count,
            user_value=user_value,
            user_loss=observation.user_loss,
            input_nonfinite_count=_nonfinite_count(prediction),
            target_zero_count=int(np.count_nonzero(target == 0)),
            target_nonfinite_count=_nonfinite_count(target),
        ),
        "",
    )


def _user_value_only(side: Side, user_value: float, user_loss: str) -> LossRecord:
    return LossRecord(
        side=side,
        mae=None,
        mape=None,
        smape=None,
        effective_mape=None,
        effective_smape=None,
        mape_mask=MaskCounts(),
        smape_mask=MaskCounts(),
        element_count=0,
        user_value=user_value,
        user_loss=user_loss,
        input_nonfinite_count=0,
        target_zero_count=0,
        target_nonfinite_count=0,
    )


def _holds_bfloat16(
    observation: LossObservation, prediction: np.ndarray, target: np.ndarray
) -> bool:
    both_float32 = prediction.dtype == np.float32 and target.dtype == np.float32
    return observation.dtype == "bfloat16" and both_float32


def _counts(mask: LossMaskCounts) -> MaskCounts:
    return MaskCounts(mask.nan_count, mask.pos_inf_count, mask.neg_inf_count)


def _effective(mask: LossMaskCounts) -> float | None:
    if mask.kept_count == 0 or math.isnan(mask.effective_loss):
        return None
    return mask.effective_loss


def _nonfinite_count(array: np.ndarray) -> int:
    return int(array.size - np.count_nonzero(np.isfinite(array)))


def _loss_shape(observation: LossObservation) -> tuple[int, ...]:
    if observation.input is None or observation.target is None:
        return ()
    try:
        return np.broadcast_shapes(observation.input.shape, observation.target.shape)
    except ValueError:
        return ()


def _masked_elements(
    observation: LossObservation, candidate: LossRecord | None
) -> tuple[MaskedElement, ...]:
    prediction, target = observation.input, observation.target
    if candidate is None or prediction is None or target is None:
        return ()
    # Each of the two may fill what the other leaves, and neither crowds the other out.
    half = MAX_MASKED_ELEMENTS // 2
    mape_count, smape_count = candidate.mape_mask.total, candidate.smape_mask.total
    rooms: tuple[tuple[RatioName, int], ...] = (
        ("mape", min(mape_count, MAX_MASKED_ELEMENTS - min(half, smape_count))),
        ("smape", min(smape_count, MAX_MASKED_ELEMENTS - min(half, mape_count))),
    )
    bfloat16 = _holds_bfloat16(observation, prediction, target)
    elements: list[MaskedElement] = []
    for loss, most in rooms:
        if most:
            codes = mask_codes_numpy(prediction, target, loss, bfloat16=bfloat16)
            elements += _first_masked(observation, loss, codes, most)
    return tuple(elements)


def _first_masked(
    observation: LossObservation, loss: str, codes: np.ndarray, most: int
) -> Iterator[MaskedElement]:
    """The first ``most`` masked elements in row-major order."""
    predictions = np.broadcast_to(np.asarray(observation.input), codes.shape)
    targets = np.broadcast_to(np.asarray(observation.target), codes.shape)
    gradient = observation.gradient
    if gradient is not None and gradient.shape != codes.shape:
        gradient = None
    for flat in np.flatnonzero(codes)[:most]:
        position = tuple(int(axis) for axis in np.unravel_index(int(flat), codes.shape))
        yield MaskedElement(
            loss=loss,
            position=position,
            code=int(codes[position]),
            input=float(predictions[position]),
            target=float(targets[position]),
            gradient=None if gradient is None else float(gradient[position]),
        )


def _arrival(observation: LossObservation) -> GradientArrival | None:
    gradient = observation.gradient
    if gradient is None:
        return None
    finite = np.isfinite(gradient)
    if finite.all():
        return GradientArrival(0, 0)
    flat = int(np.argmin(finite))
    index = tuple(int(axis) for axis in np.unravel_index(flat, gradient.shape))
    prediction, target = observation.input, observation.target
    same = prediction is not None and prediction.shape == gradient.shape
    return GradientArrival(
        nan_count=int(np.count_nonzero(np.isnan(gradient))),
        inf_count=int(np.count_nonzero(np.isinf(gradient))),
        first_nonfinite_index=index,
        input_value=float(prediction[index]) if same and prediction is not None else None,
        target_value=_target_at(target, gradient.shape, index) if same else None,
    )


def _target_at(
    target: np.ndarray | None, shape: tuple[int, ...], index: tuple[int, ...]
) -> float | None:
    if target is None:
        return None
    try:
        return float(np.broadcast_to(target, shape)[index])
    except ValueError:
        return None
