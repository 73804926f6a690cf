"""What one node of a graph is, in words and numbers for a person."""

from __future__ import annotations

from dataclasses import dataclass

from ortviz.record._enum import StrEnum


class ValueKind(StrEnum):
    """Where a tensor that a node takes or gives comes from."""

    VALUE = "value"
    """A node of the same graph makes it."""
    INPUT = "input"
    """The graph is given it."""
    PARAMETER = "parameter"
    """A parameter or buffer of the module."""
    CONSTANT = "constant"
    """It lies in the file."""
    OUTER = "outer"
    """A value of the graph around a subgraph."""
    ABSENT = "absent"
    """An optional one that is left out."""


@dataclass(frozen=True, slots=True)
class AttributeDetails:
    """An attribute of a node.

    Attributes:
        name: As in the file.
        type_name: ONNX's name of its type, in lower case: ``int``, ``floats``, ``tensor``, …
        text: Its value, cut where it is long.
    """

    name: str
    type_name: str
    text: str


@dataclass(frozen=True, slots=True)
class ValueDetails:
    """A tensor that a node takes or gives.

    Attributes:
        slot: The operator's name for it, else its number.
        name: As in the file; empty when it is left out.
        kind: Where it comes from.
        shape: Numbers, names of unknown sizes, and ``?``; None when nothing is known of it.
        dtype: As PyTorch calls it, for example ``float32``; empty when not known.
        text: The elements of a constant, the first few of them; else empty.
    """

    slot: str
    name: str
    kind: ValueKind
    shape: tuple[str, ...] | None
    dtype: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class NodeDetails:
    """One node.

    Attributes:
        node: Its number in :class:`~ortviz.record.GraphStructure`.
        module: Fully qualified name of the module it came from; None when that is not known.
        evidence: A sentence: what the module was told from, or why it is not known.
        attributes: In the file's order.
        inputs: By slot.
        outputs: By slot.
        note: A sentence: how many inputs or outputs are left out; else empty.
    """

    node: int
    module: str | None
    evidence: str
    attributes: tuple[AttributeDetails, ...]
    inputs: tuple[ValueDetails, ...]
    outputs: tuple[ValueDetails, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class SchemaParameter:
    """A formal input, output or attribute of an operator."""

    name: str
    type_name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True)
class OperatorSchema:
    """What an operator is said to do.

    Attributes:
        op_type: Its name.
        domain: Its domain; empty for ONNX's own.
        since_version: The version of the domain's operator set that it is of; 0 if not known.
        doc: Markdown; empty where there is none.
        note: Why there is none, or who wrote it if its makers did not; else empty.
        inputs: By slot.
        outputs: By slot.
        attributes: By name.
    """

    op_type: str
    domain: str
    since_version: int
    doc: str
    note: str
    inputs: tuple[SchemaParameter, ...]
    outputs: tuple[SchemaParameter, ...]
    attributes: tuple[SchemaParameter, ...]
