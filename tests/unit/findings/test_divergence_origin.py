"""The finding of a divergence where each module was also run on ORT's own input."""

from __future__ import annotations

from dataclasses import replace

from ortviz.record import Direction, ErrorOrigin, Severity, Site, Verdict

F, B = Direction.FORWARD, Direction.BACKWARD
FC1, BN, FC2 = (Site(F, name, "out0") for name in ("fc1", "bn", "fc2"))
FC1_GRAD = Site(Direction.PARAMETER_GRAD, "fc1", "weight")
FC2_GRAD = Site(Direction.PARAMETER_GRAD, "fc2", "weight")
FC2_BACK, BN_BACK = Site(B, "fc2", "out0"), Site(B, "bn", "out0")
HERE, CAME = ErrorOrigin.HERE, ErrorOrigin.INHERITED


def born(make, site, relative=5e-4):
    return make.divergent(
        site, relative, origin=HERE, local_abs_error=2 * relative, local_rel_error=relative
    )


def came(make, site, relative=5e-4):
    return make.divergent(site, relative, origin=CAME, local_abs_error=1e-7, local_rel_error=1e-7)


def owning(compared, *own):
    return replace(compared, first_own_divergence={site.direction: site for site in own})


def divergences(found):
    return [one for one in found if one.detector == "first_divergence"]


def test_the_site_of_the_own_error_is_named_and_not_the_first_inherited_one(engine, make):
    compared = owning(make.compared(came(make, FC1), born(make, BN)), BN)
    (found,) = divergences(engine.on_step(make.step(), compared))
    assert found.site_id == BN.id
    assert found.title.endswith(
        "bn (BatchNorm1d), in the forward pass: the difference is born there"
    )
    assert "Given ORT's own input, eager PyTorch still gets another result" in found.explanation
    assert "Still off on ORT's own input (relative 0.0005): its own error." in found.evidence
    assert "Run the module alone" in found.remedy
    assert found.severity is Severity.WARNING


def test_a_gross_own_error_is_an_error_though_the_forward_pass_diverges_too(engine, make):
    compared = owning(make.compared(born(make, FC1), born(make, FC2_BACK, 0.5)), FC1, FC2_BACK)
    forward, backward = divergences(engine.on_step(make.step(), compared))
    by_site = {one.site_id: one for one in (forward, backward)}
    assert by_site[FC1.id].severity is Severity.WARNING
    assert by_site[FC2_BACK.id].severity is Severity.ERROR
    assert "the very gradient that arrived" in by_site[FC2_BACK.id].explanation


def test_what_came_in_from_a_named_site_is_information(engine, make):
    compared = owning(make.compared(born(make, FC1), came(make, FC2_BACK, 0.5)), FC1)
    found = {one.site_id: one for one in divergences(engine.on_step(make.step(), compared))}
    backward = found[FC2_BACK.id]
    assert backward.severity is Severity.INFO
    assert "already part at fc1 (forward)" in backward.explanation
    assert "Begin with fc1" in backward.remedy


def test_what_no_module_makes_says_so_and_how_to_allow_it(engine, make):
    (found,) = divergences(engine.on_step(make.step(), make.compared(came(make, FC2, 0.5))))
    assert found.severity is Severity.WARNING
    assert "It came in" in found.explanation
    assert "No module that was looked at makes this difference by itself" in found.explanation
    assert 'tolerances={"forward/fc2*": …}' in found.remedy
    assert "On ORT's own input it is rounding (relative 1e-07): it came in." in found.evidence


def test_what_follows_from_an_ill_conditioned_gradient_says_so(engine, make):
    shaky = make.divergent(
        FC2_BACK,
        verdict=Verdict.ROUNDING,
        reason="Ill-conditioned here: …",
        noise_floor=5e-4,
        tolerance_reason="8 times its noise floor of 0.0005",
    )
    for relative, severity in ((5e-4, Severity.INFO), (0.5, Severity.WARNING)):
        compared = make.compared(make.divergent(FC1_GRAD, relative), shaky)
        (found,) = divergences(engine.on_step(make.step(), compared))
        assert (found.severity, found.site_id, found.origin) == (severity, FC1_GRAD.id, False)
        assert "fc2 (backward), before it, is ill-conditioned" in found.explanation
    apart = replace(shaky, reason="")
    compared = make.compared(make.divergent(FC2_GRAD), apart)
    (found,) = divergences(engine.on_step(make.step(), compared))
    assert "run.verify_next()" in found.explanation


def test_an_earlier_divergence_that_nothing_explains_is_named_too(engine, make):
    compared = owning(make.compared(make.divergent(FC1), born(make, BN)), BN)
    found = divergences(engine.on_step(make.step(), compared))
    assert [one.site_id for one in found] == [FC1.id, BN.id]


def test_the_evidence_is_three_short_sentences_however_much_is_known(engine, make):
    site = replace(born(make, FC1, 0.5), noise_floor=1e-5, reason="Long. Longer. Longest.")
    (found,) = divergences(engine.on_step(make.step(), owning(make.compared(site), FC1)))
    assert found.evidence == (
        "Off by up to 1 (relative 0.5; 0.0001 is allowed). Worst at [1, 2]: eager 0.5, ORT 0.6. "
        "Still off on ORT's own input (relative 0.5): its own error."
    )


def test_a_later_step_adds_one_sentence(engine, make):
    for step, relative in ((2, 0.5), (4, 0.25)):
        compared = make.compared(make.divergent(FC1, relative), step=step)
        (found,) = divergences(engine.on_step(make.step(step), compared))
    assert found.evidence.endswith(
        "ORT 0.6. Latest, step 4: Off by up to 0.5 (relative 0.25; 0.0001 is allowed)."
    )
