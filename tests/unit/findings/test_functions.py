"""A custom Function whose backward is in no graph of ORT's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.findings import FindingsEngine
from ortviz.findings.detectors.functions import IgnoredBackward
from ortviz.record import (
    Direction,
    FunctionCall,
    GraphRecord,
    Half,
    Mode,
    NodeRecord,
    Severity,
    Site,
    SiteComparison,
    SiteStatus,
    Stage,
    Verdict,
)

CALL = FunctionCall("Clip", "fc1")
GRADIENT = Site(Direction.BACKWARD, "fc1", "out0")


def graph(*names: str, stage: Stage = Stage.POST_PROCESSED) -> GraphRecord:
    nodes = tuple(
        NodeRecord(i, name, "PythonOp", "com.microsoft", (), (f"v{i}",), Half.FORWARD, "fc1")
        for i, name in enumerate(names)
    )
    return GraphRecord(Mode.TRAINING, stage, nodes, (), b"")


def found(make, record, comparison, *names, torch="2.13.0+cpu"):
    info = make.info(versions=(("torch", torch),))
    engine = FindingsEngine(info, (IgnoredBackward,))
    engine.on_graph(graph(*names))
    engine.on_graph(graph("gone", stage=Stage.EXECUTION_MODEL))
    engine.on_step(record, comparison)
    return engine.findings()


def test_a_function_that_is_not_in_the_graph(make):
    record = replace(make.step(), functions=(CALL,))
    (finding,) = found(make, record, make.compared())
    assert finding.severity is Severity.WARNING
    assert finding.title == "ORT does not run the backward of Clip in fc1 (Linear)"
    assert (finding.module, finding.first_step) == ("fc1", 3)
    assert "agree within rounding all the same" in finding.evidence
    assert "this is torch 2.13.0+cpu" in finding.remedy


def test_it_is_an_error_where_gradients_differ(make):
    record = replace(make.step(), functions=(CALL,))
    divergent = SiteComparison(GRADIENT, Verdict.DIVERGENT, "Off.", 1.0, 1.0)
    (finding,) = found(make, record, make.compared(divergent))
    assert finding.severity is Severity.ERROR
    assert finding.site_id == GRADIENT.id
    assert f"first at {GRADIENT.id}" in finding.evidence


def test_it_is_an_error_where_ort_has_no_gradient(make):
    weight = Site(Direction.PARAMETER_GRAD, "fc1", "weight")
    record = make.step(candidate={weight: SiteStatus.NO_GRADIENT})
    record = replace(record, functions=(CALL,))
    missing = SiteComparison(weight, Verdict.NOT_COMPARABLE, "ORT has no gradient here.")
    (finding,) = found(make, record, make.compared(missing))
    assert (finding.severity, finding.site_id) == (Severity.ERROR, weight.id)


def test_later_steps_in_which_nobody_looked_count_too(make):
    engine = FindingsEngine(make.info(), (IgnoredBackward,))
    engine.on_graph(graph())
    engine.on_step(replace(make.step(1), functions=(CALL,)), make.compared(step=1))
    engine.on_step(make.step(2), make.compared(step=2))
    (finding,) = engine.findings()
    assert (finding.first_step, finding.last_step) == (1, 2)


@pytest.mark.parametrize("torch", ["2.4.1+cu121", "2.6.0"])
def test_where_the_installed_torch_could_run_it_the_switch_is_named(make, torch):
    record = replace(make.step(), functions=(CALL,))
    (finding,) = found(make, record, make.compared(), torch=torch)
    assert "ORTMODULE_ENABLE_CUSTOM_AUTOGRAD=1" in finding.remedy


def test_healthy_runs(make):
    called = replace(make.step(), functions=(CALL,))
    assert not found(make, called, make.compared(), "package.module.Clip_id_4")
    assert found(make, called, make.compared(), "package.Other_id_4")
    assert not found(make, make.step(), make.compared())
    assert not found(make, replace(called, fallback=True), make.compared())
    unknown = FindingsEngine(make.info(), (IgnoredBackward,))
    unknown.on_step(called, make.compared())
    assert not unknown.findings(), "without a graph nothing is claimed"
