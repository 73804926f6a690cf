import type { Answer, LinkKindName } from "../../protocol";
import type { GraphStructure } from "../structure";
import type { Overlay } from "../types";
import { Classes } from "./classes";
import { HUES, type Hue, type Theme } from "./colours";
import { assemble } from "./parts";

export type LineageAnswer = Answer<"graph_lineage">;

const KINDS: Record<LinkKindName, { hue: Hue; mark: string; label: string }> = {
  same: { hue: "grey", mark: "=", label: "same" },
  renamed: { hue: "teal", mark: "r", label: "renamed" },
  fused: { hue: "violet", mark: "f", label: "fused" },
  split: { hue: "olive", mark: "s", label: "split" },
  changed: { hue: "yellow", mark: "c", label: "changed" },
  added: { hue: "blue", mark: "+", label: "added" },
  removed: { hue: "rose", mark: "−", label: "removed" },
  untraced: { hue: "mint", mark: "?", label: "not traced" },
};

/** What became of each node from one stage to the next. */
export function changesOverlay(
  structure: GraphStructure,
  lineage: LineageAnswer | null,
  theme: Theme,
): Overlay {
  const kinds = lineage?.kinds ?? [];
  const { column, note } = sideOf(structure, lineage);
  const classOf = new Int16Array(structure.nodeCount).fill(-1);
  for (let node = 0; node < Math.min(column.length, structure.nodeCount); node += 1) {
    // Inputs and outputs of the graph are drawn, but no operators.
    if (structure.nodeKind[node] === 0) classOf[node] = column[node] as number;
  }
  const classes = kinds.map((kind) => {
    const { hue, mark, label } = KINDS[kind];
    return { label, mark, color: HUES[theme][hue], plain: kind === "same" };
  });
  const painted = new Classes(structure, classes, classOf);
  return assemble({
    name: "changes",
    legend: painted.legend(),
    notes: [note],
    node: (node) => painted.node(node),
    group: (group) => painted.group(group),
  });
}

/** The stage that is shown may be the later or the earlier one of the two. */
function sideOf({ stage }: GraphStructure, lineage: LineageAnswer | null) {
  if (lineage === null) return { column: [], note: "What changed here is not known yet." };
  if (lineage.previous === null) {
    return { column: [], note: `${stage} is the first stage: there is none to compare it with.` };
  }
  if (lineage.stage === stage) {
    const note = `Compared with ${lineage.previous}, the stage before it.`;
    return { column: lineage.node_kind.values, note };
  }
  const note = `What becomes of it in ${lineage.stage}, the stage after it.`;
  return { column: lineage.previous === stage ? lineage.previous_kind.values : [], note };
}
