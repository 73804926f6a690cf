"""The answers to ``graph_details`` and ``graph_schemas``."""

from __future__ import annotations

from collections.abc import Iterable

from ortviz.protocol.graph_messages import (
    GraphDetailsView,
    GraphSchemasView,
    NodeDetailsRow,
    SchemaParameterRow,
    SchemaRow,
    ValueRow,
)
from ortviz.record import NodeDetails, OperatorSchema, SchemaParameter, ValueDetails


def graph_details_view(
    chunk: int, chunk_size: int, nodes: Iterable[NodeDetails]
) -> GraphDetailsView:
    """What some nodes are.

    Args:
        chunk: Number of the chunk.
        chunk_size: Nodes of a full one.
        nodes: Those of this one, in order.
    """
    return {"chunk": chunk, "chunk_size": chunk_size, "nodes": [_node_row(each) for each in nodes]}


def graph_schemas_view(schemas: Iterable[OperatorSchema]) -> GraphSchemasView:
    """The documentation of the operators of a stage."""
    return {"schemas": [_schema_row(schema) for schema in schemas]}


def _node_row(node: NodeDetails) -> NodeDetailsRow:
    return {
        "node": node.node,
        "module": node.module,
        "evidence": node.evidence,
        "attributes": [
            {"name": each.name, "type_name": each.type_name, "text": each.text}
            for each in node.attributes
        ],
        "inputs": [_value_row(each) for each in node.inputs],
        "outputs": [_value_row(each) for each in node.outputs],
        "note": node.note,
    }


def _value_row(value: ValueDetails) -> ValueRow:
    return {
        "slot": value.slot,
        "name": value.name,
        "kind": value.kind.value,
        "shape": None if value.shape is None else list(value.shape),
        "dtype": value.dtype,
        "text": value.text,
    }


def _schema_row(schema: OperatorSchema) -> SchemaRow:
    return {
        "op_type": schema.op_type,
        "domain": schema.domain,
        "since_version": schema.since_version,
        "doc": schema.doc,
        "note": schema.note,
        "inputs": [_parameter_row(each) for each in schema.inputs],
        "outputs": [_parameter_row(each) for each in schema.outputs],
        "attributes": [_parameter_row(each) for each in schema.attributes],
    }


def _parameter_row(parameter: SchemaParameter) -> SchemaParameterRow:
    return {
        "name": parameter.name,
        "type_name": parameter.type_name,
        "description": parameter.description,
        "required": parameter.required,
    }
