"""The wire: what the browser may ask and what it gets.

The one definition of it, with ``wire.py`` (scalars, columns, names) and ``graph_messages.py`` (all
about graphs). TypeScript's types are generated from the three
(``python -m ortviz.protocol.typescript``).
"""

from __future__ import annotations

from typing import Literal, TypedDict

from ortviz.protocol.graph_messages import (
    GraphDetailsView,
    GraphLineageView,
    GraphModelView,
    GraphNodesView,
    GraphOverlayView,
    GraphSchemasView,
    GraphStructureView,
    GraphsView,
    TensorValuesView,
)
from ortviz.protocol.wire import (
    Column,
    DirectionName,
    LossName,
    MaskedLossName,
    ModeName,
    NonfiniteName,
    OriginName,
    SeverityName,
    SideName,
    SiteStatusName,
    StageName,
    StatusName,
    VerdictName,
    ViewName,
    WireFloat,
)

CommandName = Literal[
    "run",
    "summary",
    "losses",
    "mask_map",
    "masked_elements",
    "traces",
    "gradients",
    "histograms",
    "graphs",
    "graph_nodes",
    "graph_model",
    "graph_extract",
    "graph_constant",
    "graph_lineage",
    "graph_structure",
    "graph_details",
    "graph_schemas",
    "graph_overlay",
    "tensor_values",
    "findings",
    "control",
]


class ModuleRow(TypedDict):
    """One module of the user's model, in the order of ``named_modules()``."""

    name: str
    type_name: str
    parameter_count: int
    source: str
    hooks: list[str]


class RunView(TypedDict):
    """Answer to ``run``: what does not change while the run goes on.

    ``engine`` is ``file`` where there was no run: graphs of ONNX files, and no step.
    ``ranks`` are the processes of a distributed training whose runs can be asked for, with the
    parameter ``rank`` of every command but ``control``.
    """

    run_id: str
    name: str
    every: int
    engine: Literal["ortmodule", "eager", "file"]
    engine_reason: str
    rank: int
    world_size: int
    ranks: list[int]
    versions: list[list[str]]
    modules: list[ModuleRow]
    has_histograms: bool


class FindingMark(TypedDict):
    """A step at which a finding lies, for the step strip."""

    step: int
    severity: SeverityName


class ProblemRow(TypedDict):
    """Trouble of ortviz's own; training went on."""

    what: str
    remedy: str
    step: int | None
    detail: str


class SummaryView(TypedDict):
    """Answer to ``summary``, and pushed while live: of bounded size whatever the run's length.

    ``spark_*`` is the loss the user trains with (else MAE) of ORT's side in at most 200 bins.
    ``sampled_steps`` is thinned to at most 2,000 steps, first and last kept.
    """

    status: StatusName
    latest_step: int | None
    step_count: int
    total_steps: int | None
    steps_per_sec: WireFloat
    sampled_step_count: int
    latest_sampled_step: int | None
    sampled_steps: Column
    spark_steps: Column
    spark_min: Column
    spark_max: Column
    spark_loss: LossName
    finding_counts: FindingCounts
    finding_marks: list[FindingMark]
    problems: list[ProblemRow]


class FindingCounts(TypedDict):
    """How many findings of each severity."""

    error: int
    warning: int
    info: int


class LossSeries(TypedDict):
    """One curve: per bin the least, largest and last finite value; NaN where there is none."""

    side: SideName
    loss: LossName
    minimum: Column
    maximum: Column
    last: Column


class LossMark(TypedDict):
    """A step at which a loss or a gradient was not finite."""

    step: int
    side: SideName
    what: LossName | Literal["gradient"]
    kind: Literal["nan", "inf", "-inf"]


class MaskedCounts(TypedDict):
    """Masked elements per bin (sum over the bin), int32."""

    loss: MaskedLossName
    nan: Column
    posinf: Column
    neginf: Column


class LossesView(TypedDict):
    """Answer to ``losses``; all columns have one entry a bin; ``steps`` is the bin's first step.

    ``steps_per_bin`` is 1 when nothing was folded.
    """

    first_step: int
    last_step: int
    steps_per_bin: int
    steps: Column
    trains_with: str
    series: list[LossSeries]
    masked: list[MaskedCounts]
    marks: list[LossMark]
    marks_left_out_count: int
    element_count: int
    notes: list[str]


