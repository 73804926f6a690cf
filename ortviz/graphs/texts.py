"""Attributes and tensors as short texts. Of a large tensor only the first elements are decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from ortviz.graphs.element_types import dtype_name
from ortviz.record.node_details import AttributeDetails

MAX_TEXT = 200
"""Characters of an attribute's text."""
SHOWN_ELEMENTS = 8
"""Elements of a tensor that are written out."""
_SHOWN_ITEMS = 50

_AttributeType = onnx.AttributeProto
_HALVED = frozenset(
    number
    for name in ("UINT4", "INT4", "FLOAT4E2M1")
    if (number := getattr(TensorProto, name, None)) is not None
)
_FIELD_OF: dict[int, tuple[str, int]] = {
    TensorProto.FLOAT: ("float_data", 1),
    TensorProto.COMPLEX64: ("float_data", 2),
    TensorProto.DOUBLE: ("double_data", 1),
    TensorProto.COMPLEX128: ("double_data", 2),
    TensorProto.INT64: ("int64_data", 1),
    TensorProto.UINT32: ("uint64_data", 1),
    TensorProto.UINT64: ("uint64_data", 1),
    TensorProto.STRING: ("string_data", 1),
}
_TYPE_NUMBERS = ("to", "dtype", "output_dtype", "stash_type")


def type_text(kind: onnx.TypeProto) -> str:
    """A type: ``float32``, ``sequence(int64)``, ``map(string, float32)``; empty if not known."""
    which = kind.WhichOneof("value")
    if which in ("tensor_type", "sparse_tensor_type"):
        name = dtype_name(getattr(kind, which).elem_type)
        return f"sparse {name}".rstrip() if which.startswith("sparse") else name
    if which in ("sequence_type", "optional_type"):
        return f"{which.removesuffix('_type')}({type_text(getattr(kind, which).elem_type)})"
    if which == "map_type":
        key = dtype_name(kind.map_type.key_type)
        return f"map({key}, {type_text(kind.map_type.value_type)})"
    return ""


def attribute_details(attribute: onnx.AttributeProto) -> AttributeDetails:
    """An attribute and its value as text."""
    known = attribute.type in _AttributeType.AttributeType.values()
    type_name = _AttributeType.AttributeType.Name(attribute.type).lower() if known else "unknown"
    return AttributeDetails(attribute.name, type_name, cut(_value_text(attribute)))


