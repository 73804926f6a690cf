"""What is unusual about an ONNX file, and what is left out of its picture, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import onnx
from onnx import defs

from ortviz.graphs.flat import FlatGraph, initializers
from ortviz.graphs.order import NodeOrder
from ortviz.graphs.ort_operators import ort_operator

ONNX_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training")
"""Those that onnx itself defines operators of; the empty one is ``ai.onnx``."""
_ORT_DOMAINS = ("com.microsoft", "com.ms.internal", "org.pytorch.aten")
_LONGEST_NAME = 80


def structure_notes(
    model: onnx.ModelProto, flat: FlatGraph, order: NodeOrder, *, draw_outputs: bool
) -> tuple[str, ...]:
    """Sentences for a person; empty for a file that keeps ONNX's rules and is drawn whole."""
    return (
        *_order_notes(flat, order),
        *_name_notes(flat),
        *_operator_notes(model, flat),
        *_external_notes(model.graph),
        *_ends_notes(model.graph, flat, draw_outputs=draw_outputs),
    )


def quoted(name: str) -> str:
    """A name as a sentence can have it: on one line, and not too long."""
    text = repr(name[: _LONGEST_NAME + 1])
    return text if len(name) <= _LONGEST_NAME else f"{text[:-2]}…'"


def _order_notes(flat: FlatGraph, order: NodeOrder) -> Iterator[str]:
    if order.on_cycle is not None:
        name = flat.node_names[order.on_cycle] or f"number {order.on_cycle}"
        yield (
            f"The graph has a cycle, for example through the node {quoted(name)}: it needs its own "
            "result, so the graph cannot run."
        )
    elif order.places is not None:
        yield (
            "Some nodes come before others whose results they use, which ONNX does not allow; "
            "lines lead to them all the same."
        )


def _name_notes(flat: FlatGraph) -> Iterator[str]:
    if flat.repeated_names:
        yield (
            f"{_tensors(flat.repeated_names)} made more than once; lines begin at the first node "
            "that makes it."
        )
    if flat.nowhere_names:
        them = "it" if len(flat.nowhere_names) == 1 else "them"
        yield f"{_tensors(flat.nowhere_names)} used and made nowhere; no line begins at {them}."
    names = Counter(flat.node_names[: flat.operator_count])
    if nameless := names.pop("", 0):
        yield f"{nameless:,} {'node has' if nameless == 1 else 'nodes have'} no name."
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        count = "1 name is" if len(twice) == 1 else f"{len(twice):,} names are"
        yield f"{count} given to more than one node, for example {quoted(twice[0])}."


def _tensors(names: Iterable[str]) -> str:
    """``The tensor 'a' is`` or ``3 tensors, for example 'a', are``."""
    listed = list(names)
    if len(listed) == 1:
        return f"The tensor {quoted(listed[0])} is"
    return f"{len(listed):,} tensors, for example {quoted(listed[0])}, are"


def _operator_notes(model: onnx.ModelProto, flat: FlatGraph) -> Iterator[str]:
    functions = {(each.name, each.domain) for each in model.functions}
    unknown = [op for op in flat.ops if op not in functions and not _known(*op)]
    if unknown:
        op_type, domain = unknown[0]
        of_domain = f" of domain {quoted(domain)}" if domain else ""
        if len(unknown) == 1:
            yield f"onnx does not know the operator {quoted(op_type)}{of_domain}."
        else:
            yield (
                f"onnx does not know {len(unknown)} of the operators, for example "
                f"{quoted(op_type)}{of_domain}."
            )


def _known(op_type: str, domain: str) -> bool:
    if domain in ONNX_DOMAINS:
        plain = "" if domain == "ai.onnx" else domain
        return bool(defs.has(op_type, plain)) or ort_operator(op_type, plain) is not None
    return domain.startswith(_ORT_DOMAINS)


def _external_notes(graph: onnx.GraphProto) -> Iterator[str]:
    external = [tensor for tensor in initializers(graph) if tensor.data_location == tensor.EXTERNAL]
    if external:
        files = dict.fromkeys(
            entry.value
            for tensor in external
            for entry in tensor.external_data
            if entry.key == "location"
        )
        where = f" ({quoted(next(iter(files)))})" if len(files) == 1 else ""
        noun = "tensor" if len(external) == 1 else "tensors"
        yield (
            f"The values of {len(external):,} {noun} lie in {_file_count(len(files))} beside this "
            f"one{where} and are not read."
        )


def _file_count(count: int) -> str:
    return "another file" if count <= 1 else f"{count} other files"


def _ends_notes(graph: onnx.GraphProto, flat: FlatGraph, *, draw_outputs: bool) -> Iterator[str]:
    for count, noun in (
        (flat.undrawn_input_count, "inputs"),
        (flat.undrawn_output_count, "outputs"),
    ):
        if count:
            is_are = f"{noun} of the graph are" if count > 1 else f"{noun[:-1]} of the graph is"
            yield f"{count:,} further {is_are} not drawn."
    if not draw_outputs and len(graph.output) == 1:
        yield "The gradient that is handed to PyTorch is not drawn as a box."
    elif not draw_outputs and len(graph.output):
        gradients = f"{len(graph.output):,} gradients"
        yield f"The {gradients} that are handed to PyTorch are not drawn as boxes."
