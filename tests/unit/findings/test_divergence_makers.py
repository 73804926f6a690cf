"""Whose backward pass makes a gradient, and what ORT does not show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.findings.detectors.users import enclosing
from ortviz.record import (
    Direction,
    ErrorOrigin,
    GraphRecord,
    Half,
    Mode,
    NodeRecord,
    Site,
    SiteStatus,
    Stage,
    Verdict,
)

FC1_BACK = Site(Direction.BACKWARD, "fc1", "out0")
FC1, BN, FC2 = (Site(Direction.FORWARD, name, "out0") for name in ("fc1", "bn", "fc2"))


def graph(*users: str | None, stage: Stage = Stage.TORCH_EXPORTED) -> GraphRecord:
    nodes = [
        NodeRecord(i, "", "Relu", "", ("h",), (f"y{i}",), Half.FORWARD, module)
        for i, module in enumerate(users)
    ]
    nodes.append(NodeRecord(99, "", "Shape", "", ("h",), ("s",), Half.FORWARD, "fc2"))
    return GraphRecord(Mode.TRAINING, stage, tuple(nodes), (), b"")


def named(record, site, value):
    """ORT's side of a step in which a site's value has a name."""
    candidate = tuple(
        replace(seen, value_name=value) if seen.site == site else seen for seen in record.candidate
    )
    return replace(record, candidate=candidate)


def divergence(engine, record, compared):
    found = [f for f in engine.on_step(record, compared) if f.detector == "first_divergence"]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("users", "module", "words"),
    [
        (("bn",), "bn", "in the backward pass of bn (BatchNorm1d), at the gradient it gives fc1"),
        (("bn", "bn", None), "bn", "in the backward pass of bn (BatchNorm1d), at"),
        (("bn", ""), "", "of bn (BatchNorm1d), the model itself (Net), at the gradient it"),
        ((), "fc1", "first part at fc1 (Linear), in the backward pass"),
    ],
)
def test_a_wrong_gradient_is_blamed_on_what_takes_the_output(engine, make, users, module, words):
    engine.on_graph(graph("fc2", stage=Stage.OPTIMIZED))
    engine.on_graph(graph(*users))
    record = named(make.step(), FC1_BACK, "h_grad")
    found = divergence(engine, record, make.compared(make.divergent(FC1_BACK, 0.5)))
    assert words in found.title
    assert found.module == module
    assert found.site_id == FC1_BACK.id


def test_only_the_latest_export_counts(engine, make):
    engine.on_graph(graph("fc2"))
    engine.on_graph(graph("bn"))
    record = named(make.step(), FC1_BACK, "h_grad")
    found = divergence(engine, record, make.compared(make.divergent(FC1_BACK, 0.5)))
    assert found.module == "bn"


def test_what_was_merged_away_since_the_last_agreement_is_suspected(engine, make):
    record = make.step(candidate={BN: SiteStatus.FUSED_AWAY})
    missing = replace(make.divergent(BN, 0.0), verdict=Verdict.NOT_COMPARABLE)
    found = divergence(engine, record, make.compared(missing, make.divergent(FC2, 0.5)))
    assert "ORT merged the output of bn into other operations" in found.explanation
    later = divergence(engine, record, make.compared(missing, make.divergent(FC1, 0.5)))
    assert "merged" not in later.explanation, "bn runs after fc1"


def test_where_it_is_born_only_what_is_inside_is_suspected(engine, make):
    record = make.step(candidate={BN: SiteStatus.FUSED_AWAY})
    missing = replace(make.divergent(BN, 0.0), verdict=Verdict.NOT_COMPARABLE)
    root = Site(Direction.FORWARD, "", "out0")
    for site, suspected in ((FC2, False), (root, True)):
        born = make.divergent(site, 0.5, origin=ErrorOrigin.HERE, local_rel_error=0.5)
        compared = replace(
            make.compared(missing, born), first_own_divergence={Direction.FORWARD: site}
        )
        found = divergence(engine, record, compared)
        assert ("merged the output of bn" in found.explanation) is suspected


@pytest.mark.parametrize(
    ("modules", "holder"),
    [
        (("a.b",), "a.b"),
        (("a.b.norm", "a.b"), "a.b"),
        (("a.b.norm", "a.c"), "a"),
        (("ab", "ac"), ""),
        (("a", ""), ""),
    ],
)
def test_the_module_that_holds_several(modules, holder):
    assert enclosing(modules) == holder
