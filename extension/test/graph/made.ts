/** A transformer-like graph with hand-made pictures of it, for what draws graphs. */

import { itemTitle, nodeWidth } from "../../src/graph/labels";
import * as sizes from "../../src/graph/sizes";
import { GraphStructure, ROOT } from "../../src/graph/structure";
import {
  type ItemId,
  isGroup,
  itemGroup,
  type Picture,
  type PlacedEdge,
  type PlacedItem,
} from "../../src/graph/types";
import type { Decoded, GraphStructureView, GroupRow, HalfName } from "../../src/protocol";

const OPS = ["MatMul", "Add", "Reshape", "Transpose", "Softmax", "LayerNormalization", "BiasGelu"];
const MODULES = ["ln1", "attn", "ln2", "mlp"];
const MARGIN = 20;

/** @param blocks Of `nodes` nodes each, as many again in the backward half. */
export function madeStructure(blocks: number, nodes: number): GraphStructure {
  const made = new Maker();
  const input = made.node(ROOT, "input_ids", 1);
  let last = input;
  for (const half of ["forward", "backward"] as HalfName[]) {
    const top = made.group(ROOT, "half", half, null, half);
    if (half === "backward") last = made.link(last, made.node(top, "YieldOp", 0, YIELD));
    const residual = last;
    for (let block = 0; block < blocks; block++) {
      const name = `blocks.${block}`;
      const at = made.group(top, "module", name, name, half);
      for (const part of MODULES) {
        const module = made.group(at, "module", part, `${name}.${part}`, half);
        for (let i = 0; i < nodes / MODULES.length; i++) {
          const op = (i * 3 + part.length) % OPS.length;
          const node = made.node(module, `/${name}/${part}/${OPS[op]}_${i}`, 0, op);
          made.link(last, node);
          if (i % 4 === 3) made.link(node - 2, node);
          last = node;
        }
      }
      if (block % 3 === 2) made.link(residual, last);
    }
    if (half === "forward") made.link(last, made.node(ROOT, "logits", 2));
  }
  return new GraphStructure(made.answer());
}

const YIELD = OPS.length;

class Maker {
  private readonly groups: GroupRow[] = [];
  private readonly nodes: { group: number; name: string; kind: number; op: number }[] = [];
  private readonly edges: [number, number][] = [];

  group(
    parent: number,
    kind: GroupRow["kind"],
    label: string,
    module: string | null,
    half: HalfName,
  ): number {
    const row = { parent, kind, label, module, half, count: 1, owner: -1, node_count: 0 };
    return this.groups.push(row) - 1;
  }

  node(group: number, name: string, kind: number, op = 0): number {
    for (let at = group; at !== ROOT; at = (this.groups[at] as GroupRow).parent) {
      (this.groups[at] as GroupRow).node_count += 1;
    }
    return this.nodes.push({ group, name, kind, op }) - 1;
  }

  link(from: number, to: number): number {
    this.edges.push([from, to]);
    return to;
  }

  answer(): Decoded<GraphStructureView> {
    const { nodes, edges, groups } = this;
    const ints = (values: number[]) => ({
      values: Int32Array.from(values),
      shape: [values.length],
    });
    const bytes = (values: number[]) => ({
      values: Uint8Array.from(values),
      shape: [values.length],
    });
    return {
      mode: "training",
      stage: "execution_model",
      file_node_count: nodes.length,
      groups,
      ops: [...OPS, "YieldOp"].map((op_type) => ({ op_type, domain: "" })),
      node_op: ints(nodes.map(({ op }) => op)),
      node_kind: bytes(nodes.map(({ kind }) => kind)),
      node_group: ints(nodes.map(({ group }) => group)),
      node_names: table(nodes.map(({ name }) => name)),
      value_names: table(nodes.map(({ name }) => `${name}_output_0`)),
      value_node: ints(nodes.map((_, i) => i)),
      edge_value: ints(edges.map(([from]) => from)),
      edge_to: ints(edges.map(([, to]) => to)),
      notes: [],
    };
  }
}

