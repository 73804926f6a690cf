// Generated from the messages in ortviz/protocol by `python -m ortviz.protocol.typescript`.
// Change it there and generate again; a test fails when the two differ.
/**
 * Scalars, columns and names of the wire.
 *
 * Two rules make every message plain JSON plus binary buffers:
 *
 * * A scalar that may be NaN or infinite is a `WireFloat`: non-finite values are the strings
 *   `"NaN"`, `"Infinity"` and `"-Infinity"`.
 * * A long array is a `Column`: its bytes are the buffer of that number, little-endian and
 *   C-contiguous; floats in it may be non-finite.
 */

/**
 * Messages about graphs: what they consist of, where nodes came from, what is known of them.
 *
 * `graph_structure` is what is drawn; all else about a stage refers to its numbers: *node* is an
 * index into its nodes, *value* one into its values, *group* one into its groups.
 */

/**
 * The wire: what the browser may ask and what it gets.
 *
 * The one definition of it, with `wire.py` (scalars, columns, names) and `graph_messages.py` (all
 * about graphs). TypeScript's types are generated from the three
 * (`python -m ortviz.protocol.typescript`).
 */

export type WireFloat = number | "NaN" | "Infinity" | "-Infinity" | null;

export type ColumnDtype = "float64" | "float32" | "int32" | "uint8";

export type SideName = "reference" | "candidate";

export type ModeName = "training" | "inference";

export type StageName =
  | "torch_exported"
  | "post_processed"
  | "optimized_pre_grad"
  | "optimized"
  | "execution_model"
  | "model";

export type LossName = "mae" | "mape" | "smape" | "user";

export type MaskedLossName = "mape" | "smape";

export type SeverityName = "error" | "warning" | "info";

export type VerdictName = "equal" | "rounding" | "divergent" | "not_comparable";

export type OriginName = "here" | "inherited" | "unknown";

export type ViewName = "losses" | "graph" | "traces" | "gradients" | "findings";

export type StatusName = "waiting" | "live" | "paused" | "ended";

export type SiteStatusName =
  | "captured"
  | "fused_away"
  | "never_called"
  | "no_gradient"
  | "not_captured";

export type DirectionName =
  | "input"
  | "forward"
  | "backward"
  | "parameter_grad"
  | "parameter"
  | "buffer";

export type NonfiniteName = "NaN" | "Infinity" | "-Infinity";

/** A numeric array whose bytes travel as a binary buffer. */
export interface Column {
  buffer: number;
  dtype: ColumnDtype;
  shape: number[];
}

export type HalfName = "forward" | "backward";

export type GroupKindName = "half" | "module" | "repeat" | "part" | "subgraph";

export type LinkKindName =
  | "same"
  | "renamed"
  | "fused"
  | "split"
  | "changed"
  | "added"
  | "removed"
  | "untraced";

export type ValueKindName = "value" | "input" | "parameter" | "constant" | "outer" | "absent";

/** How often an operator occurs. */
export interface OpCount {
  op_type: string;
  count: number;
}

/** How many nodes of a stage belong to a module, its children included. */
export interface ModuleNodeCount {
  module: string;
  forward: number;
  backward: number;
}

/** One saved graph. */
export interface StageRow {
  mode: ModeName;
  stage: StageName;
  export_index: number;
  node_count: number;
  forward_count: number;
  backward_count: number;
  untraced_count: number;
  size_bytes: number;
  op_counts: OpCount[];
  modules: ModuleNodeCount[];
}

/** Which graph. */
export interface StageKey {
  mode: ModeName;
  stage: StageName;
}

/**
 * Answer to `graphs`: the newest export of each mode and stage.
 *
 * `first` is the one to show unless another is asked for; null where there is none.
 */
export interface GraphsView {
  stages: StageRow[];
  first: StageKey | null;
  notes: string[];
}

/** One node of a stage. */
export interface NodeRow {
  index: number;
  name: string;
  op_type: string;
  domain: string;
  half: "forward" | "backward";
  module: string | null;
  evidence: string;
  inputs: string[];
  outputs: string[];
}

/** Answer to `graph_nodes`: all nodes of a stage, file order. */
export interface GraphNodesView {
  mode: ModeName;
  stage: StageName;
  nodes: NodeRow[];
}

/**
 * Answer to `graph_model` and `graph_extract`; the ONNX file is the buffer of `model`.
 *
 * `notes` are sentences about a part of a graph: what was added to what was chosen, and what
 * became an input.
 */
