"""Every kind of change, one small graph each."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from ortviz.errors import OrtvizError
from ortviz.graphs.lineage import evidence, trace_lineage
from ortviz.graphs.lineage.words import MAX_SENTENCES
from ortviz.record import GraphRecord, LinkKind, Mode, Stage
from tests.unit.graphs.lineage_graphs import constant, kinds, lineage, op, record, stage, texts

MS = "com.microsoft"


def test_nothing_changed() -> None:
    nodes = [op("Relu", "x", "a"), op("Tanh", "a", "y")]
    found = lineage(nodes, nodes[:])
    assert found.links == ((0, 0), (1, 1))
    assert kinds(found) == (["same", "same"], ["same", "same"])
    assert texts(found) == ["2 nodes are the same"]


def test_the_order_of_nodes_does_not_matter() -> None:
    nodes = [op("Relu", "x", "a"), op("Tanh", "x", "b"), op("Add", "a b", "y")]
    found = lineage(nodes, [nodes[1], nodes[0], nodes[2]])
    assert found.links == ((0, 1), (1, 0), (2, 2))


def test_renamed_node_and_renamed_tensors() -> None:
    before = [op("Relu", "x", "a"), op("Tanh", "a", "y")]
    after = [op("Relu", "x", "a2", "other"), op("Tanh", "a2", "y")]
    found = lineage(before, after)
    assert kinds(found) == (["renamed", "same"], ["renamed", "same"])
    assert texts(found)[0] == "1 Relu has another name"


def test_several_nodes_became_one() -> None:
    before = [
        op("Relu", "x", "q"),
        op("Div", "q c", "a"),
        op("Erf", "a", "b"),
        op("Mul", "b q", "d"),
        op("Tanh", "d", "y"),
    ]
    after = [op("Relu", "x", "q"), op("Gelu", "q", "d", "Gelu", MS), op("Tanh", "d", "y")]
    found = lineage(before, after, inputs="x c")
    assert kinds(found)[1] == ["same", "fused", "same"]
    assert [link for link in found.links if link[1] == 1] == [(1, 1), (2, 1), (3, 1)]
    assert "1 Div + Erf + Mul became Gelu" in texts(found)


def test_equal_fusions_are_counted_together() -> None:
    def block(given: str, made: str) -> list[onnx.NodeProto]:
        return [op("Add", f"{given} bias", f"{made}s"), op("Gelu", f"{made}s", made, domain=MS)]

    before = [*block("x", "a"), *block("a", "b"), *block("b", "y")]
    after = [
        op("BiasGelu", f"{given} bias", made, f"BiasGelu_{made}", MS)
        for given, made in (("x", "a"), ("a", "b"), ("b", "y"))
    ]
    found = lineage(before, after, inputs="x bias")
    assert texts(found) == ["3 Add + Gelu became BiasGelu"]
    (sentence,) = found.sentences
    assert (sentence.count, sentence.nodes) == (3, (0, 1, 2))
    assert sentence.previous_nodes == (0, 1, 2, 3, 4, 5)


def test_one_that_remains_may_be_taken_in_as_well() -> None:
    before = [op("Transpose", "x", "t"), op("MatMul", "w t", "m"), op("Mul", "m t", "y")]
    after = [
        op("Transpose", "x", "t"),
        op("FusedMatMul", "w x", "m", "f", MS, transB=1),
        op("Mul", "m t", "y"),
    ]
    found = lineage(before, after, inputs="x w")
    assert found.links == ((0, 0), (0, 1), (1, 1), (2, 2))
    assert found.nodes[1].evidence == evidence.FUSED_COPY
    assert found.previous_nodes[0].kind is LinkKind.SAME


def test_several_outputs_became_those_of_one_node() -> None:
    starts = [constant(f"i{at}", [at]) for at in range(3)]
    before = [*starts, op("Slice", "x i0 i1", "a"), op("Slice", "x i1 i2", "y")]
    after = [op("Split", "x sizes", "a y", "split", axis=0)]
    found = lineage(before, after, outputs="a y", stored={"sizes": [1, 1]})
    assert kinds(found)[1] == ["fused"]
    assert "1 Slice × 2 became Split" in texts(found)


def test_one_became_several() -> None:
    before = [op("Gemm", "x w b", "y")]
    after = [op("MatMul", "x w", "m", "new"), op("Add", "m b", "y", "new2")]
    found = lineage(before, after, inputs="x w b")
    assert kinds(found) == (["split"], ["split", "split"])
    assert found.links == ((0, 0), (0, 1))
    assert texts(found) == ["1 Gemm became MatMul + Add"]


def test_another_operator_or_attribute_or_input() -> None:
    before = [
        op("Concat", "x w", "a", axis=0),
        op("Softmax", "a", "b", axis=1),
        op("Relu", "w", "c"),
        op("Add", "b c", "y"),
    ]
    after = [
        op("ConcatTraining", "x w", "a sizes", "c/ConcatReplacement/", MS, axis=0),
        op("Softmax", "a", "b", axis=2),
        op("Relu", "x", "c"),
        op("Add", "b c", "y"),
    ]
    found = lineage(before, after, inputs="x w")
    assert [fate.kind.value for fate in found.nodes] == ["changed", "changed", "changed", "same"]
    assert [fate.evidence for fate in found.nodes[:3]] == [
        evidence.CHANGED_OP,
        evidence.CHANGED_ATTRIBUTES,
        evidence.CHANGED_INPUTS,
    ]
    assert {"1 Concat became ConcatTraining", "1 Softmax has other attributes"} < {*texts(found)}


def test_default_attributes_and_marks_of_ort_are_no_change() -> None:
    before = [op("Gemm", "x w", "y", transB=1)]
    after = [op("Gemm", "x w", "y", alpha=1.0, beta=1.0, transA=0, transB=1, __backwardpass=1)]
    assert kinds(lineage(before, after, inputs="x w"))[1] == ["same"]


def test_identity_and_dropout_that_is_off_are_removed() -> None:
    before = [
        op("Identity", "x", "a"),
        op("Relu", "a", "b"),
        op("Dropout", "b", "c"),
        op("Tanh", "c", "y"),
    ]
    after = [op("Relu", "x", "b"), op("Tanh", "b", "y")]
    found = lineage(before, after)
    assert kinds(found) == (["removed", "same", "removed", "same"], ["same", "same"])
    assert found.previous_nodes[0].evidence == evidence.REMOVED_NOTHING
    assert "1 Dropout was removed: it does nothing here" in texts(found)


def test_a_node_that_takes_over_the_name_of_a_removed_identity_is_renamed() -> None:
    before = [op("Relu", "x", "a"), op("Identity", "a", "y")]
    found = lineage(before, [op("Relu", "x", "y", "n_a")])
    assert kinds(found) == (["renamed", "removed"], ["renamed"])


def test_common_subexpressions_say_which_node_stands_in() -> None:
    before = [op("Relu", "x", "a"), op("Relu", "x", "b"), op("Add", "a b", "y")]
    after = [op("Relu", "x", "a"), op("Add", "a a", "y")]
    found = lineage(before, after)
    assert kinds(found) == (["same", "removed", "same"], ["same", "same"])
    assert (1, 0) in found.links
    assert found.previous_nodes[1].evidence == evidence.REMOVED_TWIN
    assert found.nodes[1].evidence == evidence.SAME_EQUAL_INPUTS


def test_a_twin_of_a_node_that_became_another_is_no_riddle() -> None:
    before = [op("Concat", "x w", "a", axis=0), op("Concat", "x w", "b", axis=0)]
    before += [op("Add", "a b", "y")]
    after = [op("ConcatTraining", "x w", "a", "c", MS, axis=0), op("Add", "a a", "y")]
    found = lineage(before, after, inputs="x w")
    assert found.previous_nodes[1].evidence == evidence.REMOVED_TWIN


def test_dropout_that_draws_is_not_the_same_as_another() -> None:
    on = constant("on", True)
    before = [on, op("Dropout", "x - on", "a"), op("Dropout", "x - on", "b"), op("Add", "a b", "y")]
    after = [op("Dropout", "x - on", "a"), op("Add", "a a", "y")]
    found = lineage(before, after, stored={"on": True})
    assert found.previous_nodes[2].evidence != evidence.REMOVED_TWIN


def test_constants_are_computed_ahead() -> None:
    before = [
        constant("two", 2.0),
        constant("also", 2.0),
        op("Sqrt", "two", "root"),
        op("Neg", "root", "k"),
        op("Mul", "x k", "a"),
        op("Mul", "a also", "y"),
    ]
    after = [op("Mul", "x k", "a"), op("Mul", "a two", "y")]
    found = lineage(before, after, stored={"k": -(2.0**0.5), "two": 2.0})
    assert kinds(found) == (["removed"] * 4 + ["same", "same"], ["same", "same"])
    assert [fate.evidence for fate in found.previous_nodes[:4]] == [
        evidence.REMOVED_STORED,
        evidence.REMOVED_EQUAL_CONSTANT,
        evidence.REMOVED_AHEAD,
        evidence.REMOVED_STORED,
    ]


def test_what_nothing_needs_is_removed() -> None:
    before = [op("Relu", "x", "a"), op("Exp", "x", "b"), op("Log", "b", "c"), op("Tanh", "a", "y")]
    found = lineage(before, [before[0], before[3]])
    assert [fate.evidence for fate in found.previous_nodes[1:3]] == [evidence.REMOVED_DEAD] * 2


def test_what_an_optimiser_inserts_serves_what_it_feeds() -> None:
    before = [op("Relu", "x", "a"), op("Conv", "a w", "y")]
    after = [
        op("Relu", "x", "a"),
        op("Transpose", "a", "t", "some_new_name"),
        op("Conv", "t w", "y"),
    ]
    found = lineage(before, after, inputs="x w")
    assert kinds(found) == (["same", "changed"], ["same", "added", "changed"])
    assert (1, 1) in found.links
    assert "1 Transpose was inserted by an optimiser" in texts(found)


def test_what_is_computed_once_more_is_no_other_name_of_the_first() -> None:
    """As ORT's memory optimiser does, so that less has to be kept for the backward pass."""
    before = [op("Relu", "x", "a"), op("Tanh", "a", "b"), op("Add", "a b", "y")]
    again = op("Relu", "x", "a_recompute", "n_a_recompute")
    after = [again, before[0], before[1], op("Add", "a_recompute b", "y")]
    found = lineage(before, after)
    assert kinds(found) == (["same"] * 3, ["added", "same", "same", "same"])
    assert found.nodes[0].evidence == evidence.COMPUTED_AGAIN


