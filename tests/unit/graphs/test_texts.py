"""Attributes and tensors as short texts."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import AttributeProto, TensorProto, TypeProto, helper, numpy_helper

from ortviz.graphs.texts import (
    MAX_TEXT,
    attribute_details,
    dtype_name,
    elements_text,
    tensor_text,
    type_text,
)
from tests.unit.graphs.small_models import chain, graph


def _tensor(array):
    return numpy_helper.from_array(np.asarray(array))


@pytest.mark.parametrize(
    ("value", "type_name", "text"),
    [
        (3, "int", "3"),
        (1e-5, "float", "1e-05"),
        (0.1, "float", "0.1"),
        (2.0, "float", "2"),
        (float("nan"), "float", "nan"),
        ("layer_norm", "string", "layer_norm"),
        ("two\nlines <b>", "string", "two\nlines <b>"),
        ([1, 2, 3], "ints", "[1, 2, 3]"),
        ([0.5, 1.0], "floats", "[0.5, 1]"),
        (["a", "b"], "strings", "[a, b]"),
        (
            _tensor(np.zeros((3, 4), np.float32)),
            "tensor",
            "float32 (3, 4) [0, 0, 0, 0, 0, 0, 0, 0, …]",
        ),
        (graph(chain(2), name="body"), "graph", "body: 2 nodes"),
        (graph(chain(1), name=""), "graph", "graph: 1 node"),
    ],
)
def test_attributes(value, type_name, text):
    made = attribute_details(helper.make_attribute("a", value))
    assert (made.name, made.type_name, made.text) == ("a", type_name, text)


def test_numbers_of_types_have_their_names():
    assert attribute_details(helper.make_attribute("to", 1)).text == "1 (float32)"
    assert attribute_details(helper.make_attribute("to", 99)).text == "99"
    assert attribute_details(helper.make_attribute("axis", 1)).text == "1"


def test_long_attributes_are_cut():
    many = attribute_details(helper.make_attribute("a", list(range(10_000))))
    assert many.text.startswith("[0, 1, 2,")
    assert many.text.endswith(", 49, …]")
    assert len(many.text) <= MAX_TEXT
    assert attribute_details(helper.make_attribute("a", list(range(51)))).text.endswith("49, …]")
    assert len(attribute_details(helper.make_attribute("a", "x" * 10_000)).text) == MAX_TEXT


def test_attributes_that_are_not_valid():
    assert attribute_details(AttributeProto(name="a")).text == ""
    broken = AttributeProto(name="a", type=AttributeProto.STRING, s=b"\xff\xfe")
    assert attribute_details(broken).text == "��"
    referring = AttributeProto(name="a", type=AttributeProto.INT, ref_attr_name="outer")
    assert attribute_details(referring).text == "the function's attribute outer"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array(0.5, np.float32), "float32 () 0.5"),
        (np.array([1e-5], np.float64), "float64 (1,) [1e-05]"),
        (np.array([1, -2], np.int64), "int64 (2,) [1, -2]"),
        (np.array([True, False]), "bool (2,) [true, false]"),
        (np.zeros((0, 3), np.float16), "float16 (0, 3)"),
        (np.array([1 + 2j], np.complex64), "complex64 (1,) [(1+2j)]"),
        (np.array(["a'b"], object), 'string (1,) ["a\'b"]'),
        (np.array([np.inf, -np.inf, np.nan], np.float32), "float32 (3,) [inf, -inf, nan]"),
        (np.arange(9, dtype=np.uint8), "uint8 (9,) [0, 1, 2, 3, 4, 5, 6, 7, …]"),
    ],
)
def test_tensors(array, text):
    assert tensor_text(_tensor(array)) == text


@pytest.mark.parametrize(
    "kind", ["FLOAT", "DOUBLE", "INT32", "INT64", "FLOAT16", "BFLOAT16", "INT8", "UINT64", "BOOL"]
)
@pytest.mark.parametrize("raw", [False, True])
def test_all_ways_to_keep_elements(kind, raw):
    number = TensorProto.DataType.Value(kind)
    if raw:
        dtype = helper.tensor_dtype_to_np_dtype(number)
        ones = np.ones(20, dtype)
        content = ones.tobytes() if kind != "BFLOAT16" else b"\x80\x3f" * 20
        tensor = TensorProto(name="t", data_type=number, dims=[20], raw_data=content)
    else:
        tensor = helper.make_tensor("t", number, [20], [1] * 20)
    one = "true" if kind == "BOOL" else "1"
    assert elements_text(tensor) == f"[{', '.join([one] * 8)}, …]"


def test_a_tensor_without_its_elements_has_no_text():
    assert elements_text(TensorProto(data_type=TensorProto.FLOAT, dims=[10])) == ""
    assert elements_text(TensorProto(data_type=TensorProto.FLOAT, dims=[-1])) == ""
    assert elements_text(TensorProto(data_type=1234, dims=[2], raw_data=b"ab")) == ""
    short = TensorProto(data_type=TensorProto.FLOAT, dims=[10], raw_data=b"abc")
    assert elements_text(short) == ""
    assert tensor_text(TensorProto(data_type=1234, dims=[2])) == "unknown (2,)"


def test_elements_in_another_file():
    far = TensorProto(data_type=TensorProto.FLOAT, dims=[10])
    far.data_location = TensorProto.EXTERNAL
    assert elements_text(far) == "in another file"
    far.external_data.add(key="location", value="w.bin")
    assert elements_text(far) == "in the file w.bin"


def test_names_of_types():
    assert dtype_name(TensorProto.FLOAT) == "float32"
    assert dtype_name(TensorProto.BFLOAT16) == "bfloat16"
    assert dtype_name(0) == ""
    assert dtype_name(12345) == ""


def test_types_that_are_no_tensors():
    tensor = helper.make_tensor_type_proto(TensorProto.INT64, None)
    assert type_text(tensor) == "int64"
    assert type_text(helper.make_sequence_type_proto(tensor)) == "sequence(int64)"
    assert type_text(helper.make_optional_type_proto(tensor)) == "optional(int64)"
    assert type_text(helper.make_map_type_proto(TensorProto.STRING, tensor)) == "map(string, int64)"
    assert (
        type_text(helper.make_sparse_tensor_type_proto(TensorProto.FLOAT, [1])) == "sparse float32"
    )
    assert type_text(TypeProto()) == ""