def cut(text: str) -> str:
    """At most ``MAX_TEXT`` characters."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _value_text(attribute: onnx.AttributeProto) -> str:
    if attribute.ref_attr_name:
        return f"the function's attribute {attribute.ref_attr_name}"
    kind = attribute.type
    if kind == _AttributeType.INT:
        dtype = dtype_name(attribute.i) if attribute.name in _TYPE_NUMBERS else ""
        return f"{attribute.i} ({dtype})" if dtype else str(attribute.i)
    if kind == _AttributeType.FLOAT:
        return _number(np.float32(attribute.f))
    if kind == _AttributeType.STRING:
        return _string(attribute.s)
    if kind == _AttributeType.TENSOR:
        return tensor_text(attribute.t)
    if kind == _AttributeType.GRAPH:
        return _graph(attribute.g)
    if kind == _AttributeType.SPARSE_TENSOR:
        return f"sparse {tensor_text(attribute.sparse_tensor.values)}"
    if kind == _AttributeType.TYPE_PROTO:
        return type_text(attribute.tp)
    return _list_text(attribute)


def _list_text(attribute: onnx.AttributeProto) -> str:
    kind = attribute.type
    if kind == _AttributeType.INTS:
        return _listed(map(str, attribute.ints[:_SHOWN_ITEMS]), len(attribute.ints))
    if kind == _AttributeType.FLOATS:
        shown = (_number(np.float32(each)) for each in attribute.floats[:_SHOWN_ITEMS])
        return _listed(shown, len(attribute.floats))
    if kind == _AttributeType.STRINGS:
        shown = (_string(each) for each in attribute.strings[:_SHOWN_ITEMS])
        return _listed(shown, len(attribute.strings))
    if kind == _AttributeType.TENSORS:
        shown = (tensor_text(each) for each in attribute.tensors[:SHOWN_ELEMENTS])
        return _listed(shown, len(attribute.tensors), SHOWN_ELEMENTS)
    if kind == _AttributeType.GRAPHS:
        shown = (_graph(each) for each in attribute.graphs[:SHOWN_ELEMENTS])
        return _listed(shown, len(attribute.graphs), SHOWN_ELEMENTS)
    return ""


def _listed(shown: Iterable[str], count: int, most: int = _SHOWN_ITEMS) -> str:
    return f"[{', '.join([*shown, *(['…'] if count > most else [])])}]"


def _graph(graph: onnx.GraphProto) -> str:
    nodes = "1 node" if len(graph.node) == 1 else f"{len(graph.node)} nodes"
    return f"{graph.name[:MAX_TEXT] or 'graph'}: {nodes}"


def _string(value: bytes) -> str:
    return value[: MAX_TEXT * 4].decode("utf-8", "replace")


def tensor_text(tensor: TensorProto) -> str:
    """``float32 (3, 4) [0.1, 0.2, …]``; a scalar as ``float32 () 0.1``."""
    shape = ", ".join(str(size) for size in tensor.dims[:_SHOWN_ITEMS])
    comma = "," if len(tensor.dims) == 1 else ""
    head = f"{dtype_name(tensor.data_type) or 'unknown'} ({shape}{comma})"
    elements = elements_text(tensor)
    return f"{head} {elements}" if elements else head


def elements_text(tensor: TensorProto) -> str:
    """The first elements, ``[0.1, 0.2, …]``; where they are if not here; else empty."""
    if tensor.data_location == TensorProto.EXTERNAL:
        place = next((e.value for e in tensor.external_data if e.key == "location"), "")
        return f"in the file {place[:MAX_TEXT]}" if place else "in another file"
    count = math.prod(tensor.dims)
    if any(size < 0 for size in tensor.dims) or count == 0:
        return ""
    shown = _first_elements(tensor, min(count, SHOWN_ELEMENTS))
    if not shown:
        return ""
    if not tensor.dims:
        return shown[0]
    return _listed(shown, count, SHOWN_ELEMENTS)


def _first_elements(tensor: TensorProto, count: int) -> list[str]:
    """Decoded by onnx from a small copy; empty where the tensor has fewer, or is damaged."""
    kind = tensor.data_type
    part = TensorProto(data_type=kind, dims=[count])
    if tensor.raw_data:
        part.raw_data = _raw_elements(tensor, count)
    else:
        field, width = _FIELD_OF.get(kind, ("int32_data", 1))
        entries = -(-count // 2) if kind in _HALVED else count * width
        getattr(part, field).extend(getattr(tensor, field)[:entries])
    try:
        values = numpy_helper.to_array(part)
    except (ValueError, TypeError, KeyError, IndexError, RuntimeError):
        return []
    return [_element(value) for value in values.ravel()[:count]]


def _raw_elements(tensor: TensorProto, count: int) -> bytes:
    raw = tensor.raw_data
    total = math.prod(tensor.dims)
    size = len(raw) // total if len(raw) >= total else 0
    return raw[: count * size] if size else raw[: -(-count // 2)]


def _element(value: object) -> str:
    if isinstance(value, (bytes, str)):
        return repr(_string(value) if isinstance(value, bytes) else value[:MAX_TEXT])
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return _number(value)


def _number(value: object) -> str:
    """Of a floating-point number the fewest digits that tell it from its neighbours."""
    text = str(value)
    return text.removesuffix(".0") if text.endswith(".0") and "e" not in text else text
