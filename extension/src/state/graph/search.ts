import { inSlices } from "../../graph/breathe";
import type { GraphStructure } from "../../graph/structure";
import type { FindingRow } from "../../protocol";

/** What a search found; how it is selected depends on what it is. */
export type Hit =
  | { kind: "operator"; text: string; detail: string; nodes: number[] }
  | { kind: "module"; text: string; detail: string; module: string }
  | { kind: "node"; text: string; detail: string; nodes: number[] }
  | { kind: "tensor"; text: string; detail: string; nodes: number[] }
  | { kind: "finding"; text: string; detail: string; finding: FindingRow };

export interface SearchResult {
  /** The first of each kind. */
  hits: Hit[];
  count: number;
}

/** Most hits of one kind that are listed. */
const LISTED = 60;

/**
 * Find by operator, name, module, tensor and finding; every word must occur.
 *
 * Runs in slices, so that the page answers meanwhile; aborting the signal rejects.
 */
export async function search(
  structure: GraphStructure,
  findings: readonly FindingRow[],
  text: string,
  signal: AbortSignal,
): Promise<SearchResult> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return { hits: [], count: 0 };
  const matches = (candidate: string) => {
    const lower = candidate.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
  const nodes = await namedNodes(structure, matches, signal);
  const tensors = await namedTensors(structure, matches, signal);
  const lists: Hit[][] = [
    operators(structure, matches),
    modules(structure, matches),
    nodes.hits,
    tensors.hits,
    findings
      .filter((row) => matches(`${row.title} ${row.module ?? ""} ${row.detector}`))
      .map((finding) => ({
        kind: "finding",
        text: finding.title,
        detail: finding.module ?? "",
        finding,
      })),
  ];
  const left = nodes.count - nodes.hits.length + tensors.count - tensors.hits.length;
  const hits = lists.flatMap((list) => list.slice(0, LISTED));
  return { hits, count: lists.reduce((sum, list) => sum + list.length, left) };
}

function operators(structure: GraphStructure, matches: (text: string) => boolean): Hit[] {
  const wanted = structure.ops.flatMap(({ op_type, domain }, op) =>
    op_type !== "" && matches(`${op_type} ${domain}`) ? [op] : [],
  );
  return wanted.flatMap((op) => {
    const nodes: number[] = [];
    structure.nodeOp.forEach((own, node) => {
      if (own === op && structure.nodeKind[node] === 0) nodes.push(node);
    });
    const { op_type, domain } = structure.ops[op] ?? { op_type: "", domain: "" };
    const detail = `${nodes.length} nodes${domain === "" ? "" : ` · ${domain}`}`;
    return nodes.length === 0 ? [] : [{ kind: "operator" as const, text: op_type, detail, nodes }];
  });
}

function modules(structure: GraphStructure, matches: (text: string) => boolean): Hit[] {
  const seen = new Map<string, number>();
  for (const { module, node_count } of structure.groups) {
    if (module !== null && matches(module)) seen.set(module, (seen.get(module) ?? 0) + node_count);
  }
  return [...seen].map(([module, count]) => ({
    kind: "module",
    text: module === "" ? "(root)" : module,
    detail: `${count} nodes`,
    module,
  }));
}

function namedNodes(
  structure: GraphStructure,
  matches: (text: string) => boolean,
  signal: AbortSignal,
): Promise<Found> {
  const hitAt = (node: number): Hit | null => {
    const text = structure.nodeName(node);
    if (text === "" || !matches(text)) return null;
    return { kind: "node", text, detail: opOf(structure, node), nodes: [node] };
  };
  return found(structure.nodeCount, hitAt, signal);
}

function namedTensors(
  structure: GraphStructure,
  matches: (text: string) => boolean,
  signal: AbortSignal,
): Promise<Found> {
  const hitAt = (value: number): Hit | null => {
    const text = structure.valueName(value);
    if (!matches(text)) return null;
    const node = structure.producer(value);
    return { kind: "tensor", text, detail: opOf(structure, node), nodes: [node] };
  };
  return found(structure.valueCount, hitAt, signal);
}

interface Found {
  hits: Hit[];
  /** Those that are not listed included. */
  count: number;
}

/** Look at `0 … length - 1` in slices. */
async function found(
  length: number,
  hitAt: (index: number) => Hit | null,
  signal: AbortSignal,
): Promise<Found> {
  const hits: Hit[] = [];
  let count = 0;
  await inSlices(
    length,
    (index) => {
      const hit = hitAt(index);
      if (hit === null) return;
      count += 1;
      if (hits.length < LISTED) hits.push(hit);
    },
    signal,
  );
  return { hits, count };
}

const opOf = (structure: GraphStructure, node: number): string =>
  structure.ops[structure.nodeOp[node] ?? -1]?.op_type ?? "";
