"""What a real run recorded, laid over its graphs: at the node where it happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ortviz.protocol.codec import column_array
from ortviz.record import SiteStatus, Stage
from ortviz.session.commands import handle
from ortviz.session.run import Run
from tests.engine.fault_cases import CASES
from tests.engine.test_planted_faults import STRUCK, train

pytestmark = pytest.mark.engine

DIVERGENT = 2
STAGES = [stage for stage in Stage if stage is not Stage.MODEL]
CASE = next(case for case in CASES if case.name == "Gelu by its approximation")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(CASE, tmp_path_factory.mktemp("overlay"), level="tensor", node_times=3)


def overlay(run: Run, stage: Stage, step: int) -> dict[str, np.ndarray]:
    """Its columns; ``sites`` as text."""
    params = {"mode": "training", "stage": stage.value, "step": step}
    payload, buffers = run.read(lambda reader: handle(reader, "graph_overlay", params))
    assert isinstance(payload, dict)
    found = {
        name: column_array(column, buffers)
        for name, column in payload.items()
        if isinstance(column, dict) and "buffer" in column
    }
    table = payload["site_ids"]
    text = column_array(table["text"], buffers).tobytes()
    ends = column_array(table["ends"], buffers).tolist()
    starts = [0, *ends[:-1]]
    found["sites"] = np.array([text[a:b].decode() for a, b in zip(starts, ends, strict=True)])
    return found


def names(run: Run, stage: Stage) -> list[str]:
    """Names of the values, by number."""
    params = {"mode": "training", "stage": stage.value}
    payload, buffers = run.read(lambda reader: handle(reader, "graph_structure", params))
    assert isinstance(payload, dict)
    table = payload["value_names"]
    text = column_array(table["text"], buffers).tobytes()
    ends = column_array(table["ends"], buffers).tolist()
    return [text[a:b].decode() for a, b in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize("stage", STAGES)
def test_every_tensor_is_the_value_of_its_name(run: Run, stage: Stage) -> None:
    seen, known = overlay(run, stage, STRUCK), names(run, stage)
    recorded = {each.site.id: each for each in run.steps[STRUCK].record.candidate}
    assert len(seen["value"]) == len(set(seen["value"].tolist()))
    for number, site in zip(seen["value"].tolist(), seen["sites"].tolist(), strict=True):
        name = recorded[site].value_name
        if name:
            assert known[number] == name
    made = set(known)
    missing = [
        each
        for each in recorded.values()
        if each.status is SiteStatus.CAPTURED
        and each.value_name in made
        and known.index(each.value_name) not in seen["value"]
    ]
    assert not missing
    if stage is Stage.EXECUTION_MODEL:
        assert seen["backward"].sum() > 50
        assert (seen["backward"] == 0).sum() > 50


def test_a_planted_fault_shows_at_the_node_that_makes_it(run: Run) -> None:
    for site in CASE.own.values():
        at = overlay(run, Stage.EXECUTION_MODEL, STRUCK)
        (row,) = np.flatnonzero(at["sites"] == site)
        assert at["verdict"][row] == DIVERGENT
        assert at["born_here"][row] == 1
        assert at["max_rel_error"][row] > 1e-4
        graph = run.read(lambda reader: reader.graph("training", "execution_model"))
        value = names(run, Stage.EXECUTION_MODEL)[at["value"][row]]
        (maker,) = [node for node in graph.nodes if value in node.outputs]
        assert maker.op_type == "Where", "what the fault planted chooses between right and wrong"
    others = overlay(run, Stage.EXECUTION_MODEL, STRUCK + 1)
    assert not (others["verdict"] == DIVERGENT).any()
    assert not others["born_here"].any()


def test_times_are_those_of_the_graph_that_runs(run: Run) -> None:
    at = overlay(run, Stage.EXECUTION_MODEL, STRUCK)
    graph = run.read(lambda reader: reader.graph("training", "execution_model"))
    ran = {node.index for node in graph.nodes if node.op_type != "YieldOp"}
    assert set(at["timed_node"].tolist()) == ran
    assert at["node_secs"].sum() == pytest.approx(run.node_times.measured.node_secs)
    assert len(overlay(run, Stage.TORCH_EXPORTED, STRUCK)["timed_node"]) == 0


def test_kept_tensors_can_be_looked_at(tmp_path: Path) -> None:
    run = train(CASE, tmp_path, keep="forward/head#out0")
    for side in ("reference", "candidate"):
        params = {"step": STRUCK, "site_id": "forward/head#out0", "side": side}
        payload, buffers = run.read(lambda reader, p=params: handle(reader, "tensor_values", p))
        assert isinstance(payload, dict)
        kept = run.steps[STRUCK].tensor("forward/head#out0", side)
        np.testing.assert_array_equal(
            column_array(payload["values"], buffers), kept.astype(np.float64).ravel()
        )
        assert payload["status"] == "captured"
    params["site_id"] = "forward/shared#out0"
    payload, _ = run.read(lambda reader: handle(reader, "tensor_values", params))
    assert isinstance(payload, dict)
    assert payload["status"] == "not_captured"
    assert "keep='forward/shared#out0'" in payload["reason"]
