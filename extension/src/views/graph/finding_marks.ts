import { useEffect, useState } from "preact/hooks";
import { BLANK, type Theme } from "../../graph/overlay";
import type { GraphStructure } from "../../graph/structure";
import { groupItem, type ItemId, type Overlay } from "../../graph/types";
import type { Answer, ColumnArray, FindingRow } from "../../protocol";
import { type DebuggerStore, sampledStepFor } from "../../state";
import { nodeOfSite } from "../../state/graph";
import { useStore } from "../shared/context";

const SOFT: Record<Theme, string> = { light: "#f3d3e2", dark: "#4a2236" };

/** Findings of at most so many steps are traced to their tensors; the others light up a module. */
const TRACED_STEPS = 6;

/** The nodes that make the tensors of findings, by the finding's key, as far as they are known. */
export type FindingNodes = ReadonlyMap<string, number>;

/** Those of some findings that a step knows of already; all of them while no step is shown. */
export function findingsBy(rows: readonly FindingRow[], step: number | null): FindingRow[] {
  return rows.filter(({ first_step }) => step === null || (first_step ?? step) <= step);
}

/**
 * The boxes where findings lie, and those around them while closed: a tensor's node where the
 * finding has a site, else its module's groups.
 */
export function findingMarks(
  structure: GraphStructure,
  findings: readonly FindingRow[],
  nodes: FindingNodes = new Map(),
): ReadonlySet<ItemId> {
  const marks = new Set<ItemId>();
  const markGroups = (groups: readonly number[]) => {
    for (const group of groups) {
      if (structure.group(group).kind !== "half") marks.add(groupItem(group));
    }
  };
  for (const { key, module } of findings) {
    const node = nodes.get(key);
    if (node !== undefined) {
      marks.add(node);
      markGroups(structure.nodePath(node));
    } else if (module !== null && module !== "") {
      for (const group of structure.groupsOfModule(module)) markGroups(structure.groupPath(group));
    }
  }
  return marks;
}

/** Look the sites of findings up in what their steps recorded, once the picture is there. */
export function useFindingNodes(
  structure: GraphStructure | null,
  findings: Answer<"findings"> | null,
  active: boolean,
): FindingNodes {
  const store = useStore();
  const [nodes, setNodes] = useState<FindingNodes>(new Map());
  const wanted = active && store.selection.graphSeen.value;
  const sampled = store.summary.data.value?.sampled_steps.values;
  useEffect(() => {
    if (!wanted || structure === null || findings === null || sampled === undefined) return;
    let going = true;
    void nodesOf(store, structure, findings.rows, sampled).then((found) => {
      if (going) setNodes(found);
    });
    return () => {
      going = false;
    };
  }, [store, structure, findings, wanted]);
  return nodes;
}

async function nodesOf(
  store: DebuggerStore,
  structure: GraphStructure,
  rows: readonly FindingRow[],
  sampled: ColumnArray,
): Promise<FindingNodes> {
  const nodes = new Map<string, number>();
  const steps = new Set<number>();
  for (const { key, site_id, first_step } of rows) {
    const step = site_id === "" || first_step === null ? null : sampledStepFor(sampled, first_step);
    if (step === null || (steps.size >= TRACED_STEPS && !steps.has(step))) continue;
    steps.add(step);
    const node = await nodeOfSite(store, structure, site_id, step);
    if (node !== null) nodes.set(key, node);
  }
  return nodes;
}

/** An overlay with the places of findings marked in it; without one they have a colour too. */
export function withFindings(
  overlay: Overlay | null,
  marks: ReadonlySet<ItemId>,
  theme: Theme,
): Overlay | null {
  if (marks.size === 0) return overlay;
  // Of an overlay's colours none is a finding's.
  const row = {
    color: overlay === null ? SOFT[theme] : "",
    mark: "◆",
    label: "a finding lies here",
  };
  const fill = overlay === null ? SOFT[theme] : BLANK[theme];
  return {
    name: overlay?.name ?? "findings",
    legend: [...(overlay?.legend ?? []), row],
    notes: overlay?.notes ?? [],
    item: (item) => {
      const base = overlay?.item(item) ?? null;
      if (!marks.has(item)) return base;
      return { fill: base?.fill ?? fill, mark: `◆ ${base?.mark ?? ""}`.trim() };
    },
    edge: (edge) => overlay?.edge(edge) ?? null,
  };
}
