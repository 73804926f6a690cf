/** Overlays: what a picture is coloured by. */
import type { GraphStructure } from "../structure";
import type { Overlay } from "../types";
import { changesOverlay, type LineageAnswer } from "./changes";
import type { OverlayColours } from "./colours";
import { divergenceOverlay } from "./divergence";
import { type DetailsAnswer, dtypeOverlay } from "./dtype";
import { nonfiniteOverlay } from "./nonfinite";
import { normOverlay } from "./norms";
import { opOverlay } from "./op";
import { type OverlayAnswer, RunRanges } from "./ranges";
import { Recorded } from "./recorded";
import { timeOverlay } from "./time";

export { BLANK, COLOURS, type OverlayColours, type Theme } from "./colours";
export type { OverlayAnswer } from "./ranges";
export { RunRanges };

export type OverlayName =
  | "none"
  | "op"
  | "dtype"
  | "changes"
  | "divergence"
  | "nonfinite"
  | "activation"
  | "gradient"
  | "time";

/** What an overlay is made of, beside the structure. */
export type OverlayNeed = "details" | "lineage" | "step";

/** In the order of a menu. */
export const OVERLAYS: readonly {
  name: OverlayName;
  label: string;
  title: string;
  needs: OverlayNeed | null;
}[] = [
  { name: "none", label: "Passes", title: "Forward and backward pass only", needs: null },
  { name: "op", label: "Operators", title: "What each operator is for", needs: null },
  { name: "dtype", label: "Dtypes", title: "Kind of number in each tensor", needs: "details" },
  {
    name: "changes",
    label: "Changes",
    title: "What became of each node since the stage before",
    needs: "lineage",
  },
  {
    name: "divergence",
    label: "Divergence",
    title: "Where ONNX Runtime differs from eager PyTorch",
    needs: "step",
  },
  {
    name: "nonfinite",
    label: "NaN, Inf",
    title: "NaN and infinite elements on each side",
    needs: "step",
  },
  { name: "activation", label: "Activations", title: "Norms of what flows forward", needs: "step" },
  { name: "gradient", label: "Gradients", title: "Norms of gradients", needs: "step" },
  { name: "time", label: "Time", title: "Share of the measured time", needs: "step" },
];

/** What there is so far; an overlay that lacks its part says so. */
export interface OverlaySources {
  structure: GraphStructure;
  colours: OverlayColours;
  /** Answer to `graph_overlay` for this stage and the step that is shown. */
  step?: OverlayAnswer | null;
  /** Of the whole run; `see` has to have been called with the step. */
  ranges?: RunRanges;
  /** Answers to `graph_details`, as many as there are. */
  details?: readonly DetailsAnswer[];
  /** Whether the step was looked into deeply; null where that is not known. */
  deep?: boolean | null;
  /** Why there is no answer for the step; empty where that is not known. */
  trouble?: string;
  /** Answer to `graph_lineage` of this stage, or of the one after it. */
  lineage?: LineageAnswer | null;
}

/**
 * Make an overlay. Costs a pass over the nodes; asking it for a paint then costs a look-up.
 *
 * @returns null for `none`.
 */
export function makeOverlay(name: OverlayName, sources: OverlaySources): Overlay | null {
  const { structure, colours, step, trouble, lineage = null, details = [] } = sources;
  if (name === "none") return null;
  if (name === "op") return opOverlay(structure, colours.theme);
  if (name === "dtype") return dtypeOverlay(structure, details, colours.theme);
  if (name === "changes") return changesOverlay(structure, lineage, colours.theme);
  if (step == null)
    return nothing(name, trouble || "No step is recorded that could be shown here.");
  const recorded = new Recorded(structure, step);
  if (name === "time") return timeOverlay(recorded, colours);
  const overlay = ofStep(name, recorded, sources);
  overlay.notes.push(...step.notes);
  return overlay;
}

function ofStep(
  name: "divergence" | "nonfinite" | "activation" | "gradient",
  recorded: Recorded,
  { structure, colours, deep = null, ranges = new RunRanges() }: OverlaySources,
): Overlay {
  if (name === "divergence") return divergenceOverlay(recorded, colours, deep);
  if (name === "nonfinite") return nonfiniteOverlay(recorded, colours);
  ranges.see(`${structure.mode}/${structure.stage}`, recorded.answer);
  return normOverlay(recorded, name, ranges, colours);
}

const nothing = (name: string, note: string): Overlay => ({
  name,
  legend: [],
  notes: [note],
  item: () => null,
  edge: () => null,
});
