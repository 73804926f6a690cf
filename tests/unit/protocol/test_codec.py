"""Columns, non-finite numbers and frames."""

from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ortviz.errors import ProtocolError
from ortviz.protocol.codec import (
    Buffers,
    column_array,
    decode_frame,
    encode_frame,
    read_wire_float,
    to_json,
    wire_float,
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (1.5, 1.5),
        (-0.0, -0.0),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (np.float32(math.inf), "Infinity"),
        (np.float16(0.5), 0.5),
        (5e-324, 5e-324),
    ],
)
def test_wire_float(value, wire):
    assert wire_float(value) == wire
    assert type(wire_float(value)) in (float, str, type(None))


@given(st.none() | st.floats())
def test_wire_float_round_trip(value):
    text = json.loads(to_json(wire_float(value)))
    back = read_wire_float(text)
    if value is None:
        assert back is None
    else:
        assert struct.pack("<d", back) == struct.pack("<d", value) or math.isnan(value)
        assert math.isnan(back) == math.isnan(value)


def test_read_wire_float_refuses_other_words():
    with pytest.raises(ProtocolError, match="'inf'"):
        read_wire_float("inf")


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "uint8", ">f8", ">i4", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_columns_come_back(dtype, shape):
    array = np.arange(math.prod(shape)).astype(dtype).reshape(shape)
    buffers = Buffers()
    buffers.add(np.zeros(1, np.uint8))
    column = buffers.add(array)
    assert column["buffer"] == 1
    assert column["shape"] == list(shape)
    back = column_array(column, buffers.parts())
    assert back.dtype.itemsize == array.dtype.itemsize
    np.testing.assert_array_equal(back, array)


def test_columns_are_little_endian_and_row_major():
    buffers = Buffers()
    buffers.add(np.array([[1, 2], [3, 4]], dtype=">i4").T)
    assert buffers.parts() == [struct.pack("<4i", 1, 3, 2, 4)]


def test_columns_keep_nonfinite_numbers():
    buffers = Buffers()
    column = buffers.add(np.array([math.nan, math.inf, -math.inf]))
    back = column_array(column, buffers.parts())
    np.testing.assert_array_equal(back, [math.nan, math.inf, -math.inf])


@pytest.mark.parametrize("dtype", ["int64", "float16", "complex64", "U3", "uint32"])
def test_other_dtypes_are_not_converted_silently(dtype):
    with pytest.raises(ProtocolError, match="Convert it to one of float64, float32, int32, uint8"):
        Buffers().add(np.zeros(2, dtype=dtype))


def test_column_array_refuses_a_wrong_buffer():
    with pytest.raises(ProtocolError, match=r"needs 16"):
        column_array({"buffer": 0, "dtype": "float64", "shape": [2]}, [b"12345678"])
    with pytest.raises(ProtocolError, match="has 24 bytes"):
        column_array({"buffer": 0, "dtype": "float64", "shape": [2]}, [bytes(24)])
    with pytest.raises(ProtocolError, match="asks for number 3"):
        column_array({"buffer": 3, "dtype": "float64", "shape": [1]}, [b"12345678"])


@given(JSON_VALUES, st.lists(st.binary(max_size=40), max_size=5))
def test_frames_come_back(payload, parts):
    frame = encode_frame(payload, parts)
    back, views = decode_frame(frame)
    assert back == json.loads(json.dumps(payload))
    assert [bytes(view) for view in views] == parts


@pytest.mark.parametrize("text", ["", "ä", "x" * 5, "x" * 6, "\udc80.py", "</script>\u2028"])
def test_frame_layout(text):
    frame = encode_frame({"text": text}, [b"abc", b"", b"12345678", b"z"])
    (length,) = struct.unpack_from("<I", frame)
    head = json.loads(frame[4 : 4 + length].decode("utf-8"))
    assert head == {"payload": {"text": text}, "buffers": [[0, 3], [8, 0], [8, 8], [16, 1]]}
    start = len(frame) - 24
    assert start % 8 == 0
    assert 0 <= start - (4 + length) < 8
    assert frame[start:] == b"abc\0\0\0\0\0" + b"12345678" + b"z\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"rows": [{"mean": 1.0}, {"mean": math.nan}]}, "payload.rows[1].mean is nan"),
        ({"a": (1, math.inf)}, "payload.a[1] is inf"),
        ({"shape": [np.int64(3)]}, "payload.shape[0] is of type int64"),
        ({"a": {"b": {1, 2}}}, "payload.a.b is of type set"),
        (np.zeros(2), "payload is of type ndarray"),
    ],
)
def test_strict_json_names_the_field(payload, where):
    with pytest.raises(ProtocolError) as caught:
        encode_frame(payload, [])
    assert where in str(caught.value)
    assert "wire_float" in caught.value.remedy


@pytest.mark.parametrize("keep", [0, 3, 10, -7, -20])
def test_cut_frames_are_refused(keep):
    frame = encode_frame({"a": 1}, [b"12345678", b"1234567890"])
    with pytest.raises(ProtocolError):
        decode_frame(frame[:keep])


def test_bytes_that_are_no_frame_are_refused():
    with pytest.raises(ProtocolError, match="payload as JSON"):
        decode_frame(struct.pack("<I", 4) + b"[1] \0\0\0\0")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_strings_travel_in_two_columns(texts):
    buffers = Buffers()
    table = buffers.add_strings(texts)
    data, ends = (column_array(table[name], buffers.parts()) for name in ("text", "ends"))
    starts = [0, *ends.tolist()]
    found = [data[a:b].tobytes().decode() for a, b in zip(starts, ends.tolist(), strict=False)]
    assert found == texts
    assert ends.dtype == np.int32


def test_a_lone_surrogate_does_not_stop_a_table():
    buffers = Buffers()
    table = buffers.add_strings(["a\ud800b"])
    assert column_array(table["text"], buffers.parts()).tobytes() == b"a?b"