class MaskMapView(TypedDict):
    """Answer to ``mask_map``: a matrix position × bin of steps.

    ``codes``: 0 nothing masked, 1 NaN, 2 +inf, 3 −inf (the most frequent one in the cell).
    ``counts``: masked elements in the cell (batch folded). Positions without any masked element
    between the two outermost masked ones are present, so that the axis is even.
    """

    loss: MaskedLossName
    steps: Column
    steps_per_bin: int
    positions: list[str]
    codes: Column
    counts: Column
    axis_label: str
    left_out_count: int


class MaskedElementRow(TypedDict):
    """One masked element."""

    step: int
    position: list[int]
    kind: Literal["nan", "inf", "-inf"]
    input: WireFloat
    target: WireFloat
    ratio: WireFloat
    gradient: WireFloat
    gradient_known: bool


class MaskedElementsView(TypedDict):
    """Answer to ``masked_elements``."""

    loss: MaskedLossName
    step: int
    rows: list[MaskedElementRow]
    masked_count: int
    element_count: int


class NonfiniteKind(TypedDict):
    """How many elements are NaN, +inf or -inf, and where the first is; where there are any."""

    kind: NonfiniteName
    count: int
    first_index: list[int] | None


class StatsCell(TypedDict):
    """Statistics of one tensor on one side; finite elements only for the five numbers."""

    status: SiteStatusName
    reason: str
    shape: list[int] | None
    dtype: str
    minimum: WireFloat
    maximum: WireFloat
    mean: WireFloat
    std: WireFloat
    l2_norm: WireFloat
    element_count: int
    zero_count: int
    nan_count: int
    inf_count: int
    nonfinite: list[NonfiniteKind]


class TraceRow(TypedDict):
    """One site of a step, eager left, ORT right.

    ``tolerance`` is relative, as ``max_rel_error`` is; ``noise_floor`` and ``local_abs_error`` are
    in the tensor's own unit, as ``max_abs_error`` is. ``local_*`` hold ORT against eager PyTorch's
    module fed ORT's own input.
    """

    site_id: str
    direction: DirectionName
    module: str
    module_type: str
    call: int
    slot: str
    value_name: str
    reference: StatsCell
    candidate: StatsCell
    verdict: VerdictName
    reason: str
    max_abs_error: WireFloat
    max_rel_error: WireFloat
    tolerance: WireFloat
    worst_index: list[int] | None
    worst_reference: WireFloat
    worst_candidate: WireFloat
    max_ulp_error: WireFloat
    cosine: WireFloat
    mismatched_fraction: WireFloat
    tolerance_reason: str
    noise_floor: WireFloat
    origin: OriginName
    local_abs_error: WireFloat
    local_rel_error: WireFloat


class HookRow(TypedDict):
    """A hook call on the eager shadow."""

    order: int
    kind: str
    module: str
    call: int
    duration_secs: WireFloat


class TracesView(TypedDict):
    """Answer to ``traces``: a step's sites in execution order, by direction.

    ``first_divergence`` holds one site a direction, ``first_own_divergence`` likewise the first
    whose difference was born there.
    """

    step: int
    mode: ModeName
    fallback: bool
    rows: list[TraceRow]
    first_divergence: list[str]
    first_own_divergence: list[str]
    hook_events: list[HookRow]
    ort_secs: WireFloat
    eager_secs: WireFloat
    notes: list[str]


GradientState = Literal["finite", "zero", "nan", "inf", "none", "not_captured"]


class GradientRow(TypedDict):
    """One parameter's or module output's gradient at a step; L2 norms of the finite elements."""

    kind: Literal["parameter", "module_output"]
    site_id: str
    label: str
    module: str
    depth: int
    reference_norm: WireFloat
    candidate_norm: WireFloat
    reference_state: GradientState
    candidate_state: GradientState
    weight_norm: WireFloat
    verdict: VerdictName
    reason: str
    origin: OriginName


class GradientsView(TypedDict):
    """Answer to ``gradients``: along depth, input side first.

    ``first_divergence`` and ``first_own_divergence`` are those of ``traces`` that are gradients.
    """

    step: int
    rows: list[GradientRow]
    first_divergence: list[str]
    first_own_divergence: list[str]
    notes: list[str]


class FindingRow(TypedDict):
    """One finding."""

    key: str
    detector: str
    severity: SeverityName
    title: str
    evidence: str
    explanation: str
    remedy: str
    first_step: int | None
    last_step: int | None
    step_count: int
    module: str | None
    site_id: str
    view: ViewName


class FindingsView(TypedDict):
    """Answer to ``findings``: most severe first, then by first step."""

    rows: list[FindingRow]
    problems: list[ProblemRow]


