"""Messages about graphs: what they consist of, where nodes came from, what is known of them.

``graph_structure`` is what is drawn; all else about a stage refers to its numbers: *node* is an
index into its nodes, *value* one into its values, *group* one into its groups.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from ortviz.protocol.wire import Column, ModeName, SideName, SiteStatusName, StageName, WireFloat

HalfName = Literal["forward", "backward"]
GroupKindName = Literal["half", "module", "repeat", "part", "subgraph"]
LinkKindName = Literal[
    "same", "renamed", "fused", "split", "changed", "added", "removed", "untraced"
]
ValueKindName = Literal["value", "input", "parameter", "constant", "outer", "absent"]


class OpCount(TypedDict):
    """How often an operator occurs."""

    op_type: str
    count: int


class ModuleNodeCount(TypedDict):
    """How many nodes of a stage belong to a module, its children included."""

    module: str
    forward: int
    backward: int


class StageRow(TypedDict):
    """One saved graph."""

    mode: ModeName
    stage: StageName
    export_index: int
    node_count: int
    forward_count: int
    backward_count: int
    untraced_count: int
    size_bytes: int
    op_counts: list[OpCount]
    modules: list[ModuleNodeCount]


class StageKey(TypedDict):
    """Which graph."""

    mode: ModeName
    stage: StageName


class GraphsView(TypedDict):
    """Answer to ``graphs``: the newest export of each mode and stage.

    ``first`` is the one to show unless another is asked for; null where there is none.
    """

    stages: list[StageRow]
    first: StageKey | None
    notes: list[str]


class NodeRow(TypedDict):
    """One node of a stage."""

    index: int
    name: str
    op_type: str
    domain: str
    half: Literal["forward", "backward"]
    module: str | None
    evidence: str
    inputs: list[str]
    outputs: list[str]


class GraphNodesView(TypedDict):
    """Answer to ``graph_nodes``: all nodes of a stage, file order."""

    mode: ModeName
    stage: StageName
    nodes: list[NodeRow]


class GraphModelView(TypedDict):
    """Answer to ``graph_model`` and ``graph_extract``; the ONNX file is the buffer of ``model``.

    ``notes`` are sentences about a part of a graph: what was added to what was chosen, and what
    became an input.
    """

    mode: ModeName
    stage: StageName
    file_name: str
    model: Column
    notes: list[str]


class StringTable(TypedDict):
    """Many strings in two buffers: string ``i`` is ``text[ends[i - 1]:ends[i]]``, UTF-8.

    ``text`` is uint8, ``ends`` int32 with one entry a string; the first string begins at 0.
    """

    text: Column
    ends: Column


class GroupRow(TypedDict):
    """A group of nodes, and of groups, that is drawn as one box until it is opened.

    Attributes of the wire:
        parent: Index of the group around it; -1 is the graph itself. Parents come first.
        kind: ``half`` is the forward or backward pass. ``module`` is an nn.Module of
            ``named_modules()``. ``repeat`` holds ``count`` numbered modules of equal structure
            in a row. ``part`` is a run of neighbours, where there would be too many boxes side
            by side. ``subgraph`` is the body of the node ``owner`` (If, Loop, Scan).
        label: Short name to write on it, for example ``0`` or ``attn``.
        module: Fully qualified name; null where it stands for no single module.
        owner: The node whose body it is; -1 unless it is a subgraph.
        node_count: Nodes of the file in it, also inside its groups.
    """

    parent: int
    kind: GroupKindName
    label: str
    module: str | None
    half: HalfName
    count: int
    owner: int
    node_count: int


class OpRow(TypedDict):
    """An operator that occurs in the graph; domain is empty for ONNX's own."""

    op_type: str
    domain: str


class GraphStructureView(TypedDict):
    """Answer to ``graph_structure``: one stage as a hierarchy.

    Nodes ``0 … file_node_count - 1`` are those of the file, in its order. After them come nodes
    of subgraphs, then the graph's own inputs and outputs that are drawn.

    Attributes of the wire:
        mode: Training or inference.
        stage: Which one.
        file_node_count: Nodes of the main graph.
        groups: All groups, parents first.
        ops: Operators; ``node_op`` points here.
        node_op: int32 (node); -1 for inputs and outputs of the graph.
        node_kind: uint8 (node): 0 an operator, 1 an input of the graph, 2 an output of it.
        node_group: int32 (node): the innermost group; -1 stands in none.
        node_names: Names as in the file; may be empty or repeated.
        value_names: All tensors that nodes make, by node and output, absent ones left out.
        value_node: int32 (value): the node that makes it.
        edge_value: int32 (edge): the tensor that is used; its maker is where the edge begins.
        edge_to: int32 (edge): the node that uses it.
        notes: Sentences for a person, for example what the file lacks.
    """

    mode: ModeName
    stage: StageName
    file_node_count: int
    groups: list[GroupRow]
    ops: list[OpRow]
    node_op: Column
    node_kind: Column
    node_group: Column
    node_names: StringTable
    value_names: StringTable
    value_node: Column
    edge_value: Column
    edge_to: Column
    notes: list[str]


class AttributeRow(TypedDict):
    """An attribute of a node; ``text`` is cut after some hundred characters."""

    name: str
    type_name: str
    text: str


