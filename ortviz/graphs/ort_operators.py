"""ONNX Runtime's own operators in training graphs, described by us: its package does not."""

from __future__ import annotations

from ortviz.record.node_details import OperatorSchema


def ort_operator(op_type: str, domain: str) -> OperatorSchema | None:
    """What is known here of an operator; None for most."""
    return None
