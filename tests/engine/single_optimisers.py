"""What each of ONNX Runtime's optimisers does to a graph, switched on one at a time.

ORTModule's last stage is what an ordinary session makes of the stage before it, and a session takes
a list of optimisers to leave out. With all of them left out first, and then one more switched on at
a time, two graphs that follow each other differ by what that one does.
In one step it is plain which nodes are gone and which are new, and with the names of tensors alone
which of them belong together: what an optimiser merges makes the tensor that the last of the merged
nodes made, and the tensors between them are gone.

This tells of the session's optimisers. Those that ORTModule runs before it builds the gradient
(``optimized_pre_grad``) cannot be chosen one by one: its graph builder takes no such list. What
they do is checked by numbers alone, in ``test_lineage``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import onnx
import onnxruntime

OPTIMISERS = (
    *("ConstantFolding", "ConstantSharing", "MatMulAddFusion"),
    *("ReshapeFusion", "TransposeOptimizer", "GatherSliceToSplitFusion", "GatherToSliceFusion"),
    *("GeluFusion", "LayerNormFusion", "SimplifiedLayerNormFusion", "EliminateIdentity"),
    *("EliminateSlice", "UnsqueezeElimination", "EliminateDropout", "ExpandElimination"),
    *("CastElimination", "CastChainElimination", "PreShapeNodeElimination", "NoopElimination"),
    *("DivMulFusion", "FuseReluClip", "GemmSumFusion", "GemmTransposeFusion", "NotWhereFusion"),
    *("ConvAddFusion", "ConvMulFusion", "ConvBNFusion", "Pad_Fusion", "GemmActivationFusion"),
    *("MatMul_BatchNormalization_Fusion", "ConvActivationFusion", "ConvAddActivationFusion"),
    *("AttentionFusion", "EmbedLayerNormFusion", "MatmulTransposeFusion", "MatMulScaleFusion"),
    *("MatMulActivationFusion", "BiasGeluFusion", "SkipLayerNormFusion", "FastGeluFusion"),
    *("QuickGeluFusion", "GeluApproximation", "BiasSoftmaxFusion", "BiasDropoutFusion"),
    *("NchwcTransformer", "NhwcTransformer", "PropagateCastOps", "ConcatSliceElimination"),
    "CommonSubexpressionElimination",
)
"""Those that a float32 model on a CPU may meet. Which of nodes that compute the same stays depends
on the others, so the one that removes them is the last."""

_Key = tuple[str, bytes]


@dataclass(frozen=True)
class Step:
    """One step between two graphs.

    Attributes:
        optimiser: Which one ran.
        gone: Operators of the nodes it took away.
        new: Operators of the nodes it made.
    """

    optimiser: str
    gone: tuple[str, ...]
    new: tuple[str, ...]


@dataclass
class Made:
    """What a node of the last graph was made from, as nodes of the first.

    Attributes:
        ends: Those that made the tensors that it makes.
        all: Those, and what was merged with them.
    """

    ends: set[int] = field(default_factory=set)
    all: set[int] = field(default_factory=set)


@dataclass
class Chain:
    """All steps from one graph to another.

    Attributes:
        steps: Those that changed something.
        result: The last graph.
        made: By node of the last graph.
        removed_by: Node of the first graph that nothing of the last was made from -> the step in
            which it went.
    """

    steps: list[Step]
    result: onnx.ModelProto
    made: list[Made]
    removed_by: dict[int, str]


def run_one_at_a_time(model_bytes: bytes, folder: Path) -> Chain:
    """Switch the optimisers on, one after the other.

    Args:
        model_bytes: The graph before.
        folder: For the session's files.
    """
    nodes = list(onnx.load_model_from_string(model_bytes).graph.node)
    first = len(nodes)
    made = [Made({number}, {number}) for number in range(first)]
    steps: list[Step] = []
    removed_by: dict[int, str] = {}
    content = model_bytes
    for count, optimiser in enumerate(("none", *OPTIMISERS)):
        content = _optimised(model_bytes, OPTIMISERS[count:], folder)
        after = list(onnx.load_model_from_string(content).graph.node)
        gone, new, following = _compare(nodes, after, made)
        if gone or new:
            ops = [tuple(sorted(each.op_type for each in part)) for part in (gone, new)]
            steps.append(Step(optimiser, *ops))
        nodes, made = after, following
        alive = set().union(*(each.all for each in made))
        for number in set(range(first)) - alive:
            removed_by.setdefault(number, optimiser)
    return Chain(steps, onnx.load_model_from_string(content), made, removed_by)


def _optimised(content: bytes, left_out: Sequence[str], folder: Path) -> bytes:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        content, options, ["CPUExecutionProvider"], disabled_optimizers=list(left_out)
    )
    return (folder / "optimised.onnx").read_bytes()


def _compare(
    before: list[onnx.NodeProto], after: list[onnx.NodeProto], made: list[Made]
) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto], list[Made]]:
    """The nodes that are gone, those that are new, and what each node after was made from."""
    kept: dict[_Key, list[int]] = {}
    for number, node in enumerate(before):
        kept.setdefault(_key(node), []).append(number)
    left = set(range(len(before)))
    following: list[Made | None] = []
    for node in after:
        found = kept.get(_key(node))
        following.append(made[found[0]] if found else None)
        if found:
            left.discard(found.pop(0))
    there = {name for node in after for name in node.output if name}
    maker = {name: number for number in left for name in before[number].output if name}
    new = [node for node, found in zip(after, following, strict=True) if found is None]
    return (
        [before[number] for number in sorted(left)],
        new,
        [
            _made_from(node, before, maker, there, made) if found is None else found
            for node, found in zip(after, following, strict=True)
        ],
    )


def _made_from(
    node: onnx.NodeProto,
    before: list[onnx.NodeProto],
    maker: dict[str, int],
    there: set[str],
    made: list[Made],
) -> Made:
    """The makers of a new node's tensors, and back from there what made tensors that are gone.

    An Identity only hands on: the node in front of it has taken its output's name.
    """
    ends = {maker[name] for name in node.output if name in maker}
    taken: set[int] = set()
    waiting = list(ends)
    while waiting:
        number = waiting.pop()
        if number in taken:
            continue
        taken.add(number)
        for name in before[number].input:
            if name in maker and name not in there and name not in node.input:
                waiting.append(maker[name])
                if number in ends and before[number].op_type == "Identity":
                    ends.add(maker[name])
    taken = {number for number in taken if before[number].op_type != "Identity"}
    return Made(
        set().union(*(made[number].ends for number in ends & taken)),
        set().union(*(made[number].all for number in taken)),
    )


def _key(node: onnx.NodeProto) -> _Key:
    """Operator, attributes and tensors made: the same node, whatever it is called and takes."""
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    for each in ("name", "doc_string", "input"):
        bare.ClearField(each)
    attributes = sorted(bare.attribute, key=lambda each: each.name)
    del bare.attribute[:]
    bare.attribute.extend(each for each in attributes if not each.name.startswith("__"))
    return node.op_type, bare.SerializeToString(deterministic=True)