class ControlView(TypedDict):
    """Answer to ``control``."""

    status: StatusName
    message: str


class HistogramRow(TypedDict):
    """One tensor's elements: finite ones in bins of equal width from low to high, others counted.

    ``low`` and ``high`` are null when no element is finite.
    """

    site_id: str
    side: SideName
    low: WireFloat
    high: WireFloat
    bin_count: int
    nan_count: int
    posinf_count: int
    neginf_count: int


class HistogramsView(TypedDict):
    """Answer to ``histograms``: those that were kept; ``counts`` holds all rows' bins in turn."""

    step: int
    rows: list[HistogramRow]
    counts: Column


class CommandMessage(TypedDict):
    """Browser to host. ``params`` is one of the ``*Params`` below, or empty."""

    type: Literal["command"]
    id: int
    command: CommandName
    params: dict[str, object]


class RankParams(TypedDict, total=False):
    """Which process of a distributed training is meant; the run's own when left out."""

    rank: int


class NoParams(RankParams):
    """For commands that take none of their own."""


class StepParams(RankParams):
    """For ``traces``, ``gradients`` and ``histograms``."""

    step: int


class RangeParams(RankParams, total=False):
    """For ``losses``: steps first to last inclusive, in at most ``max_points`` bins.

    Without them: the whole run in at most 2,000 bins.
    """

    first_step: int
    last_step: int
    max_points: int


class MaskMapParams(RankParams, total=False):
    """For ``mask_map``."""

    loss: MaskedLossName
    first_step: int
    last_step: int
    max_columns: int


class MaskedElementsParams(RankParams):
    """For ``masked_elements``."""

    loss: MaskedLossName
    step: int


class StageParams(RankParams):
    """For what is told of a whole graph."""

    mode: ModeName
    stage: StageName


class DetailsParams(StageParams):
    """For ``graph_details``."""

    chunk: int


class OverlayParams(StageParams):
    """For ``graph_overlay``."""

    step: int


class TensorParams(RankParams):
    """For ``tensor_values``."""

    step: int
    site_id: str
    side: SideName


class ExtractParams(StageParams):
    """For ``graph_extract``: numbers of nodes as in ``graph_structure``."""

    nodes: list[int]


class ConstantParams(StageParams):
    """For ``graph_constant``: a tensor that lies in the file."""

    name: str


class ControlParams(TypedDict):
    """For ``control``; answered by a live kernel only."""

    action: Literal["pause", "resume", "sample_next"]


class CommandParams(TypedDict):
    """What each command takes."""

    run: NoParams
    summary: NoParams
    losses: RangeParams
    mask_map: MaskMapParams
    masked_elements: MaskedElementsParams
    traces: StepParams
    gradients: StepParams
    histograms: StepParams
    graphs: NoParams
    graph_nodes: StageParams
    graph_model: StageParams
    graph_extract: ExtractParams
    graph_constant: ConstantParams
    graph_lineage: StageParams
    graph_structure: StageParams
    graph_details: DetailsParams
    graph_schemas: StageParams
    graph_overlay: OverlayParams
    tensor_values: TensorParams
    findings: NoParams
    control: ControlParams


class CommandAnswers(TypedDict):
    """What each command is answered with."""

    run: RunView
    summary: SummaryView
    losses: LossesView
    mask_map: MaskMapView
    masked_elements: MaskedElementsView
    traces: TracesView
    gradients: GradientsView
    histograms: HistogramsView
    graphs: GraphsView
    graph_nodes: GraphNodesView
    graph_model: GraphModelView
    graph_extract: GraphModelView
    graph_constant: TensorValuesView
    graph_lineage: GraphLineageView
    graph_structure: GraphStructureView
    graph_details: GraphDetailsView
    graph_schemas: GraphSchemasView
    graph_overlay: GraphOverlayView
    tensor_values: TensorValuesView
    findings: FindingsView
    control: ControlView


class ReplyMessage(TypedDict):
    """Host to browser: the answer to the command of that id; buffers ride along."""

    type: Literal["reply"]
    id: int
    payload: object


class ErrorMessage(TypedDict):
    """Host to browser: the command of that id failed; a sentence for a person."""

    type: Literal["error"]
    id: int
    message: str


class PushMessage(TypedDict):
    """Host to browser, unasked, while live: at most five a second and of bounded size.

    ``payload`` answers ``command`` with ``params`` as if it had been asked.
    """

    type: Literal["push"]
    command: CommandName
    params: dict[str, object]
    payload: object
