"""Values inside modules in findings: they sharpen what is said and are taken for no output."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.record import Direction, Site, SiteRecord, SiteStatus

F, B = Direction.FORWARD, Direction.BACKWARD
FC1 = Site(F, "fc1", "out0")


def with_inner(record, site, stats, before):
    """The record with one more value in ORT's run, right before ``before``."""
    records = []
    for one in record.candidate:
        if one.site == before:
            records.append(SiteRecord(site, 0, SiteStatus.CAPTURED, stats, value_name="v"))
        records.append(one)
    return replace(record, candidate=tuple(replace(one, order=i) for i, one in enumerate(records)))


def test_the_first_value_inside_is_named(engine, make, only):
    record = make.step(both=dict.fromkeys((FC1, Site(F, "", "out0")), make.NAN))
    record = with_inner(record, Site(F, "fc1", "Div_output_0"), make.NAN, FC1)
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert found.site_id == FC1.id
    assert "Inside, the first is Div_output_0 in ORT's graph." in found.evidence


def test_a_value_between_modules_takes_the_blame_off_the_module_after_it(engine, make, only):
    fc2 = Site(F, "fc2", "out0")
    record = make.step(both=dict.fromkeys((fc2, Site(F, "", "out0")), make.NAN))
    log = Site(F, "", "Log_output_0")
    record = with_inner(record, log, make.INF, fc2)
    found = only(engine.on_step(record, make.compared()), "nonfinite_origin")
    assert (found.site_id, found.module) == (log.id, "")
    assert found.title == (
        "Before fc2 (Linear), Log_output_0 in ORT's graph is the first value that is infinite"
    )
    assert "made by functional code before fc2" in found.explanation
    assert "The same on both sides" in found.evidence


@pytest.mark.parametrize("direction", [F, B])
def test_a_value_inside_the_root_is_not_its_output(engine, make, direction):
    healthy = make.step()
    inner = Site(direction, "", "Where_output_0")
    at = next(one.site for one in healthy.candidate if one.site.direction is direction)
    record = with_inner(healthy, inner, make.INF, at)
    found = [one for one in engine.on_step(record, make.compared())
             if one.detector == "nonfinite_origin"]  # fmt: skip
    if direction is F:
        # Masked scores are −inf on purpose; nothing that leaves the model is.
        assert found == []
    else:
        assert [one.site_id for one in found] == [inner.id]
        assert "Where_output_0 in ORT's graph" in found[0].evidence
