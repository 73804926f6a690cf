import type { GraphStructure } from "../../graph/structure";
import { groupItem, type ItemId } from "../../graph/types";
import type { ModeName, StageName } from "../../protocol";
import type { Selection } from "../selection";
import type { DebuggerStore } from "../store";
import type { GraphInspector } from "./inspector";
import { nodeOfSite } from "./sites";

/** What is selected, in words that mean something in any stage. */
export type Subject =
  | { kind: "nodes"; mode: ModeName; stage: StageName; nodes: readonly number[] }
  | { kind: "group"; mode: ModeName; stage: StageName; key: string; module: string | null }
  | { kind: "module"; module: string }
  | { kind: "value"; value: string; module: string | null }
  | {
      kind: "site";
      site: string;
      /** Sampled step whose record is asked where the tensor is; null asks none. */
      step: number | null;
      value: string | null;
      module: string | null;
    };

/** What other views selected; null is nothing. */
export function subjectOf({ selection, sampledStep }: DebuggerStore): Subject | null {
  const module = selection.module.peek();
  const value = selection.value.peek();
  const site = selection.siteId.peek();
  if (site !== null) return { kind: "site", site, step: sampledStep.peek(), value, module };
  if (value !== null) return { kind: "value", value, module };
  return module === null ? null : { kind: "module", module };
}

/** Changes whenever somebody selects something else, or leads to the same once more. */
export function heardNames({ module, value, siteId, ledCount }: Selection): string {
  return [module.value, value.value, siteId.value, ledCount.value].join("|");
}

/** What a selection is in one pane's stage; the best there is where it does not exist there. */
export async function itemsIn(
  inspector: GraphInspector,
  subject: Subject,
  structure: GraphStructure,
): Promise<readonly ItemId[]> {
  switch (subject.kind) {
    case "nodes":
      return nodesIn(inspector, subject, structure);
    case "group": {
      const group = structure.groupByKey(subject.key);
      if (group !== undefined) return [groupItem(group)];
      return subject.module === null ? [] : groupItems(structure, subject.module);
    }
    case "module":
      return groupItems(structure, subject.module);
    case "value":
      return valueItems(structure, subject.value, subject.module);
    case "site": {
      const { site, step, value, module } = subject;
      const node = await nodeOfSite(inspector.store, structure, site, step);
      return node === null ? valueItems(structure, value, module) : [node];
    }
  }
}

async function nodesIn(
  { lineage, store }: GraphInspector,
  { mode, stage, nodes }: Subject & { kind: "nodes" },
  structure: GraphStructure,
): Promise<readonly ItemId[]> {
  if (mode === structure.mode && stage === structure.stage) return nodes;
  if (mode === structure.mode) {
    const mapped = lineage.peek()?.map(stage, nodes, structure.stage) ?? [];
    if (mapped.length > 0) return mapped;
  }
  const { value, module } = store.selection;
  return valueItems(structure, value.peek(), module.peek());
}

function groupItems(structure: GraphStructure, module: string): ItemId[] {
  return structure.groupsOfModule(module).map(groupItem);
}

async function valueItems(
  structure: GraphStructure,
  value: string | null,
  module: string | null,
): Promise<ItemId[]> {
  const found = value === null ? undefined : await structure.valueNamed(value);
  if (found !== undefined) return [structure.producer(found)];
  return module === null ? [] : groupItems(structure, module);
}

/** What a subject is called in the selection that all views share. */
export function namesOf(
  subject: Subject | null,
  structure: GraphStructure | null,
): { module: string | null; value: string | null } {
  if (subject === null) return { module: null, value: null };
  if (subject.kind !== "nodes") {
    return { module: subject.module, value: "value" in subject ? subject.value : null };
  }
  const [node] = subject.nodes;
  if (node === undefined || structure === null) return { module: null, value: null };
  const [value] = structure.outputsOf(node);
  const module = structure
    .nodePath(node)
    .map((group) => structure.group(group).module)
    .findLast((name) => name !== null);
  return {
    module: module ?? null,
    value: value === undefined ? null : structure.valueName(value),
  };
}