function table(strings: string[]): Decoded<GraphStructureView>["node_names"] {
  const parts = strings.map((text) => new TextEncoder().encode(text));
  const ends: number[] = [];
  for (const part of parts) ends.push((ends[ends.length - 1] ?? 0) + part.length);
  const text = new Uint8Array(ends[ends.length - 1] ?? 0);
  parts.forEach((part, i) => {
    text.set(part, (ends[i] as number) - part.length);
  });
  return {
    text: { values: text, shape: [text.length] },
    ends: { values: Int32Array.from(ends), shape: [ends.length] },
  };
}

/** Every group open. */
export const allOpen = (structure: GraphStructure) => new Set(structure.groups.keys());

/**
 * A picture without a layout engine: what is in a group stands in rows, `across` side by side.
 *
 * @param across Boxes and groups side by side, by depth; the last holds for all below.
 */
export function madePicture(
  structure: GraphStructure,
  open: ReadonlySet<number>,
  across: readonly number[] = [2, 1, 2, 3],
): Picture {
  const items: PlacedItem[] = [];
  const { width, height } = place(structure, open, across, ROOT, 0, 0, 0, items);
  return { items, width, height, edges: madeEdges(structure, open, items) };
}

function place(
  structure: GraphStructure,
  open: ReadonlySet<number>,
  across: readonly number[],
  group: number,
  left: number,
  top: number,
  depth: number,
  items: PlacedItem[],
): { width: number; height: number } {
  const columns = across[Math.min(depth, across.length - 1)] ?? 1;
  let [x, y, low, right] = [left + MARGIN, top + MARGIN, 0, 0];
  for (const [i, item] of structure.children(group).entries()) {
    if (i % columns === 0 && i > 0) [x, y, low] = [left + MARGIN, y + low + 30, 0];
    const shown = isGroup(item) && open.has(itemGroup(item));
    const box = { item, x, y, width: 0, height: 0, depth, open: shown };
    items.push(box);
    const size = shown
      ? place(structure, open, across, itemGroup(item), x, y + 24, depth + 1, items)
      : closedSize(structure, item);
    box.width = size.width;
    box.height = size.height + (shown ? 24 : 0);
    x += box.width + MARGIN;
    low = Math.max(low, box.height);
    right = Math.max(right, x);
  }
  return { width: right - left, height: y + low + MARGIN - top };
}

const closedSize = (structure: GraphStructure, item: ItemId) =>
  isGroup(item)
    ? { width: 60 + 8 * itemTitle(structure, item).length, height: sizes.GROUP_HEIGHT }
    : { width: nodeWidth(structure, item), height: sizes.NODE_HEIGHT };

function madeEdges(
  structure: GraphStructure,
  open: ReadonlySet<number>,
  items: PlacedItem[],
): PlacedEdge[] {
  const at = new Map(items.map((placed) => [placed.item, placed]));
  const numbers = new Map<string, number[]>();
  for (let edge = 0; edge < structure.edgeCount; edge++) {
    const from = structure.visibleItem(structure.edgeValue[edge] as number, open);
    const to = structure.visibleItem(structure.edgeTo[edge] as number, open);
    if (from === to) continue;
    const key = `${from}>${to}`;
    numbers.set(key, [...(numbers.get(key) ?? []), edge]);
  }
  return [...numbers].map(([key, edges]) => {
    const [from = 0, to = 0] = key.split(">").map(Number);
    return madeEdge(structure, at.get(from) as PlacedItem, at.get(to) as PlacedItem, edges);
  });
}

function madeEdge(
  structure: GraphStructure,
  from: PlacedItem,
  to: PlacedItem,
  edges: number[],
): PlacedEdge {
  const [x0, y0] = [from.x + from.width / 2, from.y + from.height];
  const [x1, y1] = [to.x + to.width / 2, to.y];
  const middle = (y0 + y1) / 2;
  const far = Math.abs(y1 - y0) > 1_500;
  const points = far
    ? [x0, y0, x0, y0 + 12, x1, y1 - 12, x1, y1]
    : [x0, y0, x0, middle, x1, middle, x1, y1];
  return {
    from: from.item,
    to: to.item,
    edges: Int32Array.from(edges),
    points: Float32Array.from(points),
    shape: far ? "stub" : "line",
    crossing: halfOf(structure, from.item) !== halfOf(structure, to.item),
  };
}

function halfOf(structure: GraphStructure, item: ItemId): string {
  const path = isGroup(item) ? structure.groupPath(itemGroup(item)) : structure.nodePath(item);
  return path[0] === undefined ? "forward" : structure.group(path[0]).half;
}
