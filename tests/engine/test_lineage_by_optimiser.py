"""Lineage of the last stage against ONNX Runtime's optimisers, run one at a time.

The second truth, beside the numbers of ``test_lineage``: see ``single_optimisers``, which knows
nothing of how lineage is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest

from ortviz.graphs.lineage import trace_lineage
from ortviz.record import GraphRecord, LinkKind, Mode, Stage, StageLineage
from tests.engine.families import Family
from tests.engine.lineage_exports import exported
from tests.engine.lineage_models import LINEAGE_FAMILIES
from tests.engine.single_optimisers import Chain, Made, run_one_at_a_time

pytestmark = pytest.mark.engine

FAMILIES = [each for each in LINEAGE_FAMILIES if each.name in {"transformer", "resnet", "lstm"}]
_NOT_FROM = {LinkKind.ADDED, LinkKind.UNTRACED}
_REASONS = {
    "EliminateIdentity": ("does nothing",),
    "CommonSubexpressionElimination": ("computes the same",),
    "ConstantFolding": ("constant", "ahead"),
}


@dataclass
class Last:
    """The last two stages of one mode, what lineage says of them, and the truth."""

    name: str
    before: GraphRecord
    after: GraphRecord
    lineage: StageLineage
    chain: Chain


def _last(family: Family, folder: Path) -> Iterator[Last]:
    graphs = {(each.mode, each.stage): each for each in exported(family, folder)[2]}
    for mode in Mode:
        before, after = (graphs[mode, each] for each in (Stage.OPTIMIZED, Stage.EXECUTION_MODEL))
        chain = run_one_at_a_time(before.model_bytes, folder)
        yield Last(family.name, before, after, trace_lineage(before, after), chain)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def last_stages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Last]:
    """Training and inference of one model."""
    return list(_last(request.param, tmp_path_factory.mktemp("optimisers")))


def test_the_optimisers_make_the_execution_model(last_stages: list[Last]) -> None:
    """Or the truth would be that of another graph."""
    for last in last_stages:
        executed = onnx.load_model_from_string(last.after.model_bytes)
        one, other = (
            sorted((node.op_type, *node.input, ">", *node.output) for node in model.graph.node)
            for model in (executed, last.chain.result)
        )
        assert one == other
        for step in last.chain.steps:
            print(last.name, last.before.mode, step.optimiser, len(step.gone), len(step.new))
        assert last.chain.steps


def test_each_node_comes_from_what_an_optimiser_made_it_from(last_stages: list[Last]) -> None:
    for last in last_stages:
        made = _by_outputs(last)
        wrong, traced = [], 0
        for number, fate in enumerate(last.lineage.nodes):
            node = last.after.nodes[number]
            truth = made[node.outputs]
            said = set() if fate.kind in _NOT_FROM else _sources(last.lineage, number)
            traced += fate.kind is not LinkKind.UNTRACED
            if said != truth.all or not (said & truth.ends or not truth.ends):
                names = [
                    [last.before.nodes[each].name for each in sorted(part)]
                    for part in (said, truth.all)
                ]
                wrong.append((node.op_type, node.name, fate.kind.value, *names))
        assert wrong == []
        assert traced == len(last.after.nodes)


def test_what_went_went_with_the_optimiser_that_lineage_gives_as_the_reason(
    last_stages: list[Last],
) -> None:
    for last in last_stages:
        removed = {
            number
            for number, fate in enumerate(last.lineage.previous_nodes)
            if fate.kind is LinkKind.REMOVED
        }
        assert removed == set(last.chain.removed_by)
        for number, optimiser in last.chain.removed_by.items():
            why = last.lineage.previous_nodes[number].evidence
            words = _REASONS.get(optimiser)
            assert words is None or any(word in why for word in words), (number, optimiser, why)


def _by_outputs(last: Last) -> dict[tuple[str, ...], Made]:
    nodes = last.chain.result.graph.node
    return {tuple(node.output): made for node, made in zip(nodes, last.chain.made, strict=True)}


def _sources(lineage: StageLineage, node: int) -> set[int]:
    kept = lineage.previous_nodes
    return {
        old for old, new in lineage.links if new == node and kept[old].kind is not LinkKind.REMOVED
    }