def test_a_node_that_was_moved_is_found_by_its_name() -> None:
    """ORT gathers before the transpose, and gives the rest of the shape back around it."""
    before = [
        op("Relu", "x", "s"),
        op("Transpose", "s", "t"),
        op("Gather", "t i", "/Gather_out", "/Gather", axis=1),
        op("Gemm", "/Gather_out w", "y"),
    ]
    after = [
        op("Relu", "x", "s"),
        op("Gather", "s i", "/Gather_out_token_8", "/Gather_out", axis=0),
        op("Unsqueeze", "/Gather_out_token_8 axes", "u", "/Gather_adapt_input"),
        op("Transpose", "u", "t"),
        op("Squeeze", "t axes", "q", "Transpose_output"),
        op("Gemm", "q w", "y"),
    ]
    found = lineage(before, after, inputs="x w i", stored={"axes": [0]})
    assert kinds(found)[1] == ["same", "split", "split", "changed", "split", "same"]
    assert "1 Gather became Gather + Unsqueeze + Squeeze" in texts(found)


def _gradients() -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]]:
    forward = [op("MatMul", "x w", "m", "/m"), op("Relu", "m", "y", "Relu")]
    backward = [
        op("YieldOp", "y", "y_grad", "YieldOp", MS),
        op("ReluGrad", "y_grad y", "m_grad_0", "Relu_Grad/ReluGrad_0", MS),
        op("Sum", "m_grad_0 m_grad_0", "m_grad", "AccumulateGrad_m_grad"),
        op("MatMul", "m_grad x", "w_grad", "/m_Grad/MatMul_1"),
        op("Cast", "w", "shape", "oddly named"),
        op("Scale", "shape m_grad", "x_grad", "", MS),
    ]
    return forward, [*forward, *backward]


