import type { DirectionName, ModeName, StageName, ViewName } from "../../protocol";

export const DIRECTION_WORDS: Record<DirectionName, string> = {
  input: "input",
  forward: "forward",
  backward: "backward",
  parameter_grad: "parameter gradient",
  parameter: "parameter",
  buffer: "buffer",
};

/** ORTModule's own five names, in order, with what each is. */
export const STAGES: readonly { stage: StageName; title: string }[] = [
  { stage: "torch_exported", title: "As torch.onnx exported the module" },
  { stage: "post_processed", title: "After ORTModule's own changes to the export" },
  { stage: "optimized_pre_grad", title: "Optimised, before the gradient graph is built" },
  { stage: "optimized", title: "With the gradient graph" },
  { stage: "execution_model", title: "After the session's optimisation: the graph that runs" },
];

export const MODES: readonly ModeName[] = ["training", "inference"];

export const VIEW_LABELS: Record<ViewName, string> = {
  losses: "Losses",
  graph: "Graph",
  traces: "Traces",
  gradients: "Gradients",
  findings: "Findings",
};
