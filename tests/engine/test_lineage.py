"""Lineage and modules on real exports, against a truth that knows no names.

Lineage is computed from names and structure. The truth here is computed from numbers:

- ``lineage_truth`` runs the execution model so that every tensor of it comes out, and the graph
  that torch exported in torch itself (``onnx_in_torch``), so that autograd tells every gradient and
  what flows back through each single use of a value. Tensors of random numbers are equal only
  where they are the same tensor. An execution node comes from the exported nodes between the
  tensors that equal its inputs and those that equal its outputs; a gradient node serves a forward
  node when its output is what flows back through that node.
- ``module_truth`` notes every operation of an eager forward pass with the module that is running.
  An exported node belongs to a module in which an operation gave its very numbers; one that no
  single operation of eager PyTorch equals (the MatMul of a Linear) to the module of what uses it.

A third truth, of ORT's own optimisers run one at a time, is in ``test_lineage_by_optimiser``.

What numbers cannot decide (a gradient that is zero by theory, as of a key's bias before a softmax)
counts neither as right nor as wrong; how much they decide is asserted too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from ortviz.capture import finish, wrap_module
from ortviz.graphs.lineage import trace_lineage
from ortviz.record import GraphRecord, Half, LinkKind, Mode, NodeRecord, Stage
from ortviz.session.lineage import Lineage, Trace, lineage_of
from tests.engine.families import Family
from tests.engine.lineage_exports import exported
from tests.engine.lineage_models import LINEAGE_FAMILIES, Convolutions
from tests.engine.lineage_truth import Truth
from tests.engine.module_truth import ModuleTruth, operations
from tests.engine.sinks import ListSink
from tests.saved_stages import SavedStages

pytestmark = pytest.mark.engine

TRACED_SHARE = 0.99
DECIDED_SHARE = 0.95
REFUSED_SHARE = 0.7


@dataclass
class Case:
    """One exported model in one mode, with both truths."""

    name: str
    stages: SavedStages
    mode: Mode
    model: nn.Module
    batch: torch.Tensor
    lineage: Lineage = field(init=False)
    truth: Truth = field(init=False)
    modules: ModuleTruth = field(init=False)

    def __post_init__(self) -> None:
        self.lineage = lineage_of(self.stages, self.mode, Stage.EXECUTION_MODEL)
        exported, execution = (
            onnx.load_model_from_string(self.graph(stage).model_bytes)
            for stage in (Stage.TORCH_EXPORTED, Stage.EXECUTION_MODEL)
        )
        self.truth = Truth(exported, execution, self._feeds(exported))
        eager = copy.deepcopy(self.model).train(self.mode is Mode.TRAINING)
        noted = operations(eager, self.batch, self.truth.masks())
        self.modules = ModuleTruth(self.truth.exported, noted)

    def graph(self, stage: Stage) -> GraphRecord:
        """One saved stage."""
        return self.stages.graph(self.mode, stage)

    @property
    def nodes(self) -> list[NodeRecord]:
        """Of the execution model; the YieldOp joins its halves and has no origin of its own."""
        nodes = self.graph(Stage.EXECUTION_MODEL).nodes
        return [node for node in nodes if node.op_type != "YieldOp"]

    def _feeds(self, exported: onnx.ModelProto) -> dict[str, torch.Tensor]:
        own = (
            *self.model.named_parameters(remove_duplicate=False),
            *self.model.named_buffers(remove_duplicate=False),
        )
        state = {f"_original_module.{name}": value.detach().clone() for name, value in own}
        names = [each.name for each in exported.graph.input]
        return {name: state.get(name, self.batch) for name in names}


def _cases(family: Family, folder: Path) -> Iterator[Case]:
    model, batch, graphs = exported(family, folder)
    for mode in Mode:
        yield Case(family.name, SavedStages(graphs), mode, model, batch)


@pytest.fixture(scope="module", params=LINEAGE_FAMILIES, ids=lambda family: family.name)
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Training and inference of one model."""
    return list(_cases(request.param, tmp_path_factory.mktemp("lineage")))


