"""Nodes followed through the stages of one export."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ortviz.errors import UnknownNameError
from ortviz.record import GraphRecord, LinkKind, Mode, Stage
from ortviz.session.lineage import lineage_of, stage_lineage
from tests.saved_stages import SavedStages
from tests.unit.graphs.lineage_graphs import constant, op, stage

MS = "com.microsoft"
FORWARD = [op("Add", "x b", "/m/s", "/m/Add"), op("Gelu", "/m/s", "y", "Gelu", MS)]
BACKWARD = [
    op("YieldOp", "y", "y_grad", "YieldOp", MS),
    op("Identity", "y_grad", "i", "Gelu_Grad/Identity_1"),
    op("GeluGrad", "i /m/s", "/m/s_grad", "Gelu_Grad/GeluGrad_0", MS),
]
EXECUTED = [
    op("BiasGelu", "x b", "y", "BiasGelu", MS),
    BACKWARD[0],
    op("Add", "x b", "/m/s", "/m/Add"),
    op("GeluGrad", "y_grad /m/s", "/m/s_grad", "Gelu_Grad/GeluGrad_0", MS),
]


def stages() -> list[GraphRecord]:
    return [
        stage(Stage.TORCH_EXPORTED, [constant("b", 1.0), *FORWARD]),
        stage(Stage.OPTIMIZED_PRE_GRAD, FORWARD, stored={"b": 1.0}),
        stage(Stage.OPTIMIZED, [*FORWARD, *BACKWARD], stored={"b": 1.0}),
        stage(Stage.EXECUTION_MODEL, EXECUTED, stored={"b": 1.0}),
    ]


def test_a_node_is_followed_back_to_the_first_stage() -> None:
    lineage = lineage_of(SavedStages(stages()), "training", "execution_model")
    assert (lineage.stage, lineage.previous) == (Stage.EXECUTION_MODEL, Stage.OPTIMIZED)
    assert lineage.kinds[0] is LinkKind.FUSED
    trace = lineage.origin_of("BiasGelu")
    assert [step.stage for step in trace] == [
        "execution_model",
        "optimized",
        "optimized_pre_grad",
        "torch_exported",
    ]
    assert [node.name for node in trace["torch_exported"]] == ["/m/Add", "Gelu"]
    assert [fate.kind for fate in trace.steps[0].fates] == [LinkKind.FUSED]
    assert trace.end.stage == "torch_exported"
    assert "BiasGelu" in repr(trace)
    assert "Add m/Add" not in repr(trace)


def test_a_gradient_node_leads_to_what_it_serves() -> None:
    lineage = lineage_of(SavedStages(stages()), "training", "execution_model")
    trace = lineage.origin_of("/m/s_grad")
    assert [step.serves for step in trace] == [False, False, True, True]
    assert [node.name for node in trace["torch_exported"]] == ["Gelu"]
    assert "for Gelu Gelu" in repr(trace)


def test_what_became_of_a_node() -> None:
    lineage = lineage_of(SavedStages(stages()), "training", "torch_exported")
    assert lineage.previous is None
    assert "first stage" in repr(lineage)
    gelu = lineage.successors_of("Gelu")
    assert [node.name for node in gelu["execution_model"]] == ["BiasGelu"]
    folded = lineage.successors_of(0)
    assert [len(step.nodes) for step in folded] == [1, 0, 0, 0]
    assert folded.steps[0].fates[0].kind is LinkKind.REMOVED
    assert folded.end.stage == "torch_exported"
    assert lineage.successors_of("/m/Add")["execution_model"][0].index == 0


def test_it_reads_as_sentences() -> None:
    lineage = lineage_of(SavedStages(stages()), "training", "execution_model")
    assert "optimized → execution_model (training)" in repr(lineage)
    assert "1 Add + Gelu became BiasGelu" in repr(lineage)


def test_unknown_nodes_and_stages_are_named() -> None:
    source = SavedStages(stages())
    lineage = lineage_of(source, "training", "optimized")
    with pytest.raises(UnknownNameError, match=r"no node 99 .*\n?.*0 to 4"):
        lineage.origin_of(99)
    with pytest.raises(UnknownNameError, match="no node or tensor of that name"):
        lineage.origin_of("nothing")
    with pytest.raises(UnknownNameError, match="does not go through 'execution_model'"):
        lineage.origin_of(0)["execution_model"]
    with pytest.raises(UnknownNameError):
        lineage_of(source, "inference", "optimized")


def test_only_stages_of_the_same_export_belong_together() -> None:
    first = stages()
    again = [replace(first[-1], export_index=1)]
    assert (
        stage_lineage(SavedStages([*first, *again]), Mode.TRAINING, "execution_model").links == ()
    )
    assert stage_lineage(SavedStages(first), Mode.TRAINING, "execution_model").links


def test_a_lone_file_has_no_stage_before_it() -> None:
    lone = stage(Stage.MODEL, FORWARD)
    found = stage_lineage(SavedStages([*stages(), lone]), Mode.TRAINING, Stage.MODEL)
    assert found.previous is None