export interface GraphModelView {
  mode: ModeName;
  stage: StageName;
  file_name: string;
  model: Column;
  notes: string[];
}

/**
 * Many strings in two buffers: string `i` is `text[ends[i - 1]:ends[i]]`, UTF-8.
 *
 * `text` is uint8, `ends` int32 with one entry a string; the first string begins at 0.
 */
export interface StringTable {
  text: Column;
  ends: Column;
}

/**
 * A group of nodes, and of groups, that is drawn as one box until it is opened.
 *
 * Attributes of the wire:
 *     parent: Index of the group around it; -1 is the graph itself. Parents come first.
 *     kind: `half` is the forward or backward pass. `module` is an nn.Module of
 *         `named_modules()`. `repeat` holds `count` numbered modules of equal structure
 *         in a row. `part` is a run of neighbours, where there would be too many boxes side
 *         by side. `subgraph` is the body of the node `owner` (If, Loop, Scan).
 *     label: Short name to write on it, for example `0` or `attn`.
 *     module: Fully qualified name; null where it stands for no single module.
 *     owner: The node whose body it is; -1 unless it is a subgraph.
 *     node_count: Nodes of the file in it, also inside its groups.
 */
export interface GroupRow {
  parent: number;
  kind: GroupKindName;
  label: string;
  module: string | null;
  half: HalfName;
  count: number;
  owner: number;
  node_count: number;
}

/** An operator that occurs in the graph; domain is empty for ONNX's own. */
export interface OpRow {
  op_type: string;
  domain: string;
}

/**
 * Answer to `graph_structure`: one stage as a hierarchy.
 *
 * Nodes `0 … file_node_count - 1` are those of the file, in its order. After them come nodes
 * of subgraphs, then the graph's own inputs and outputs that are drawn.
 *
 * Attributes of the wire:
 *     mode: Training or inference.
 *     stage: Which one.
 *     file_node_count: Nodes of the main graph.
 *     groups: All groups, parents first.
 *     ops: Operators; `node_op` points here.
 *     node_op: int32 (node); -1 for inputs and outputs of the graph.
 *     node_kind: uint8 (node): 0 an operator, 1 an input of the graph, 2 an output of it.
 *     node_group: int32 (node): the innermost group; -1 stands in none.
 *     node_names: Names as in the file; may be empty or repeated.
 *     value_names: All tensors that nodes make, by node and output, absent ones left out.
 *     value_node: int32 (value): the node that makes it.
 *     edge_value: int32 (edge): the tensor that is used; its maker is where the edge begins.
 *     edge_to: int32 (edge): the node that uses it.
 *     notes: Sentences for a person, for example what the file lacks.
 */
export interface GraphStructureView {
  mode: ModeName;
  stage: StageName;
  file_node_count: number;
  groups: GroupRow[];
  ops: OpRow[];
  node_op: Column;
  node_kind: Column;
  node_group: Column;
  node_names: StringTable;
  value_names: StringTable;
  value_node: Column;
  edge_value: Column;
  edge_to: Column;
  notes: string[];
}

/** An attribute of a node; `text` is cut after some hundred characters. */
export interface AttributeRow {
  name: string;
  type_name: string;
  text: string;
}

/**
 * A tensor that a node takes or gives.
 *
 * `shape` has numbers, names of unknown sizes, and `?`; null when nothing is known of it.
 * `kind` is `parameter` for weights and buffers of the module, `constant` for what lies in
 * the file, `input` for what the graph is given, `outer` for a value of the graph around a
 * subgraph, `absent` for an optional one left out. `text` has the first elements
 * of a constant.
 */
export interface ValueRow {
  slot: string;
  name: string;
  kind: ValueKindName;
  shape: string[] | null;
  dtype: string;
  text: string;
}

/**
 * What one node is.
 *
 * `evidence` says what its module was told from, `note` how much of a node with very many
 * inputs or outputs is left out.
 */
export interface NodeDetailsRow {
  node: number;
  module: string | null;
  evidence: string;
  attributes: AttributeRow[];
  inputs: ValueRow[];
  outputs: ValueRow[];
  note: string;
}

/** Answer to `graph_details`: nodes `chunk * chunk_size` and those after it. */
export interface GraphDetailsView {
  chunk: number;
  chunk_size: number;
  nodes: NodeDetailsRow[];
}

