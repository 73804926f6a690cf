"""Divergence, BatchNorm, buffers, missing gradients and where NaN begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.record import (
    Direction,
    ParameterRecord,
    Severity,
    Site,
    SiteComparison,
    SiteStatus,
    TensorStats,
    Verdict,
    View,
)

F, B, G = Direction.FORWARD, Direction.BACKWARD, Direction.PARAMETER_GRAD
FC1, BN, FC2, ROOT = (Site(F, name, "out0") for name in ("fc1", "bn", "fc2", ""))
FC2_BACK, ROOT_BACK = Site(B, "fc2", "out0"), Site(B, "", "out0")
FC1_GRAD, FC2_GRAD = Site(G, "fc1", "weight"), Site(G, "fc2", "weight")
MEAN = Site(Direction.BUFFER, "bn", "running_mean")
BATCHES = Site(Direction.BUFFER, "bn", "num_batches_tracked")
INPUT = Site(Direction.INPUT, "", "in0")


def test_first_divergence_names_module_and_errors(engine, make, only):
    compared = make.compared(make.divergent(BN), make.divergent(FC2))
    found = only(engine.on_step(make.step(), compared), "first_divergence")
    assert found.key == "first_divergence:forward/bn#out0"
    assert (found.severity, found.module, found.site_id) == (Severity.WARNING, "bn", BN.id)
    assert (
        found.title == "ORT and eager PyTorch first part at bn (BatchNorm1d), in the forward pass"
    )
    assert "(relative 0.0005; 0.0001 is allowed)" in found.evidence
    assert "Worst at [1, 2]: eager 0.5, ORT 0.6." in found.evidence
    assert found.view is View.TRACES


def test_a_gross_divergence_is_an_error(engine, make, only):
    compared = make.compared(make.divergent(FC1, relative=0.5))
    found = only(engine.on_step(make.step(), compared), "first_divergence")
    assert found.severity is Severity.ERROR


def test_later_directions_point_back_to_the_first(engine, make):
    compared = make.compared(
        make.divergent(FC1), make.divergent(FC2_BACK, 0.5), make.divergent(FC1_GRAD, 0.5)
    )
    by_key = {one.key: one for one in engine.on_step(make.step(), compared)}
    backward = by_key["first_divergence:backward/fc2#out0"]
    assert backward.severity is Severity.WARNING
    assert "probably follows from it" in backward.explanation
    assert "Begin with fc1" in backward.remedy
    gradient = by_key["first_divergence:parameter_grad/fc1#weight"]
    assert "fc1.weight, in a parameter's gradient" in gradient.title
    assert gradient.view is View.GRADIENTS


def test_a_divergence_of_the_backward_pass_alone(engine, make, only):
    found = only(
        engine.on_step(make.step(), make.compared(make.divergent(FC2_BACK))), "first_divergence"
    )
    assert "began with the same gradient" in found.explanation


def test_nan_on_ort_only_is_a_gross_divergence(engine, make):
    compared = make.compared(make.divergent(FC2, mismatches=3))
    found = engine.on_step(make.step(candidate={FC2: make.NAN}), compared)
    by_detector = {one.detector: one for one in found}
    assert by_detector["first_divergence"].severity is Severity.ERROR
    assert "Only in ONNX Runtime's run" in by_detector["nonfinite_origin"].evidence


def test_nan_that_spreads_differently_from_the_same_nan_is_no_divergence(engine, make):
    compared = make.compared(make.divergent(FC2_BACK, mismatches=3))
    record = make.step(both={ROOT_BACK: make.NAN}, candidate={FC2_BACK: make.NAN})
    assert "first_divergence" not in {one.detector for one in engine.on_step(record, compared)}


def test_divergence_after_unmatched_randomness_is_information(engine, make, only):
    note = "Random operations draw differently on each side: not comparable: rand."
    record = make.step(notes=(note,))
    found = only(
        engine.on_step(record, make.compared(make.divergent(FC1, 0.5))), "first_divergence"
    )
    assert found.severity is Severity.INFO
    assert note in found.explanation


def test_a_step_that_fell_back_diverges_from_nothing(engine, make):
    found = engine.on_step(make.step(fallback=True), make.compared(make.divergent(FC1)))
    assert {one.detector for one in found} == {"fallback"}


UNCOUNTED = SiteComparison(BATCHES, Verdict.NOT_COMPARABLE, "", 1.0, 0.5, 1.0, (), 2.0, 1.0, 0, 0.0)


def moved(make, value: float) -> TensorStats:
    return replace(make.GOOD, mean=value)


def test_frozen_batchnorm(engine, make, only):
    compared = make.compared(make.divergent(MEAN, 0.3), UNCOUNTED)
    engine.on_step(make.step(3), make.compared())
    found = only(engine.on_step(make.step(4), compared), "frozen_batchnorm")
    assert (found.key, found.severity) == ("frozen_batchnorm", Severity.WARNING)
    assert (found.module, found.step_count) == ("bn", 1)
    assert found.title == "The running statistics of bn (BatchNorm1d) stand still"
    assert "num_batches_tracked stays at 1; eager PyTorch adds 1 a step" in found.evidence
    assert "running_mean is off by up to 0.6 (30.0 % of the largest)" in found.evidence
    assert "model.eval()" in found.explanation
    assert "no_grad" in found.remedy
    assert "after a %%ortviz cell: model in place of model.module" in found.remedy
    later = only(engine.on_step(make.step(5), compared), "frozen_batchnorm")
    assert later.step_count == 2


def test_batchnorm_that_moves_otherwise_than_in_eager(engine, make, only):
    compared = make.compared(make.divergent(MEAN, 0.3), UNCOUNTED)
    engine.on_step(make.step(3, candidate={MEAN: moved(make, 0.1)}), make.compared())
    record = make.step(4, candidate={MEAN: moved(make, 0.2)})
    found = only(engine.on_step(record, compared), "frozen_batchnorm")
    assert (found.key, found.severity) == ("frozen_batchnorm:different", Severity.WARNING)


def test_a_batch_that_entered_twice_is_information(engine, make, only):
    compared = make.compared(make.divergent(MEAN, 0.3))
    found = only(engine.on_step(make.step(0), compared), "frozen_batchnorm")
    assert (found.key, found.severity) == ("frozen_batchnorm:twice", Severity.INFO)
    assert "exports the model" in found.explanation


def test_batches_that_are_not_counted_are_information(engine, make, only):
    found = only(engine.on_step(make.step(4), make.compared(UNCOUNTED)), "frozen_batchnorm")
    assert (found.key, found.severity) == ("frozen_batchnorm:uncounted", Severity.INFO)
    assert found.title == (
        "num_batches_tracked of bn (BatchNorm1d) stays at 1; eager PyTorch adds 1 a step"
    )
    later = replace(UNCOUNTED, worst_reference=3.0, worst_candidate=1.0)
    again = only(engine.on_step(make.step(5), make.compared(later)), "frozen_batchnorm")
    assert (again.step_count, again.evidence) == (2, found.evidence)


VARIANCE = Site(Direction.BUFFER, "bn", "running_var")


def biased(make, relative: float, *moments: SiteComparison, seen: float = 0.4):
    """running_var off; the layer's output has 2 values a channel, see conftest."""
    plain = make.compared(UNCOUNTED, *moments)
    off = make.divergent(VARIANCE, relative, worst_reference=0.5, worst_candidate=seen)
    return replace(plain, sites=(*plain.sites, off))