class ValueRow(TypedDict):
    """A tensor that a node takes or gives.

    ``shape`` has numbers, names of unknown sizes, and ``?``; null when nothing is known of it.
    ``kind`` is ``parameter`` for weights and buffers of the module, ``constant`` for what lies in
    the file, ``input`` for what the graph is given, ``outer`` for a value of the graph around a
    subgraph, ``absent`` for an optional one left out. ``text`` has the first elements
    of a constant.
    """

    slot: str
    name: str
    kind: ValueKindName
    shape: list[str] | None
    dtype: str
    text: str


class NodeDetailsRow(TypedDict):
    """What one node is.

    ``evidence`` says what its module was told from, ``note`` how much of a node with very many
    inputs or outputs is left out.
    """

    node: int
    module: str | None
    evidence: str
    attributes: list[AttributeRow]
    inputs: list[ValueRow]
    outputs: list[ValueRow]
    note: str


class GraphDetailsView(TypedDict):
    """Answer to ``graph_details``: nodes ``chunk * chunk_size`` and those after it."""

    chunk: int
    chunk_size: int
    nodes: list[NodeDetailsRow]


class SchemaParameterRow(TypedDict):
    """A formal input, output or attribute of an operator."""

    name: str
    type_name: str
    description: str
    required: bool


class SchemaRow(TypedDict):
    """An operator's documentation as onnx or ONNX Runtime ships it.

    ``doc`` is Markdown; empty, with the reason in ``note``, where none is installed.
    """

    op_type: str
    domain: str
    since_version: int
    doc: str
    note: str
    inputs: list[SchemaParameterRow]
    outputs: list[SchemaParameterRow]
    attributes: list[SchemaParameterRow]


class GraphSchemasView(TypedDict):
    """Answer to ``graph_schemas``: the operators of a stage."""

    schemas: list[SchemaRow]


class LineageSentence(TypedDict):
    """What happened to many nodes in the same way: "12 Gelu + Add became BiasGelu".

    ``nodes`` are this stage's, ``previous_nodes`` the previous one's, at most some hundred each;
    ``count`` is how often it happened.
    """

    kind: LinkKindName
    text: str
    count: int
    nodes: list[int]
    previous_nodes: list[int]


class GraphLineageView(TypedDict):
    """Answer to ``graph_lineage``: one stage against the one before it.

    A link to a node that was ``added`` leads from the node it serves: whose gradient it makes, or
    for which it was inserted. One from a node that was ``removed`` leads to what takes its place.
    All others say that the later node comes from the earlier one.

    Attributes of the wire:
        mode: Training or inference.
        stage: Which one.
        previous: The stage before it that was saved; null for the first, which has no links.
        kinds: What the codes of ``*_kind`` stand for.
        evidences: Sentences; what the codes of ``*_evidence`` stand for.
        link_from: int32 (link): a node of the previous stage.
        link_to: int32 (link): a node of this one.
        node_kind: uint8 (node of this stage): what became of it here.
        node_evidence: uint8 (node of this stage): from what this was concluded.
        previous_kind: uint8 (node of the previous stage).
        previous_evidence: uint8 (node of the previous stage).
        sentences: The same in words, most frequent first; what stayed the same comes last.
    """

    mode: ModeName
    stage: StageName
    previous: StageName | None
    kinds: list[LinkKindName]
    evidences: list[str]
    link_from: Column
    link_to: Column
    node_kind: Column
    node_evidence: Column
    previous_kind: Column
    previous_evidence: Column
    sentences: list[LineageSentence]


class GraphOverlayView(TypedDict):
    """Answer to ``graph_overlay``: what a step recorded, by tensor of one stage.

    All columns but the last two have one entry a recorded tensor.

    Attributes of the wire:
        step: Which one.
        value: int32: its number in ``graph_structure``.
        site_ids: Addresses, for the other views.
        verdict: uint8: 0 equal, 1 rounding, 2 divergent, 3 not comparable.
        born_here: uint8: 1 where the difference was found to be born there.
        max_abs_error: float64: ORT against eager; NaN where not compared.
        max_rel_error: float64.
        reference_norm: float64: L2 norm of eager's finite elements; NaN where not recorded.
        candidate_norm: float64: of ORT's.
        reference_nonfinite: int32: NaN and infinite elements, eager.
        candidate_nonfinite: int32: ORT.
        backward: uint8: 1 for gradients.
        timed_node: int32 (timed): nodes whose time was measured.
        node_secs: float64 (timed): seconds a call, median.
        notes: Sentences, for example what could not be found in this stage.
        time_notes: What the times are of, or why there are none.
    """

    step: int
    value: Column
    site_ids: StringTable
    verdict: Column
    born_here: Column
    max_abs_error: Column
    max_rel_error: Column
    reference_norm: Column
    candidate_norm: Column
    reference_nonfinite: Column
    candidate_nonfinite: Column
    backward: Column
    timed_node: Column
    node_secs: Column
    notes: list[str]
    time_notes: list[str]


class TensorValuesView(TypedDict):
    """Answer to ``tensor_values``: the elements of one tensor, the first some thousand of it.

    ``sampled`` tells whether elements were left out; ``values`` is float64 in C order then.
    """

    name: str
    side: SideName | None
    status: SiteStatusName
    reason: str
    shape: list[int]
    dtype: str
    element_count: int
    sampled: bool
    values: Column
    minimum: WireFloat
    maximum: WireFloat
    mean: WireFloat
