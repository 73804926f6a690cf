"""What operators are said to do: onnx's own documentation, and ours of ONNX Runtime's operators."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import onnx
from onnx import defs

from ortviz.graphs.ort_operators import ort_operator
from ortviz.graphs.structure_notes import ONNX_DOMAINS, quoted
from ortviz.record.node_details import OperatorSchema, SchemaParameter

MAX_DOC = 20_000
"""Characters of one documentation; onnx's longest has about half of that."""

_ORT_DOMAINS = ("com.microsoft", "com.ms.")
_VARIADIC = defs.OpSchema.FormalParameterOption.Variadic
_SINGLE = defs.OpSchema.FormalParameterOption.Single


def opset_versions(model: onnx.ModelProto) -> Mapping[str, int]:
    """Domain -> version of its operator set that the model was made for."""
    return {_domain(each.domain): int(each.version) for each in model.opset_import}


def onnx_schema(op_type: str, domain: str, versions: Mapping[str, int]) -> defs.OpSchema | None:
    """The schema that onnx has of an operator, in the model's version or the newest; None without.

    Args:
        op_type: The operator.
        domain: Its domain.
        versions: As :func:`opset_versions` gives them.
    """
    plain = _domain(domain)
    version = versions.get(plain, 0)
    with contextlib.suppress(defs.SchemaError):
        if version > 0:
            return defs.get_schema(op_type, version, plain)
    with contextlib.suppress(defs.SchemaError):
        return defs.get_schema(op_type, plain)
    return None


def operator_schemas(
    ops: Iterable[tuple[str, str]], model: onnx.ModelProto
) -> tuple[OperatorSchema, ...]:
    """The documentation of operators.

    Args:
        ops: (operator, domain).
        model: Whose operator sets and functions they are of.
    """
    versions = opset_versions(model)
    functions = {(each.name, each.domain): each for each in model.functions}
    return tuple(
        _function(functions[op]) if op in functions else operator_schema(*op, versions)
        for op in ops
    )


def operator_schema(op_type: str, domain: str, versions: Mapping[str, int]) -> OperatorSchema:
    """The documentation of one operator; ``note`` says why where there is none."""
    found = onnx_schema(op_type, domain, versions)
    if found is not None:
        return _of_onnx(found, domain, versions.get(_domain(domain), 0))
    known = ort_operator(op_type, domain)
    if known is not None:
        return known
    return OperatorSchema(op_type, domain, 0, "", _why_none(domain), (), (), ())


def slot_names(formal: tuple[SchemaParameter, ...], count: int) -> list[str]:
    """A name for each of a node's inputs or outputs; its number where the operator has none.

    Args:
        formal: Of the operator's schema; a variadic one has a name that ends in ``…``.
        count: How many the node has.
    """
    names = [each.name for each in formal[:count]]
    if formal and formal[-1].name.endswith("…"):
        stem, first = formal[-1].name[:-1], len(formal) - 1
        names[first:] = [f"{stem}[{place}]" for place in range(count - first)]
    return [*names, *(str(place) for place in range(len(names), count))]


def _of_onnx(schema: defs.OpSchema, domain: str, version: int) -> OperatorSchema:
    notes = ["It is deprecated."] if schema.deprecated else []
    if 0 < version < schema.since_version:
        # ONNX Runtime puts some operators into older models, for example LayerNormalization.
        notes.append(
            f"onnx has it since version {schema.since_version} of its operator set; the model was "
            f"made for version {version}."
        )
    return OperatorSchema(
        op_type=schema.name,
        domain=domain,
        since_version=int(schema.since_version),
        doc=(schema.doc or "").strip()[:MAX_DOC],
        note=" ".join(notes),
        inputs=tuple(_formal(each) for each in schema.inputs),
        outputs=tuple(_formal(each) for each in schema.outputs),
        attributes=tuple(
            SchemaParameter(
                name,
                str(each.type).rpartition(".")[2].lower(),
                _plain(each.description),
                bool(each.required),
            )
            for name, each in sorted(schema.attributes.items())
        ),
    )


def _formal(each: defs.OpSchema.FormalParameter) -> SchemaParameter:
    name = f"{each.name}…" if each.option == _VARIADIC else each.name
    return SchemaParameter(name, each.type_str, _plain(each.description), each.option == _SINGLE)


def _function(function: onnx.FunctionProto) -> OperatorSchema:
    """A function that the model brings along."""

    def formal(names: Iterable[str]) -> tuple[SchemaParameter, ...]:
        return tuple(SchemaParameter(name, "", "", required=True) for name in names)

    nodes = "1 node" if len(function.node) == 1 else f"{len(function.node)} nodes"
    return OperatorSchema(
        function.name,
        function.domain,
        0,
        function.doc_string.strip()[:MAX_DOC],
        f"It is a function of {nodes} that the file brings along.",
        formal(function.input),
        formal(function.output),
        formal(function.attribute),
    )


def _why_none(domain: str) -> str:
    plain = _domain(domain)
    if plain.startswith(_ORT_DOMAINS):
        return (
            "ONNX Runtime's package has no documentation of its own operators. Most are described "
            "in docs/ContribOperators.md of its source code."
        )
    if plain in ONNX_DOMAINS:
        return "onnx has no operator of this name."
    return f"onnx knows no operators of the domain {quoted(plain)}."


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def _plain(text: str) -> str:
    return " ".join((text or "").split())[:MAX_DOC]