/** A formal input, output or attribute of an operator. */
export interface SchemaParameterRow {
  name: string;
  type_name: string;
  description: string;
  required: boolean;
}

/**
 * An operator's documentation as onnx or ONNX Runtime ships it.
 *
 * `doc` is Markdown; empty, with the reason in `note`, where none is installed.
 */
export interface SchemaRow {
  op_type: string;
  domain: string;
  since_version: number;
  doc: string;
  note: string;
  inputs: SchemaParameterRow[];
  outputs: SchemaParameterRow[];
  attributes: SchemaParameterRow[];
}

/** Answer to `graph_schemas`: the operators of a stage. */
export interface GraphSchemasView {
  schemas: SchemaRow[];
}

/**
 * What happened to many nodes in the same way: "12 Gelu + Add became BiasGelu".
 *
 * `nodes` are this stage's, `previous_nodes` the previous one's, at most some hundred each;
 * `count` is how often it happened.
 */
export interface LineageSentence {
  kind: LinkKindName;
  text: string;
  count: number;
  nodes: number[];
  previous_nodes: number[];
}

/**
 * Answer to `graph_lineage`: one stage against the one before it.
 *
 * A link to a node that was `added` leads from the node it serves: whose gradient it makes, or
 * for which it was inserted. One from a node that was `removed` leads to what takes its place.
 * All others say that the later node comes from the earlier one.
 *
 * Attributes of the wire:
 *     mode: Training or inference.
 *     stage: Which one.
 *     previous: The stage before it that was saved; null for the first, which has no links.
 *     kinds: What the codes of `*_kind` stand for.
 *     evidences: Sentences; what the codes of `*_evidence` stand for.
 *     link_from: int32 (link): a node of the previous stage.
 *     link_to: int32 (link): a node of this one.
 *     node_kind: uint8 (node of this stage): what became of it here.
 *     node_evidence: uint8 (node of this stage): from what this was concluded.
 *     previous_kind: uint8 (node of the previous stage).
 *     previous_evidence: uint8 (node of the previous stage).
 *     sentences: The same in words, most frequent first; what stayed the same comes last.
 */
export interface GraphLineageView {
  mode: ModeName;
  stage: StageName;
  previous: StageName | null;
  kinds: LinkKindName[];
  evidences: string[];
  link_from: Column;
  link_to: Column;
  node_kind: Column;
  node_evidence: Column;
  previous_kind: Column;
  previous_evidence: Column;
  sentences: LineageSentence[];
}

/**
 * Answer to `graph_overlay`: what a step recorded, by tensor of one stage.
 *
 * All columns but the last two have one entry a recorded tensor.
 *
 * Attributes of the wire:
 *     step: Which one.
 *     value: int32: its number in `graph_structure`.
 *     site_ids: Addresses, for the other views.
 *     verdict: uint8: 0 equal, 1 rounding, 2 divergent, 3 not comparable.
 *     born_here: uint8: 1 where the difference was found to be born there.
 *     max_abs_error: float64: ORT against eager; NaN where not compared.
 *     max_rel_error: float64.
 *     reference_norm: float64: L2 norm of eager's finite elements; NaN where not recorded.
 *     candidate_norm: float64: of ORT's.
 *     reference_nonfinite: int32: NaN and infinite elements, eager.
 *     candidate_nonfinite: int32: ORT.
 *     backward: uint8: 1 for gradients.
 *     timed_node: int32 (timed): nodes whose time was measured.
 *     node_secs: float64 (timed): seconds a call, median.
 *     notes: Sentences, for example what could not be found in this stage.
 *     time_notes: What the times are of, or why there are none.
 */
export interface GraphOverlayView {
  step: number;
  value: Column;
  site_ids: StringTable;
  verdict: Column;
  born_here: Column;
  max_abs_error: Column;
  max_rel_error: Column;
  reference_norm: Column;
  candidate_norm: Column;
  reference_nonfinite: Column;
  candidate_nonfinite: Column;
  backward: Column;
  timed_node: Column;
  node_secs: Column;
  notes: string[];
  time_notes: string[];
}

/**
 * Answer to `tensor_values`: the elements of one tensor, the first some thousand of it.
 *
 * `sampled` tells whether elements were left out; `values` is float64 in C order then.
 */