def severities(findings) -> dict[str, Severity]:
    return {one.key: one.severity for one in findings}


def test_a_variance_divided_by_n_is_information(engine, make):
    found = engine.on_step(make.step(4), biased(make, 4e-4))
    assert severities(found) == {
        "frozen_batchnorm:biased": Severity.INFO,
        "frozen_batchnorm:uncounted": Severity.INFO,
    }
    (variance,) = [one for one in found if one.key.endswith("biased")]
    assert "biased variance" in variance.title
    assert "running_var is off by up to 0.0008 (<0.1 % of the largest)" in variance.evidence


@pytest.mark.parametrize("relative", [0.051, 0.3])
def test_a_variance_too_far_off_is_a_warning(engine, make, relative):
    found = engine.on_step(make.step(4), biased(make, relative))
    assert severities(found) == {"frozen_batchnorm:different": Severity.WARNING}


def test_a_variance_that_is_too_large_or_beside_a_wrong_mean_is_a_warning(engine, make):
    found = engine.on_step(make.step(4), biased(make, 4e-4, seen=0.6))
    assert severities(found) == {"frozen_batchnorm:different": Severity.WARNING}
    found = engine.on_step(
        make.step(5, candidate={MEAN: moved(make, 0.1)}),
        biased(make, 4e-4, make.divergent(MEAN, 0.3)),
    )
    assert "frozen_batchnorm:different" in severities(found)


def test_batchnorm_that_follows_is_left_alone(engine, make):
    assert engine.on_step(make.step(), make.compared()) == []


def test_another_buffer_that_differs(engine, make, only):
    site = Site(Direction.BUFFER, "fc1", "seen")
    compared = make.compared()
    compared = type(compared)(3, (*compared.sites, make.divergent(site)), {})
    found = only(engine.on_step(make.step(), compared), "buffer_difference")
    assert (found.key, found.module) == ("buffer_difference:fc1.seen", "fc1")
    agreeing = type(compared)(3, (SiteComparison(site, Verdict.EQUAL),), {})
    assert type(engine)(make.info()).on_step(make.step(), agreeing) == []