def test_nodes_of_the_execution_model_come_from_where_lineage_says(cases: list[Case]) -> None:
    for case in cases:
        verdicts: dict[int, bool | None] = {}
        origins: dict[int, set[int]] = {}
        for node in reversed(case.nodes):
            trace = case.lineage.origin_of(node.index)
            origin = origins[node.index] = {each.index for each in trace["torch_exported"]}
            verdict = _is_right(case.truth, node, trace, origin)
            if verdict is None and _only_serves(node, case, origins, verdicts):
                verdict = True
            verdicts[node.index] = verdict
        count = len(verdicts)
        traced = sum(bool(origin) for origin in origins.values())
        decided = sum(verdict is not None for verdict in verdicts.values())
        print(f"{case.name} {case.mode}: {traced} of {count} nodes traced, {decided} decided")
        wrong = [number for number, verdict in verdicts.items() if verdict is False]
        assert [(node.op_type, node.name) for node in case.nodes if node.index in wrong] == []
        assert traced / count >= TRACED_SHARE
        assert decided / count >= DECIDED_SHARE


def _only_serves(
    node: NodeRecord,
    case: Case,
    origins: dict[int, set[int]],
    verdicts: dict[int, bool | None],
) -> bool:
    """What torch's backward pass does not compute is right where all that use it are."""
    users = [each for each in case.nodes if set(node.outputs) & set(each.inputs)]
    return bool(users) and all(
        verdicts[user.index] and origins[user.index] == origins[node.index] for user in users
    )


def _is_right(truth: Truth, node: NodeRecord, trace: Trace, origin: set[int]) -> bool | None:
    if not origin:
        return None
    if not trace.steps[-1].serves:
        region = truth.region(node.index)
        made = {number for value in node.outputs for number in truth.made_by(value)}
        return (origin <= region and (not made or bool(made & origin))) if region else None
    values = [value for value in node.outputs if value]
    if any(truth.flows_back_through(value, truth.moved_with(origin)) for value in values):
        return True
    # What gradient building computes on the way has no equal in torch's backward pass.
    return False if any(truth.backward_of(value) for value in values) else None


