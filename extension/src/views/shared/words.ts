import type { DirectionName, ModeName, StageName, ViewName } from "../../protocol";

export const DIRECTION_WORDS: Record<DirectionName, string> = {
  input: "input",
  forward: "forward",
  backward: "backward",
  parameter_grad: "parameter gradient",
  parameter: "parameter",
  buffer: "buffer",
};

/** ORTModule's own five names, in order, with what each is and a name for where room is short. */
export const STAGES: readonly { stage: StageName; short: string; title: string }[] = [
  { stage: "torch_exported", short: "exported", title: "As torch.onnx exported the module" },
  {
    stage: "post_processed",
    short: "processed",
    title: "After ORTModule's own changes to the export",
  },
  {
    stage: "optimized_pre_grad",
    short: "pre_grad",
    title: "Optimised, before the gradient graph is built",
  },
  { stage: "optimized", short: "optimized", title: "With the gradient graph" },
  {
    stage: "execution_model",
    short: "execution",
    title: "After the session's optimisation: the graph that runs",
  },
];

export const MODES: readonly ModeName[] = ["training", "inference"];

export const VIEW_LABELS: Record<ViewName, string> = {
  losses: "Losses",
  graph: "Graph",
  traces: "Traces",
  gradients: "Gradients",
  findings: "Findings",
};
