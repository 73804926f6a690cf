/** Structures of any shape, and layout without a thread; for what lays graphs out. */
import loadElk from "../../build/elk.js";
import { breathe } from "../../src/graph/breathe";
import { type RunElk, startElk } from "../../src/graph/layout/elk";
import { WorkerHost } from "../../src/graph/layout/worker_host";
import type { WorkerLike } from "../../src/graph/layout/worker_link";
import { GraphStructure } from "../../src/graph/structure";
import type { Decoded, GraphStructureView, GroupRow } from "../../src/protocol";

export interface NodeSpec {
  /** -1, the graph itself, when left out. */
  group?: number;
  op?: string;
  kind?: number;
  name?: string;
}

export interface GraphSpec {
  groups?: (Partial<GroupRow> & { parent?: number })[];
  nodes: NodeSpec[];
  /** From node, to node, and which output of the first one. */
  edges: [from: number, to: number, output?: number][];
}

/** What `graph_structure` would answer, decoded. */
export function answerOf(spec: GraphSpec): Decoded<GraphStructureView> {
  const ops = [...new Set(spec.nodes.map((node) => node.op ?? "Op"))];
  const values = new Map<string, number>();
  const valueNode: number[] = [];
  const edgeValue = spec.edges.map(([from, , output = 0]) => {
    const key = `${from}_output_${output}`;
    const known = values.get(key);
    if (known !== undefined) return known;
    values.set(key, valueNode.length);
    return valueNode.push(from) - 1;
  });
  const ints = (list: number[]) => ({ values: Int32Array.from(list), shape: [list.length] });
  return {
    mode: "training",
    stage: "execution_model",
    file_node_count: spec.nodes.length,
    groups: (spec.groups ?? []).map((row, index) => groupRow(row, index, spec.nodes)),
    ops: ops.map((op_type) => ({ op_type, domain: "" })),
    node_op: ints(spec.nodes.map((node) => ops.indexOf(node.op ?? "Op"))),
    node_kind: {
      values: Uint8Array.from(spec.nodes, (node) => node.kind ?? 0),
      shape: [spec.nodes.length],
    },
    node_group: ints(spec.nodes.map((node) => node.group ?? -1)),
    node_names: strings(spec.nodes.map((node, index) => node.name ?? `node_${index}`)),
    value_names: strings([...values.keys()]),
    value_node: ints(valueNode),
    edge_value: ints(edgeValue),
    edge_to: ints(spec.edges.map(([, to]) => to)),
    notes: [],
  };
}

export const structureOf = (spec: GraphSpec): GraphStructure => new GraphStructure(answerOf(spec));

function groupRow(row: Partial<GroupRow>, index: number, nodes: NodeSpec[]): GroupRow {
  return {
    parent: -1,
    kind: "module",
    label: `g${index}`,
    module: row.kind === undefined || row.kind === "module" ? `g${index}` : null,
    half: "forward",
    count: 1,
    owner: -1,
    node_count: nodes.filter((node) => node.group === index).length,
    ...row,
  };
}

function strings(texts: string[]): Decoded<GraphStructureView>["node_names"] {
  const text = new TextEncoder().encode(texts.join(""));
  let end = 0;
  const ends = texts.map((each) => {
    end += new TextEncoder().encode(each).length;
    return end;
  });
  return {
    text: { values: text, shape: [text.length] },
    ends: { values: Int32Array.from(ends), shape: [ends.length] },
  };
}

let elk: RunElk | null = null;

/** ELK as the worker runs it, started once. */
export function testElk(): RunElk {
  elk ??= startElk(loadElk);
  return elk;
}

/** The worker's code on this thread; messages are cloned as between threads. */
export class ThreadlessWorker implements WorkerLike {
  onmessage: WorkerLike["onmessage"] = null;
  onerror: WorkerLike["onerror"] = null;
  terminated = false;
  readonly #host: WorkerHost;

  constructor(runElk: RunElk = testElk()) {
    this.#host = new WorkerHost(
      {
        post: (message, transfer) => {
          const data = structuredClone(message, { transfer });
          if (!this.terminated) this.onmessage?.({ data });
        },
        breathe,
      },
      runElk,
    );
  }

  postMessage(message: Parameters<WorkerLike["postMessage"]>[0]): void {
    const copy = structuredClone(message);
    queueMicrotask(() => {
      if (!this.terminated) this.#host.receive(copy);
    });
  }

  terminate(): void {
    this.terminated = true;
  }
}

/** A random hierarchy with random lines, some of them in circles; the same for the same seed. */
export function randomSpec(seed: number): GraphSpec {
  const random = generator(seed);
  const upTo = (count: number): number => Math.floor(random() * count);
  const withHalves = random() < 0.5;
  const groups: GraphSpec["groups"] = withHalves
    ? [
        { kind: "half", half: "forward", label: "forward" },
        { kind: "half", half: "backward", label: "backward" },
      ]
    : [];
  for (let made = upTo(12); made > 0; made -= 1) {
    const parent = groups.length === 0 ? -1 : upTo(groups.length + 1) - 1;
    const inside = withHalves ? Math.max(0, parent) : parent;
    groups.push({ parent: inside, half: groups[inside]?.half ?? "forward" });
  }
  const nodes = Array.from({ length: 1 + upTo(40) }, () => ({
    group: upTo(groups.length + 1) - 1,
    op: ["Add", "MatMul", "LayerNormalization"][upTo(3)] as string,
  }));
  const edges = Array.from({ length: upTo(nodes.length * 2) }, (): [number, number, number] => {
    const [a, b] = [upTo(nodes.length), upTo(nodes.length)];
    return random() < 0.9 ? [Math.min(a, b), Math.max(a, b), upTo(2)] : [a, b, 0];
  });
  return { groups, nodes, edges };
}

/** mulberry32. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