def test_the_truth_says_no_to_other_origins(cases: list[Case]) -> None:
    """Or it would prove nothing."""
    for case in cases:
        nodes = case.graph(Stage.TORCH_EXPORTED).nodes
        others = [node.index for node in nodes if node.op_type != "Constant"]
        asked = refused = 0
        for at, node in enumerate(case.nodes[:: max(len(case.nodes) // 24, 1)]):
            trace = case.lineage.origin_of(node.index)
            other = others[(at * 7 + 3) % len(others)]
            if other not in {each.index for each in trace["torch_exported"]}:
                asked += 1
                refused += _is_right(case.truth, node, trace, {other}) is False
        assert refused / asked >= REFUSED_SHARE, (case.name, case.mode, refused, asked)


def test_nodes_of_the_execution_model_belong_to_the_modules_that_ran(cases: list[Case]) -> None:
    for case in cases:
        wrong = []
        for node in case.nodes:
            origin = {each.index for each in case.lineage.origin_of(node.index)["torch_exported"]}
            made = {each for value in node.outputs for each in case.truth.made_by(value)}
            # Of nodes that were fused the last one gives the output, and with it the module.
            last = made & origin if node.half is Half.FORWARD else set()
            allowed = {module for each in last or origin for module in case.modules.of(each)}
            assert allowed, node
            if node.module not in allowed:
                wrong.append((node.op_type, node.name, node.module, node.evidence, allowed))
        assert wrong == []
        assert all(node.module is not None for node in case.nodes)


def test_nodes_of_the_export_belong_to_the_modules_that_ran(cases: list[Case]) -> None:
    """Constants make nothing of their own, and what hands a result out stands outside of all."""
    for case in cases:
        nodes = [
            node
            for node in case.graph(Stage.TORCH_EXPORTED).nodes
            if node.op_type != "Constant" and node.evidence != "model_output"
        ]
        told = [(node, case.modules.of(node.index)) for node in nodes]
        assert [node for node, allowed in told if node.module not in allowed] == []
        assert sum(case.modules.is_certain(node.index) for node in nodes) > 5


def test_each_fused_node_took_in_all_that_was_between(cases: list[Case]) -> None:
    """Lineage misses no node: what numbers say was rewritten into one node, it names.

    A node that another one of the execution model comes from (it was moved, not taken in) is not
    missed either; of nodes that compute the same the optimiser may have taken another.
    """
    for case in cases:
        origins = {
            node.index: {
                each.index for each in case.lineage.origin_of(node.index)["torch_exported"]
            }
            for node in case.nodes
            if node.half is Half.FORWARD
        }
        anywhere = set().union(*origins.values())
        for number, origin in origins.items():
            for merged in case.truth.merged(number) - origin:
                twins = case.truth.twins(merged)
                assert twins & origin or merged in anywhere, (number, merged)


def test_removed_nodes_were_removed_for_the_reason_given(cases: list[Case]) -> None:
    """From the export to the first rewriting, whose tensors torch can compute."""
    for case in cases:
        saved = [kept.graph.stage for kept in case.stages.graphs() if kept.graph.mode is case.mode]
        after = case.graph(saved[2])
        lineage = trace_lineage(case.graph(saved[1]), after)
        assert after.stage is not Stage.EXECUTION_MODEL
        for number, fate in enumerate(lineage.previous_nodes):
            assert fate.kind is not LinkKind.UNTRACED
            if fate.kind is not LinkKind.REMOVED:
                continue
            node = case.graph(saved[1]).nodes[number]
            if "does nothing" in fate.evidence:
                assert case.truth.equal_tensors(node.outputs[0], node.inputs[0]), node
            elif "computes the same" in fate.evidence:
                twins = [after.nodes[new] for old, new in lineage.links if old == number]
                values = [value for twin in twins for value in twin.outputs]
                assert any(case.truth.equal_tensors(node.outputs[0], each) for each in values), node
            elif "constant" in fate.evidence:
                assert case.truth.never_varies(node.outputs[0]), node


def test_words_count_what_happened(cases: list[Case]) -> None:
    for case in cases:
        chain = [case.lineage, lineage_of(case.stages, case.mode, Stage.OPTIMIZED)]
        texts = [sentence.text for lineage in chain for sentence in lineage.sentences]
        built = [text for text in texts if text.endswith("were added by gradient building")]
        assert bool(built) == (case.mode is Mode.TRAINING)
        if case.name == "transformer" and case.mode is Mode.TRAINING:
            assert "13 Transpose + MatMul became FusedMatMul" in texts
        if case.name == "transformer" and case.mode is Mode.INFERENCE:
            assert "2 Add × 2 + Div + Erf + Mul × 2 became BiasGelu" in texts


def test_a_name_that_may_be_of_two_modules_is_not_guessed_at(tmp_path: Path) -> None:
    """``relu_1`` is a module, and what the exporter calls the second call of ``relu``."""
    family = Family("doubtful", lambda: Convolutions("relu_1"), LINEAGE_FAMILIES[2].batch)
    case = next(_cases(family, tmp_path))
    for stage in (Stage.TORCH_EXPORTED, Stage.EXECUTION_MODEL):
        modules = {node.outputs[0]: node for node in case.graph(stage).nodes}
        for name in ("Relu", "Relu_1"):
            node = modules[f"/_original_module/relu_1/{name}_output_0"]
            assert node.module == "", "the innermost module around both"
            assert node.evidence in {"doubtful_name", "lineage"}
    doubtful = ("relu_1/Relu", "Relu_1")
    for node in case.nodes:
        origin = case.lineage.origin_of(node.index)["torch_exported"]
        if not any(each.name.endswith(doubtful) for each in origin):
            allowed = {module for each in origin for module in case.modules.of(each.index)}
            assert node.module in allowed


def test_a_model_exported_twice_is_traced_within_each_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORTMODULE_SKIPCHECK_POLICY", "SKIP_CHECK_DISABLED")
    torch.manual_seed(0)
    model, sink = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 2)), ListSink()
    wrapped = wrap_module(model, sink, name="m", every=1, save_dir=tmp_path)
    wrapped(torch.randn(3, 4)).sum().backward()
    wrapped(torch.randn(2, 3, 4)).sum().backward()
    finish(wrapped)
    assert {graph.export_index for graph in sink.graphs} == {0, 1}
    lineage = lineage_of(SavedStages(sink.graphs), Mode.TRAINING, Stage.EXECUTION_MODEL)
    assert LinkKind.UNTRACED not in (*lineage.kinds, *lineage.previous_kinds)
    executed = len(lineage.kinds)
    assert all(lineage.origin_of(node).end.stage == "torch_exported" for node in range(executed))
    # Where the newest export lacks a stage, that of an older one is no ancestor.
    lacking = [
        graph
        for graph in sink.graphs
        if graph.export_index == 0 or graph.stage is Stage.EXECUTION_MODEL
    ]
    alone = lineage_of(SavedStages(lacking), Mode.TRAINING, Stage.EXECUTION_MODEL)
    assert alone.previous is None
    assert alone.links == ()
