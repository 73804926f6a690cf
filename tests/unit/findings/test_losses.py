"""Masked elements, NaN gradients, NaN predictions and weights, the loss of 0."""

from __future__ import annotations

import math

import pytest

from ortviz.record import (
    Direction,
    GradientArrival,
    MaskCounts,
    MaskedElement,
    Severity,
    Site,
    StepLosses,
    View,
)

FC1_GRAD = Site(Direction.PARAMETER_GRAD, "fc1", "weight")
FC2_GRAD = Site(Direction.PARAMETER_GRAD, "fc2", "weight")
FC1_WEIGHT = Site(Direction.PARAMETER, "fc1", "weight")
MASKED = "masked_elements"


def test_a_zero_target_masks_an_element_of_mape(engine, make, only):
    found = only(engine.on_losses(make.zero_target()), MASKED)
    assert found.key == "masked_elements:mape"
    assert (found.severity, found.view, found.first_step) == (Severity.WARNING, View.LOSSES, 3)
    assert "1 of 8 elements (12.5 %): 1 +inf" in found.evidence
    assert "First at [0, 5]: prediction 0.5, target 0." in found.evidence
    assert "divides by the target" in found.explanation
    assert "1 target exactly 0" in found.explanation
    assert "MapeLoss(safe_grad=True)" in found.remedy


def test_masked_elements_with_a_finite_gradient_are_information(engine, make, only):
    safe = make.zero_target(gradient=GradientArrival(0, 0))
    findings = engine.on_losses(safe)
    assert only(findings, MASKED).severity is Severity.INFO
    assert "gradient stays finite" in only(findings, MASKED).explanation
    assert len(findings) == 1


def test_masked_elements_of_a_loss_one_does_not_train_with(engine, make, only):
    losses = make.zero_target(user_loss="mae", gradient=GradientArrival(0, 0))
    found = only(engine.on_losses(losses), MASKED)
    assert found.severity is Severity.INFO
    assert "not the loss you train with" in found.title


@pytest.mark.parametrize("name", ["BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss", "KLDivLoss"])
def test_zeros_among_labels_are_no_matter(engine, make, name):
    losses = make.zero_target(user_loss=name, gradient=GradientArrival(0, 0))
    assert engine.on_losses(losses) == []


@pytest.mark.parametrize("name", ["MSELoss", "HuberLoss", "SmoothL1Loss", "L1Loss"])
def test_zeros_among_real_targets_are_information(engine, make, only, name):
    losses = make.zero_target(user_loss=name, gradient=GradientArrival(0, 0))
    assert only(engine.on_losses(losses), MASKED).severity is Severity.INFO


def test_masked_elements_of_smape(engine, make, only):
    losses = make.losses(
        user_loss="smape",
        smape_mask=MaskCounts(2, 0, 0),
        target_zero_count=2,
        gradient=None,
        masked=(MaskedElement("smape", (1, 0), 1, 0.0, 0.0),),
    )
    found = only(engine.on_losses(losses), MASKED)
    assert found.key == "masked_elements:smape"
    assert "0/0 = NaN" in found.explanation
    assert "SmapeLoss(safe_grad=True)" in found.remedy


def test_masks_that_hide_nan_predictions_and_missing_targets(engine, make, only):
    broken = make.losses(mape_mask=MaskCounts(3, 0, 0), input_nonfinite_count=3, gradient=None)
    found = only(engine.on_losses(broken), MASKED)
    assert "hides that the model has diverged" in found.explanation
    engine = type(engine)(make.info())
    missing = make.losses(mape_mask=MaskCounts(3, 0, 0), target_nonfinite_count=3, gradient=None)
    assert "missing values" in only(engine.on_losses(missing), MASKED).remedy


def test_nan_gradient_names_the_element_of_the_loss(engine, make, only):
    found = only(engine.on_losses(make.zero_target()), "nonfinite_gradient")
    assert found.severity is Severity.ERROR
    assert found.title == (
        "The loss sends NaN gradients into the model at step 3, first from the loss's element "
        "[0, 5], whose target is exactly 0"
    )
    assert "1 NaN in the gradient" in found.evidence
    assert "prediction 0.5, target 0." in found.evidence
    assert "MAPE divides by 0" in found.explanation
    assert "MapeLoss(safe_grad=True)" in found.remedy


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "explanation"),
    [
        ("smape", 0.0, 0.0, "Where both are 0"),
        ("mape", math.nan, 1.0, "prediction there was NaN"),
        ("mape", 1.0, math.nan, "missing value in the data"),
        ("MyLoss", 1.0, 0.0, "A loss that divides by the target"),
        ("MyLoss", 1.0, 1.0, "derivative of the loss there is not finite"),
        ("MyLoss", None, None, "derivative of the loss there is not finite"),
    ],
)
def test_why_a_gradient_is_nan(engine, make, only, loss, prediction, target, explanation):
    arrival = GradientArrival(0, 2, (1, 1), prediction, target)
    found = only(
        engine.on_losses(make.losses(gradient=arrival, user_loss=loss)), "nonfinite_gradient"
    )
    assert explanation in found.explanation
    assert "infinite gradients" in found.title