export interface TensorValuesView {
  name: string;
  side: SideName | null;
  status: SiteStatusName;
  reason: string;
  shape: number[];
  dtype: string;
  element_count: number;
  sampled: boolean;
  values: Column;
  minimum: WireFloat;
  maximum: WireFloat;
  mean: WireFloat;
}

export type CommandName =
  | "run"
  | "summary"
  | "losses"
  | "mask_map"
  | "masked_elements"
  | "traces"
  | "gradients"
  | "histograms"
  | "graphs"
  | "graph_nodes"
  | "graph_model"
  | "graph_extract"
  | "graph_constant"
  | "graph_lineage"
  | "graph_structure"
  | "graph_details"
  | "graph_schemas"
  | "graph_overlay"
  | "tensor_values"
  | "findings"
  | "control";

/** One module of the user's model, in the order of `named_modules()`. */
export interface ModuleRow {
  name: string;
  type_name: string;
  parameter_count: number;
  source: string;
  hooks: string[];
}

/**
 * Answer to `run`: what does not change while the run goes on.
 *
 * `engine` is `file` where there was no run: graphs of ONNX files, and no step.
 * `ranks` are the processes of a distributed training whose runs can be asked for, with the
 * parameter `rank` of every command but `control`.
 */
export interface RunView {
  run_id: string;
  name: string;
  every: number;
  engine: "ortmodule" | "eager" | "file";
  engine_reason: string;
  rank: number;
  world_size: number;
  ranks: number[];
  versions: string[][];
  modules: ModuleRow[];
  has_histograms: boolean;
}

/** A step at which a finding lies, for the step strip. */
export interface FindingMark {
  step: number;
  severity: SeverityName;
}

/** Trouble of ortviz's own; training went on. */
export interface ProblemRow {
  what: string;
  remedy: string;
  step: number | null;
  detail: string;
}

/**
 * Answer to `summary`, and pushed while live: of bounded size whatever the run's length.
 *
 * `spark_*` is the loss the user trains with (else MAE) of ORT's side in at most 200 bins.
 * `sampled_steps` is thinned to at most 2,000 steps, first and last kept.
 */
export interface SummaryView {
  status: StatusName;
  latest_step: number | null;
  step_count: number;
  total_steps: number | null;
  steps_per_sec: WireFloat;
  sampled_step_count: number;
  latest_sampled_step: number | null;
  sampled_steps: Column;
  spark_steps: Column;
  spark_min: Column;
  spark_max: Column;
  spark_loss: LossName;
  finding_counts: FindingCounts;
  finding_marks: FindingMark[];
  problems: ProblemRow[];
}

/** How many findings of each severity. */
export interface FindingCounts {
  error: number;
  warning: number;
  info: number;
}

/** One curve: per bin the least, largest and last finite value; NaN where there is none. */
export interface LossSeries {
  side: SideName;
  loss: LossName;
  minimum: Column;
  maximum: Column;
  last: Column;
}

/** A step at which a loss or a gradient was not finite. */
export interface LossMark {
  step: number;
  side: SideName;
  what: LossName | "gradient";
  kind: "nan" | "inf" | "-inf";
}

/** Masked elements per bin (sum over the bin), int32. */
export interface MaskedCounts {
  loss: MaskedLossName;
  nan: Column;
  posinf: Column;
  neginf: Column;
}

/**
 * Answer to `losses`; all columns have one entry a bin; `steps` is the bin's first step.
 *
 * `steps_per_bin` is 1 when nothing was folded.
 */
export interface LossesView {
  first_step: number;
  last_step: number;
  steps_per_bin: number;
  steps: Column;
  trains_with: string;
  series: LossSeries[];
  masked: MaskedCounts[];
  marks: LossMark[];
  marks_left_out_count: number;
  element_count: number;
  notes: string[];
}

/**
 * Answer to `mask_map`: a matrix position × bin of steps.
 *
 * `codes`: 0 nothing masked, 1 NaN, 2 +inf, 3 −inf (the most frequent one in the cell).
 * `counts`: masked elements in the cell (batch folded). Positions without any masked element
 * between the two outermost masked ones are present, so that the axis is even.
 */
export interface MaskMapView {
  loss: MaskedLossName;
  steps: Column;
  steps_per_bin: number;
  positions: string[];
  codes: Column;
  counts: Column;
  axis_label: string;
  left_out_count: number;
}

/** One masked element. */
export interface MaskedElementRow {
  step: number;
  position: number[];
  kind: "nan" | "inf" | "-inf";
  input: WireFloat;
  target: WireFloat;
  ratio: WireFloat;
  gradient: WireFloat;
  gradient_known: boolean;
}

