"""Whatever two graphs hold, each node gets one kind, and every link leads somewhere."""

from __future__ import annotations

from collections import Counter

import onnx
from hypothesis import given, settings
from hypothesis import strategies as st

from ortviz.graphs.lineage import trace_lineage, with_lineage
from ortviz.protocol.codec import Buffers, column_array
from ortviz.record import LinkKind, Stage, StageLineage
from ortviz.views.graph_lineage import graph_lineage_view
from tests.unit.graphs.lineage_graphs import op, stage

_VALUES = ["x", "w", "a", "b", "c", "d", "y", "a_grad", "b_grad_1", "/m/a", "k"]
_OPS = ["Relu", "Add", "Identity", "Dropout", "Transpose", "Gemm", "YieldOp", "FusedMatMul"]
_NAMES = ["", "n", "/m/a", "/m/a_Grad/Relu_0", "AccumulateGrad_a_grad", "fused /m/a", "a_token_3"]
_NAMES += ["_Grad/", "/m/a/Fusion/", "\n<b>\x00", "é" * 300]

_node = st.builds(
    lambda kind, ins, outs, name, axis: op(
        kind, " ".join(ins), " ".join(outs), name, **({"axis": axis} if axis is not None else {})
    ),
    st.sampled_from(_OPS),
    st.lists(st.sampled_from([*_VALUES, "-"]), max_size=3),
    st.lists(st.sampled_from(_VALUES), min_size=1, max_size=2),
    st.sampled_from(_NAMES),
    st.sampled_from([None, 0, 1]),
)
_nodes = st.lists(_node, max_size=9)
_LINKED = {LinkKind.SAME, LinkKind.RENAMED, LinkKind.CHANGED, LinkKind.FUSED, LinkKind.SPLIT}


@given(_nodes, _nodes)
@settings(max_examples=300, deadline=None)
def test_each_node_has_one_kind_and_links_lead_somewhere(
    before: list[onnx.NodeProto], after: list[onnx.NodeProto]
) -> None:
    earlier = stage(Stage.OPTIMIZED_PRE_GRAD, before, "x w", stored={"k": 1.0})
    later = stage(Stage.OPTIMIZED, after, "x w", stored={"k": 1.0})
    found = trace_lineage(earlier, later)
    assert len(found.nodes) == len(after)
    assert len(found.previous_nodes) == len(before)
    assert all(0 <= old < len(before) and 0 <= new < len(after) for old, new in found.links)
    assert list(found.links) == sorted(set(found.links))
    _check_links(found)
    _check_sentences(found)
    assert with_lineage(later, earlier).stage is Stage.OPTIMIZED
    _check_view(found)


def _check_links(found: StageLineage) -> None:
    for number, fate in enumerate(found.nodes):
        sources = [old for old, new in found.links if new == number]
        came = [old for old in sources if found.previous_nodes[old].kind is not LinkKind.REMOVED]
        if fate.kind in _LINKED:
            assert came, "it comes from somewhere"
        if fate.kind is LinkKind.FUSED:
            assert len(came) > 1, "it does what several nodes did"
        assert fate.kind is not LinkKind.REMOVED
        assert fate.evidence.endswith(".")
    for number, fate in enumerate(found.previous_nodes):
        targets = [new for old, new in found.links if old == number]
        if fate.kind in _LINKED:
            assert any(found.nodes[new].kind is not LinkKind.ADDED for new in targets)
        assert fate.kind is not LinkKind.ADDED
        assert fate.evidence.endswith(".")


def _check_sentences(found: StageLineage) -> None:
    """Every node is told of once, in a sentence of its kind."""
    told = Counter(
        (number, sentence.kind)
        for sentence in found.sentences
        for number in sentence.nodes
        if sentence.kind is not LinkKind.REMOVED
    )
    for number, fate in enumerate(found.nodes):
        assert told[number, fate.kind] == 1
    gone = {n for s in found.sentences if s.kind is LinkKind.REMOVED for n in s.previous_nodes}
    removed = [fate.kind is LinkKind.REMOVED for fate in found.previous_nodes]
    assert gone == {number for number, was in enumerate(removed) if was}
    counts = [each.count for each in found.sentences if each.kind is not LinkKind.SAME]
    assert counts == sorted(counts, reverse=True)


def _check_view(found: StageLineage) -> None:
    buffers = Buffers()
    view = graph_lineage_view(found, buffers)
    parts = buffers.parts()
    kinds = [view["kinds"][code] for code in column_array(view["node_kind"], parts)]
    assert kinds == [fate.kind.value for fate in found.nodes]
    evidences = column_array(view["previous_evidence"], parts)
    assert [view["evidences"][code] for code in evidences] == [
        fate.evidence for fate in found.previous_nodes
    ]
    links = zip(
        column_array(view["link_from"], parts), column_array(view["link_to"], parts), strict=True
    )
    assert tuple((int(old), int(new)) for old, new in links) == found.links


@given(st.lists(_node, max_size=9))
@settings(max_examples=100, deadline=None)
def test_a_graph_against_itself_loses_nothing(nodes: list[onnx.NodeProto]) -> None:
    once = stage(Stage.POST_PROCESSED, nodes, "x w", stored={"k": 1.0})
    again = stage(Stage.OPTIMIZED, nodes, "x w", stored={"k": 1.0})
    found = trace_lineage(once, again)
    assert {fate.kind for fate in found.nodes} <= {LinkKind.SAME, LinkKind.RENAMED}
    assert all(fate.kind is not LinkKind.UNTRACED for fate in found.previous_nodes)
