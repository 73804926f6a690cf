from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ortviz.record import LossObservation
from ortviz.session.step_losses import MAX_MASKED_ELEMENTS, step_losses


def observe(prediction: Any, target: Any, **more: Any) -> LossObservation:
    settings: dict[str, Any] = {"dtype": "float32", "user_value": 1.0, "user_loss": "mape", **more}
    return LossObservation(
        step=7,
        input=None if prediction is None else np.asarray(prediction, np.float32),
        target=None if target is None else np.asarray(target, np.float32),
        **settings,
    )


def test_three_losses_of_both_sides() -> None:
    losses = step_losses(
        observe(
            [[1.0, 3.0]],
            [[2.0, 4.0]],
            reference_input=np.array([[2.0, 4.0]], np.float32),
            reference_user_value=0.0,
        )
    )
    assert losses.step == 7
    assert losses.candidate is not None
    assert losses.reference is not None
    assert losses.candidate.mae == pytest.approx(1.0)
    assert losses.candidate.mape == pytest.approx((0.5 + 0.25) / 2)
    assert losses.candidate.smape == pytest.approx((1 / 3 + 1 / 7) / 2)
    assert losses.candidate.user_value == 1.0
    assert (losses.reference.mae, losses.reference.user_value) == (0.0, 0.0)
    assert losses.loss_shape == (1, 2)
    assert losses.masked == ()
    assert losses.note == ""


def test_a_zero_target_is_masked_with_its_place_and_its_gradient() -> None:
    gradient = np.array([[0.5, np.nan, 0.5]], np.float32)
    losses = step_losses(observe([[1.0, 5.0, 2.0]], [[2.0, 0.0, 4.0]], gradient=gradient))
    candidate = losses.candidate
    assert candidate is not None
    assert candidate.mape_mask.neginf_count == 1
    assert candidate.mape == pytest.approx((0.5 + 0 + 0.5) / 3)
    assert candidate.effective_mape == pytest.approx(0.5)
    assert candidate.target_zero_count == 1
    (element,) = losses.masked
    assert (element.loss, element.position, element.code) == ("mape", (0, 1), 3)
    assert (element.input, element.target) == (5.0, 0.0)
    assert element.gradient is not None
    assert math.isnan(element.gradient)
    arrival = losses.gradient
    assert arrival is not None
    assert (arrival.nan_count, arrival.inf_count) == (1, 0)
    assert arrival.first_nonfinite_index == (0, 1)
    assert (arrival.input_value, arrival.target_value) == (5.0, 0.0)


def test_everything_masked_has_no_effective_loss() -> None:
    losses = step_losses(observe([math.nan, math.nan], [1.0, 2.0]))
    assert losses.candidate is not None
    assert losses.candidate.mape == 0.0
    assert losses.candidate.effective_mape is None
    assert losses.candidate.input_nonfinite_count == 2
    assert losses.candidate.mae is not None
    assert math.isnan(losses.candidate.mae)


def test_at_most_256_masked_elements_and_neither_loss_crowds_the_other_out() -> None:
    prediction = np.full(1000, np.nan, np.float32)
    losses = step_losses(observe(prediction, np.ones(1000)))
    counts = {
        name: sum(element.loss == name for element in losses.masked) for name in ("mape", "smape")
    }
    assert counts == {"mape": MAX_MASKED_ELEMENTS // 2, "smape": MAX_MASKED_ELEMENTS // 2}
    assert losses.candidate is not None
    assert losses.candidate.mape_mask.nan_count == 1000

    only_mape = step_losses(observe(np.ones(1000), np.zeros(1000)))
    assert len(only_mape.masked) == MAX_MASKED_ELEMENTS
    assert {element.loss for element in only_mape.masked} == {"mape"}
    assert [element.position for element in only_mape.masked[:2]] == [(0,), (1,)]


def test_broadcast_target() -> None:
    losses = step_losses(observe([[1.0], [2.0]], [0.0, 4.0]))
    assert losses.loss_shape == (2, 2)
    assert [element.position for element in losses.masked] == [(0, 0), (1, 0)]
    assert [element.input for element in losses.masked] == [1.0, 2.0]


def test_bfloat16_is_rounded_as_torch_does() -> None:
    prediction, target = np.array([1.0]), np.array([3.0])
    plain = step_losses(observe(prediction, target)).candidate
    rounded = step_losses(observe(prediction, target, dtype="bfloat16")).candidate
    assert plain is not None
    assert rounded is not None
    assert plain.mape == pytest.approx(2 / 3, rel=1e-6)
    assert rounded.mape == 0.66796875


def test_a_loss_that_cannot_be_set_element_by_element_keeps_the_users_value() -> None:
    losses = step_losses(
        observe(None, None, user_loss="CrossEntropyLoss", note="Targets are class indices.")
    )
    assert losses.candidate is not None
    assert losses.candidate.user_value == 1.0
    assert losses.candidate.mae is None
    assert losses.note == "Targets are class indices."


def test_what_eager_made_of_class_indices_is_kept() -> None:
    losses = step_losses(observe(None, None, user_loss="CrossEntropyLoss", reference_user_value=2))
    assert losses.reference is not None
    assert (losses.reference.user_value, losses.reference.mae) == (2, None)
    assert step_losses(observe(None, None)).reference is None


def test_no_loss_call_leaves_a_note_and_the_gradient() -> None:
    losses = step_losses(
        observe(None, None, user_value=None, user_loss="", gradient=np.array([np.inf, 1.0]))
    )
    assert losses.candidate is None
    assert losses.gradient is not None
    assert losses.gradient.inf_count == 1
    assert losses.gradient.first_nonfinite_index == (0,)
    assert losses.gradient.input_value is None


@pytest.mark.parametrize(
    ("prediction", "target", "words"),
    [
        (np.zeros((0, 2)), np.zeros((0, 2)), "no elements"),
        (np.zeros((2, 3)), np.zeros((4, 2)), "do not broadcast"),
    ],
)
def test_pairs_without_a_loss_are_said_to_have_none(
    prediction: np.ndarray, target: np.ndarray, words: str
) -> None:
    losses = step_losses(observe(prediction, target))
    assert words in losses.note
    assert losses.candidate is not None
    assert losses.candidate.mape is None


def test_integer_target_is_said_to_have_no_ratio() -> None:
    losses = step_losses(
        LossObservation(
            1, np.zeros(2, np.float32), np.zeros(2, np.int64), "float32", 0.5, "NLLLoss"
        )
    )
    assert "real numbers" in losses.note
    assert losses.candidate is not None
    assert losses.candidate.user_value == 0.5