/** Answer to `masked_elements`. */
export interface MaskedElementsView {
  loss: MaskedLossName;
  step: number;
  rows: MaskedElementRow[];
  masked_count: number;
  element_count: number;
}

/** How many elements are NaN, +inf or -inf, and where the first is; where there are any. */
export interface NonfiniteKind {
  kind: NonfiniteName;
  count: number;
  first_index: number[] | null;
}

/** Statistics of one tensor on one side; finite elements only for the five numbers. */
export interface StatsCell {
  status: SiteStatusName;
  reason: string;
  shape: number[] | null;
  dtype: string;
  minimum: WireFloat;
  maximum: WireFloat;
  mean: WireFloat;
  std: WireFloat;
  l2_norm: WireFloat;
  element_count: number;
  zero_count: number;
  nan_count: number;
  inf_count: number;
  nonfinite: NonfiniteKind[];
}

/**
 * One site of a step, eager left, ORT right.
 *
 * `tolerance` is relative, as `max_rel_error` is; `noise_floor` and `local_abs_error` are
 * in the tensor's own unit, as `max_abs_error` is. `local_*` hold ORT against eager PyTorch's
 * module fed ORT's own input.
 */
export interface TraceRow {
  site_id: string;
  direction: DirectionName;
  module: string;
  module_type: string;
  call: number;
  slot: string;
  value_name: string;
  reference: StatsCell;
  candidate: StatsCell;
  verdict: VerdictName;
  reason: string;
  max_abs_error: WireFloat;
  max_rel_error: WireFloat;
  tolerance: WireFloat;
  worst_index: number[] | null;
  worst_reference: WireFloat;
  worst_candidate: WireFloat;
  max_ulp_error: WireFloat;
  cosine: WireFloat;
  mismatched_fraction: WireFloat;
  tolerance_reason: string;
  noise_floor: WireFloat;
  origin: OriginName;
  local_abs_error: WireFloat;
  local_rel_error: WireFloat;
}

/** A hook call on the eager shadow. */
export interface HookRow {
  order: number;
  kind: string;
  module: string;
  call: number;
  duration_secs: WireFloat;
}

/**
 * Answer to `traces`: a step's sites in execution order, by direction.
 *
 * `first_divergence` holds one site a direction, `first_own_divergence` likewise the first
 * whose difference was born there.
 */
export interface TracesView {
  step: number;
  mode: ModeName;
  fallback: boolean;
  rows: TraceRow[];
  first_divergence: string[];
  first_own_divergence: string[];
  hook_events: HookRow[];
  ort_secs: WireFloat;
  eager_secs: WireFloat;
  notes: string[];
}

export type GradientState = "finite" | "zero" | "nan" | "inf" | "none" | "not_captured";

/** One parameter's or module output's gradient at a step; L2 norms of the finite elements. */
export interface GradientRow {
  kind: "parameter" | "module_output";
  site_id: string;
  label: string;
  module: string;
  depth: number;
  reference_norm: WireFloat;
  candidate_norm: WireFloat;
  reference_state: GradientState;
  candidate_state: GradientState;
  weight_norm: WireFloat;
  verdict: VerdictName;
  reason: string;
  origin: OriginName;
}

/**
 * Answer to `gradients`: along depth, input side first.
 *
 * `first_divergence` and `first_own_divergence` are those of `traces` that are gradients.
 */
export interface GradientsView {
  step: number;
  rows: GradientRow[];
  first_divergence: string[];
  first_own_divergence: string[];
  notes: string[];
}

/** One finding. */
export interface FindingRow {
  key: string;
  detector: string;
  severity: SeverityName;
  title: string;
  evidence: string;
  explanation: string;
  remedy: string;
  first_step: number | null;
  last_step: number | null;
  step_count: number;
  module: string | null;
  site_id: string;
  view: ViewName;
}

/** Answer to `findings`: most severe first, then by first step. */
export interface FindingsView {
  rows: FindingRow[];
  problems: ProblemRow[];
}

/** Answer to `control`. */
export interface ControlView {
  status: StatusName;
  message: string;
}

/**
 * One tensor's elements: finite ones in bins of equal width from low to high, others counted.
 *
 * `low` and `high` are null when no element is finite.
 */
