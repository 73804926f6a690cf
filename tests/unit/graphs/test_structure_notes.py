"""Files that break ONNX's rules are drawn, and it is said what is odd about them."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from ortviz.errors import OrtvizError
from ortviz.graphs import parse_model, read_structure
from tests.bad_models import BAD_MODELS
from tests.unit.graphs.small_models import chain, edges, model, node


def _notes(*nodes, inputs=("x",)):
    return read_structure(model(nodes, inputs)).notes


def test_a_healthy_file_needs_no_word():
    assert read_structure(model(chain(3), ["x"], ["n2"])).notes == ()


def test_a_cycle():
    made = model(
        [
            node("Add", ["x", "c"], ["a"], name="a"),
            node("Relu", ["a"], ["b"], name="b"),
            node("Relu", ["b"], ["c"], name="c"),
            node("Relu", ["c"], ["d"], name="after"),
        ]
    )
    structure = read_structure(made)
    (note,) = structure.notes
    assert "has a cycle" in note
    assert any(f"'{name}'" in note for name in "abc")
    assert ("c", "c", "a") in edges(structure)


def test_a_node_that_takes_its_own_output():
    (note,) = _notes(node("Add", ["x", "self"], ["self"], name="self"))
    assert "cycle, for example through the node 'self'" in note


def test_a_file_in_the_wrong_order_has_no_cycle():
    (note,) = _notes(*chain(3)[::-1])
    assert note.startswith("Some nodes come before others whose results they use")


def test_a_tensor_that_is_made_twice():
    made = model(
        [
            node("Relu", ["x"], ["t"], name="first"),
            node("Exp", ["x"], ["t"], name="second"),
            node("Log", ["t"], ["u"], name="user"),
        ]
    )
    structure = read_structure(made)
    assert structure.notes[0].startswith("The tensor 't' is made more than once")
    assert structure.value_names == ("t", "t", "u", "x")
    assert edges(structure) == [
        ("x", "x", "first"),
        ("x", "x", "second"),
        ("first", "t", "user"),
    ]


def test_a_tensor_that_nothing_makes():
    notes = _notes(node("Add", ["nowhere", "elsewhere"], name="add"), inputs=())
    assert notes == (
        "2 tensors, for example 'nowhere', are used and made nowhere; no line begins at them.",
    )


def test_names_that_are_missing_or_repeated():
    notes = _notes(
        node("Relu", ["x"], ["a"]),
        node("Relu", ["x"], ["b"], name="same"),
        node("Relu", ["x"], ["c"], name="same"),
    )
    assert notes == (
        "1 node has no name.",
        "1 name is given to more than one node, for example 'same'.",
    )


def test_unknown_operators_and_domains():
    (note,) = _notes(node("Frobnicate", ["x"], name="f"))
    assert note == "onnx does not know the operator 'Frobnicate'."
    (note,) = _notes(
        node("Frobnicate", ["x"], name="f", domain="odd"), node("Other", ["x"], name="o")
    )
    assert note == (
        "onnx does not know 2 of the operators, for example 'Frobnicate' of domain 'odd'."
    )


def test_operators_of_onnx_runtime_are_known():
    assert not _notes(
        node("BiasGelu", ["x"], name="b", domain="com.microsoft"),
        node("ATen", ["x"], name="a", domain="org.pytorch.aten"),
        node("MemcpyToHost", ["x"], name="c"),
    )


def test_weights_in_other_files_are_not_read():
    far = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[10**6])
    far.data_location = TensorProto.EXTERNAL
    far.external_data.add(key="location", value="weights.bin")
    made = model([node("Add", ["x", "w"], name="add")], ["x"], (), [far])
    (note,) = read_structure(made).notes
    where = "in another file beside this one ('weights.bin')"
    assert note == f"The values of 1 tensor lie {where} and are not read."


def test_a_long_name_is_cut_in_a_note():
    (note,) = _notes(
        node("Relu", ["x"], ["a"], name="n" * 10_000), node("Relu", ["a"], ["b"], name="n" * 10_000)
    )
    assert len(note) < 200


@pytest.mark.parametrize("bad", BAD_MODELS.values(), ids=lambda bad: bad.name)
def test_bad_files_are_shown_or_refused_in_words(bad):
    content = bad.content()
    if bad.refused:
        with pytest.raises(OrtvizError, match=r"The graph the\.onnx .*\."):
            parse_model(content, "the.onnx")
        return
    structure = read_structure(parse_model(content, "the.onnx"))
    assert len(structure.node_names) == len(structure.node_group)
    assert all(note.endswith(".") and len(note) < 500 for note in structure.notes)


def test_half_a_file_is_refused():
    content = helper.make_model(model(chain(50)).graph).SerializeToString()
    with pytest.raises(OrtvizError, match="cannot be read"):
        parse_model(content[: len(content) // 2], "training/optimized")