def test_gradient_building_says_which_forward_node_each_serves() -> None:
    forward, whole = _gradients()
    earlier = stage(Stage.OPTIMIZED_PRE_GRAD, forward, "x w")
    found = trace_lineage(earlier, stage(Stage.OPTIMIZED, whole, "x w"))
    assert kinds(found)[1] == ["same"] * 2 + ["added"] * 6
    assert [fate.evidence for fate in found.nodes[2:]] == [
        evidence.YIELD,
        evidence.GRADIENT_NAME,
        evidence.GRADIENT_SUM,
        evidence.GRADIENT_NAME,
        evidence.GRADIENT_USER,
        evidence.GRADIENT_PARAMETER,
    ]
    served = {new: old for old, new in found.links if new > 1}
    assert served == {2: 1, 3: 1, 4: 0, 5: 0, 6: 0, 7: 0}
    assert "6 nodes were added by gradient building" in texts(found)


def test_links_stay_few_where_thousands_use_one_tensor() -> None:
    count = 300
    forward = [op("Relu", "x", f"r{place}") for place in range(count)]
    backward = [
        op("YieldOp", "r0", "r0_grad", "yield", MS),
        *(op("Scale", "r0_grad", f"x_grad_{place}", "", MS) for place in range(count)),
    ]
    earlier = stage(Stage.OPTIMIZED_PRE_GRAD, forward)
    found = trace_lineage(earlier, stage(Stage.OPTIMIZED, [*forward, *backward]))
    assert {fate.kind for fate in found.nodes[count:]} == {LinkKind.ADDED}
    assert len(found.links) < 70 * count