def test_a_gradient_on_one_side_only(engine, make, only):
    none = SiteStatus.NO_GRADIENT
    record = make.step(candidate={FC1_GRAD: none})
    found = only(engine.on_step(record, make.compared()), "missing_gradient")
    assert found.title == "ORT has no gradient for fc1.weight, eager PyTorch has one"
    assert "L2 norm 1.4" in found.evidence
    other = make.step(reference={FC1_GRAD: none})
    found = only(engine.on_step(other, make.compared()), "missing_gradient")
    assert found.title.startswith("eager PyTorch has no gradient")


def test_a_parameter_that_is_not_trained_needs_no_gradient(engine, make):
    none = SiteStatus.NO_GRADIENT
    frozen = make.info(parameters=(ParameterRecord("fc1.weight", (2, 4), "float32", False),))
    for record in (make.step(candidate={FC1_GRAD: none}), make.step(reference={FC1_GRAD: none})):
        assert len(engine.on_step(record, make.compared())) == 1
        assert type(engine)(frozen).on_step(record, make.compared()) == []


def test_a_parameter_frozen_later_is_told_by_the_reason(engine, make):
    record = make.step(candidate={FC1_GRAD: SiteStatus.NO_GRADIENT})
    said = tuple(
        replace(seen, reason="The parameter is frozen.") if seen.site == FC1_GRAD else seen
        for seen in record.candidate
    )
    assert engine.on_step(replace(record, candidate=said), make.compared()) == []


@pytest.mark.parametrize("fallback", [False, True])
def test_no_gradient_and_zeros_are_the_same(engine, make, fallback):
    none = SiteStatus.NO_GRADIENT
    both = make.step(both={FC1_GRAD: none})
    zeros = make.step(candidate={FC1_GRAD: none}, reference={FC1_GRAD: make.ZERO})
    for record in (both, zeros):
        assert engine.on_step(record, make.compared()) == []


def test_the_module_that_makes_nan(engine, make, only):
    record = make.step(both={BN: make.NAN, FC2: make.NAN, ROOT: make.NAN})
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert found.title == "bn (BatchNorm1d) is the first to give NaN values"
    assert (found.severity, found.module, found.site_id) == (Severity.ERROR, "bn", BN.id)
    assert "The same on both sides" in found.evidence
    assert "Just before, fc1 gave values from -1 to 1." in found.evidence


def test_a_module_that_overflows_after_growing_gradients(engine, make, only):
    for step, norm in enumerate((1.0, 30.0, 1e18)):
        grown = replace(make.GOOD, l2_norm=norm)
        engine.on_step(make.step(step, both={FC1_GRAD: grown}), make.compared())
    record = make.step(3, both={FC2: make.INF, ROOT: make.INF})
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert found.remedy.startswith("Lower the learning rate, or clip the gradients")
    assert found.explanation.startswith("The gradients' norm grew from")


def test_infinity_on_purpose_is_left_alone_while_the_output_is_finite(engine, make, only):
    assert engine.on_step(make.step(both={BN: make.INF}), make.compared()) == []
    record = make.step(both={BN: make.INF, ROOT: make.NAN})
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert "infinite" in found.title


def test_the_backward_pass_that_makes_nan(engine, make, only):
    record = make.step(both={FC2_BACK: make.NAN, FC1_GRAD: make.NAN})
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert found.site_id == FC2_BACK.id
    assert found.view is View.GRADIENTS
    arrived = make.step(both={ROOT_BACK: make.NAN, FC2_BACK: make.NAN})
    found = type(engine)(make.info()).on_step(arrived, make.compared())
    assert found == []


def test_input_that_is_not_finite(engine, make, only):
    found = engine.on_step(make.step(both={INPUT: make.NAN, FC1: make.NAN}), make.compared())
    assert {one.detector for one in found} == {"nonfinite_input"}
    assert "3 of 8 elements (37.5 %) not finite: 3 NaN" in only(found, "nonfinite_input").evidence
    on_purpose = make.step(both={INPUT: make.INF})
    assert type(engine)(make.info()).on_step(on_purpose, make.compared()) == []


def test_a_tensor_without_elements_breaks_nothing(engine, make):
    empty = TensorStats((0, 4), "float32", 0, None, None, None, None, None, 0, 0, 0, 0, None)
    record = make.step(both={FC1: empty, FC1_GRAD: empty, INPUT: empty})
    assert engine.on_step(record, make.compared()) == []