export interface HistogramRow {
  site_id: string;
  side: SideName;
  low: WireFloat;
  high: WireFloat;
  bin_count: number;
  nan_count: number;
  posinf_count: number;
  neginf_count: number;
}

/** Answer to `histograms`: those that were kept; `counts` holds all rows' bins in turn. */
export interface HistogramsView {
  step: number;
  rows: HistogramRow[];
  counts: Column;
}

/** Browser to host. `params` is one of the `*Params` below, or empty. */
export interface CommandMessage {
  type: "command";
  id: number;
  command: CommandName;
  params: Record<string, unknown>;
}

/** Which process of a distributed training is meant; the run's own when left out. */
export interface RankParams {
  rank?: number;
}

/** For commands that take none of their own. */
export type NoParams = RankParams;

/** For `traces`, `gradients` and `histograms`. */
export interface StepParams extends RankParams {
  step: number;
}

/**
 * For `losses`: steps first to last inclusive, in at most `max_points` bins.
 *
 * Without them: the whole run in at most 2,000 bins.
 */
export interface RangeParams extends RankParams {
  first_step?: number;
  last_step?: number;
  max_points?: number;
}

/** For `mask_map`. */
export interface MaskMapParams extends RankParams {
  loss?: MaskedLossName;
  first_step?: number;
  last_step?: number;
  max_columns?: number;
}

/** For `masked_elements`. */
export interface MaskedElementsParams extends RankParams {
  loss: MaskedLossName;
  step: number;
}

/** For what is told of a whole graph. */
export interface StageParams extends RankParams {
  mode: ModeName;
  stage: StageName;
}

/** For `graph_details`. */
export interface DetailsParams extends StageParams {
  chunk: number;
}

/** For `graph_overlay`. */
export interface OverlayParams extends StageParams {
  step: number;
}

/** For `tensor_values`. */
export interface TensorParams extends RankParams {
  step: number;
  site_id: string;
  side: SideName;
}

/** For `graph_extract`: numbers of nodes as in `graph_structure`. */
export interface ExtractParams extends StageParams {
  nodes: number[];
}

/** For `graph_constant`: a tensor that lies in the file. */
export interface ConstantParams extends StageParams {
  name: string;
}

/** For `control`; answered by a live kernel only. */
export interface ControlParams {
  action: "pause" | "resume" | "sample_next";
}

/** What each command takes. */
export interface CommandParams {
  run: NoParams;
  summary: NoParams;
  losses: RangeParams;
  mask_map: MaskMapParams;
  masked_elements: MaskedElementsParams;
  traces: StepParams;
  gradients: StepParams;
  histograms: StepParams;
  graphs: NoParams;
  graph_nodes: StageParams;
  graph_model: StageParams;
  graph_extract: ExtractParams;
  graph_constant: ConstantParams;
  graph_lineage: StageParams;
  graph_structure: StageParams;
  graph_details: DetailsParams;
  graph_schemas: StageParams;
  graph_overlay: OverlayParams;
  tensor_values: TensorParams;
  findings: NoParams;
  control: ControlParams;
}

/** What each command is answered with. */
export interface CommandAnswers {
  run: RunView;
  summary: SummaryView;
  losses: LossesView;
  mask_map: MaskMapView;
  masked_elements: MaskedElementsView;
  traces: TracesView;
  gradients: GradientsView;
  histograms: HistogramsView;
  graphs: GraphsView;
  graph_nodes: GraphNodesView;
  graph_model: GraphModelView;
  graph_extract: GraphModelView;
  graph_constant: TensorValuesView;
  graph_lineage: GraphLineageView;
  graph_structure: GraphStructureView;
  graph_details: GraphDetailsView;
  graph_schemas: GraphSchemasView;
  graph_overlay: GraphOverlayView;
  tensor_values: TensorValuesView;
  findings: FindingsView;
  control: ControlView;
}

/** Host to browser: the answer to the command of that id; buffers ride along. */
export interface ReplyMessage {
  type: "reply";
  id: number;
  payload: unknown;
}

/** Host to browser: the command of that id failed; a sentence for a person. */
export interface ErrorMessage {
  type: "error";
  id: number;
  message: string;
}

/**
 * Host to browser, unasked, while live: at most five a second and of bounded size.
 *
 * `payload` answers `command` with `params` as if it had been asked.
 */
export interface PushMessage {
  type: "push";
  command: CommandName;
  params: Record<string, unknown>;
  payload: unknown;
}
