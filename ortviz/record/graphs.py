"""What ortviz knows of an ONNX graph that ORTModule saved."""

from __future__ import annotations

from dataclasses import dataclass

from ortviz.record._enum import StrEnum
from ortviz.record.steps import Mode


class Stage(StrEnum):
    """ORTModule's five stages, by its own names, in order, and what is none of them."""

    TORCH_EXPORTED = "torch_exported"
    POST_PROCESSED = "post_processed"
    OPTIMIZED_PRE_GRAD = "optimized_pre_grad"
    OPTIMIZED = "optimized"
    EXECUTION_MODEL = "execution_model"
    MODEL = "model"
    """The graph of a lone ONNX file; never in a run's file."""


ORTMODULE_STAGES: tuple[Stage, ...] = (
    Stage.TORCH_EXPORTED,
    Stage.POST_PROCESSED,
    Stage.OPTIMIZED_PRE_GRAD,
    Stage.OPTIMIZED,
    Stage.EXECUTION_MODEL,
)
"""Those that ORTModule saves, in order."""


class Half(StrEnum):
    """The part of a training graph a node belongs to."""

    FORWARD = "forward"
    BACKWARD = "backward"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """One node of a graph.

    Attributes:
        index: Position in the file, from 0.
        name: As in the file; may be empty or repeated.
        op_type: ONNX operator.
        domain: ONNX operator domain; empty for the default one.
        inputs: Value names.
        outputs: Value names; the first one is how a node is found again in another stage.
        half: Before (forward) or after (backward) the YieldOp.
        module: Fully qualified name of the nn.Module it came from; None when it could not be
            traced to one. ``""`` is the root module.
        evidence: What ``module`` was concluded from: ``output_name``, ``gradient_of``,
            ``node_name``, ``model_output`` (it stands outside of all modules but the root),
            ``lineage`` (the nodes it came from in the stage before), ``doubtful_name`` (its name
            may be another module's too), ``neighbour`` or empty.
    """

    index: int
    name: str
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    half: Half
    module: str | None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """One stage of one mode.

    Attributes:
        mode: Training or inference.
        stage: Which one.
        nodes: In file order.
        op_counts: (operator, count), most frequent first.
        model_bytes: The ONNX file itself, serialised.
        export_index: 0 for the first export of the run, 1 after ORTModule exported again, …
    """

    mode: Mode
    stage: Stage
    nodes: tuple[NodeRecord, ...]
    op_counts: tuple[tuple[str, int], ...]
    model_bytes: bytes
    export_index: int = 0