def test_sentences_are_bounded_and_count_every_node() -> None:
    before = [op(f"Op{at}", "x", f"v{at}", domain="d") for at in range(500)]
    after = [op(f"New{at}{'!' * 200}", "x", f"v{at}", domain="d") for at in range(500)]
    found = lineage(before, after, outputs="v0")
    assert len(found.sentences) <= MAX_SENTENCES
    assert sum(sentence.count for sentence in found.sentences) == 500
    assert found.sentences[0].text.endswith("further nodes were changed")
    assert max(len(sentence.text) for sentence in found.sentences) < 200


def test_what_cannot_be_told_says_so() -> None:
    found = lineage([op("Foo", "x", "y", "")], [op("Bar", "p", "q", "")], outputs="y")
    assert kinds(found) == (["untraced"], ["untraced"])
    assert texts(found) == ["1 Bar could not be traced back", "1 Foo could not be traced further"]


def test_the_first_stage_has_no_lineage() -> None:
    found = trace_lineage(None, stage(Stage.TORCH_EXPORTED, [op("Relu", "x", "y")]))
    assert found.previous is None
    assert (found.links, found.nodes, found.sentences) == ((), (), ())


def test_an_answer_is_remembered() -> None:
    nodes = [op("Relu", "x", "y")]
    first, second = stage(Stage.OPTIMIZED, nodes), stage(Stage.EXECUTION_MODEL, nodes)
    assert trace_lineage(first, second) is trace_lineage(first, second)


def test_a_broken_file_is_refused_in_words() -> None:
    good = stage(Stage.OPTIMIZED, [op("Relu", "x", "y")])
    bad = GraphRecord(Mode.TRAINING, Stage.EXECUTION_MODEL, (), (), good.model_bytes[:-7])
    with pytest.raises(OrtvizError, match="training/execution_model"):
        trace_lineage(good, bad)


def test_values_of_the_graph_around_a_subgraph_are_uses() -> None:
    body = helper.make_graph(
        [op("Relu", "a", "z")], "b", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    condition = op("If", "c", "y", then_branch=body, else_branch=body)
    before = [op("Relu", "x", "a"), op("Relu", "x", "b"), condition]
    found = lineage(before, [op("Relu", "x", "a"), condition], inputs="x c")
    assert kinds(found) == (["same", "removed", "same"], ["same", "same"])


def test_cycles_and_values_made_twice_are_taken_as_they_come() -> None:
    before = [op("Add", "x b", "a"), op("Relu", "a", "b"), op("Tanh", "b", "y")]
    after = [op("Add", "x y", "y"), op("Relu", "y", "y"), op("Relu", "never", "y")]
    found = lineage(before, after)
    assert len(found.nodes) == len(found.previous_nodes) == 3


def test_a_stored_tensor_in_a_file_elsewhere_is_not_opened() -> None:
    tensor = TensorProto(name="k", data_type=TensorProto.FLOAT, dims=[2])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/nowhere/k.bin")
    model = helper.make_model(helper.make_graph([op("Add", "x k", "y")], "g", [], [], [tensor]))
    graph = record(model, Stage.OPTIMIZED)
    assert kinds(trace_lineage(graph, record(model, Stage.EXECUTION_MODEL)))[1] == ["same"]