def test_losses_and_step_make_one_finding_in_either_order(make, only):
    from ortviz.findings import FindingsEngine

    losses = make.zero_target()
    step = make.step(both={FC1_GRAD: make.NAN})
    for swapped in (False, True):
        engine = FindingsEngine(make.info())
        if swapped:
            engine.on_step(step, None)
            found = only(engine.on_losses(losses), "nonfinite_gradient")
        else:
            engine.on_losses(losses)
            found = only(engine.on_step(step, None), "nonfinite_gradient")
        assert found.step_count == 1
        assert "element [0, 5]" in found.title
        assert "reached 1 of 2 parameters: fc1.weight" in found.evidence
        assert (found.module, found.site_id) == ("fc1", "parameter_grad/fc1#weight")
        assert found.view is View.GRADIENTS


def test_parameter_gradients_that_are_nan_on_one_side_only(engine, make, only):
    found = only(
        engine.on_step(make.step(candidate={FC2_GRAD: make.NAN}), None), "nonfinite_gradient"
    )
    assert found.title == "The gradients of fc2.weight are NaN"
    assert "In eager PyTorch the same step's parameter gradients are finite" in found.evidence


def test_weights_that_are_nan(engine, make, only):
    record = make.step(7, candidate={FC1_WEIGHT: make.NAN})
    found = only(engine.on_step(record, None), "nonfinite_weights")
    assert (found.severity, found.first_step, found.module) == (Severity.ERROR, 7, "fc1")
    assert "1 of 2 parameters: fc1.weight" in found.evidence
    assert "3 of 8 elements (37.5 %) not finite: 3 NaN, first at [0, 1]" in found.evidence
    # NaN that the weights spread is not reported as made in some module.
    record = make.step(
        8,
        candidate={FC1_WEIGHT: make.NAN},
        both={Site(Direction.FORWARD, "fc1", "out0"): make.NAN},
    )
    assert {one.detector for one in engine.on_step(record, None)} == {"nonfinite_weights"}


def test_predictions_that_are_all_nan_name_the_step_of_the_gradient(engine, make, only):
    engine.on_losses(make.zero_target(3))
    broken = make.losses(
        4, input_nonfinite_count=8, mape_mask=MaskCounts(8, 0, 0), gradient=None, user_value=0.0
    )
    findings = engine.on_losses(broken)
    found = only(findings, "nonfinite_predictions")
    assert (found.severity, found.first_step) == (Severity.ERROR, 4)
    assert "At step 3 the loss sent a gradient" in found.explanation
    assert "All 8 elements" in found.evidence
    partly = make.losses(4, input_nonfinite_count=7)
    assert "nonfinite_predictions" not in {
        one.detector for one in type(engine)(make.info()).on_losses(partly)
    }


def test_a_loss_of_zero_because_everything_was_masked(engine, make, only):
    masked = MaskCounts(8, 0, 0)
    losses = make.losses(user_value=0.0, mape=0.0, mape_mask=masked, input_nonfinite_count=8)
    found = only(engine.on_losses(losses), "zero_loss")
    assert found.severity is Severity.ERROR
    assert "MAPE is exactly 0 at step 3" in found.title
    assert "All 8 elements were masked: 8 predictions not finite" in found.evidence


@pytest.mark.parametrize(
    "changes",
    [
        {"user_value": 0.0},
        {"user_value": 0.0, "mape_mask": MaskCounts(7, 0, 0)},
        {"user_value": 0.1, "mape_mask": MaskCounts(8, 0, 0)},
        {"user_value": 0.0, "mape_mask": MaskCounts(8, 0, 0), "user_loss": "mae"},
    ],
)
def test_other_losses_of_zero_are_left_alone(engine, make, changes):
    findings = engine.on_losses(make.losses(**changes))
    assert "zero_loss" not in {one.detector for one in findings}


def test_a_step_without_a_loss_call(engine):
    assert engine.on_losses(StepLosses(0, None, note="No loss was seen.")) == []


def test_gradients_that_overflow_after_growing_call_for_a_smaller_step_first(engine, make, only):
    for step, value in enumerate((0.5, 4.0, 30.0, 1e9)):
        engine.on_losses(make.losses(step, user_loss="MSELoss", user_value=value))
    broken = make.losses(
        4, user_loss="MSELoss", user_value=math.inf, gradient=GradientArrival(0, 8, (0, 0), 1e20, 2)
    )
    found = only(engine.on_losses(broken), "nonfinite_gradient")
    assert found.remedy.startswith("Lower the learning rate, or clip the gradients")
    assert "The loss grew from 0.5 to 1e+09 over the 4 recorded steps" in found.explanation


@pytest.mark.parametrize("values", [(0.5, 0.4, 0.3), (0.1, 5.0), (0.1, 9.0, 0.2), (1.0, 1.1, 1.2)])
def test_a_loss_that_does_not_grow_leaves_the_remedy_alone(engine, make, only, values):
    for step, value in enumerate(values):
        engine.on_losses(make.losses(step, user_loss="MSELoss", user_value=value))
    broken = make.losses(
        9, user_loss="MSELoss", user_value=math.nan, gradient=GradientArrival(8, 0, (0, 0), 1.0, 2)
    )
    found = only(engine.on_losses(broken), "nonfinite_gradient")
    assert "learning rate" not in found.remedy


def test_a_target_of_zero_is_named_although_the_loss_grew(engine, make, only):
    for step, value in enumerate((0.5, 4.0, 30.0)):
        engine.on_losses(make.losses(step, user_value=value))
    found = only(engine.on_losses(make.zero_target(3)), "nonfinite_gradient")
    assert found.remedy.startswith("Use ortviz.losses.MapeLoss(safe_grad=True)")
