/** What is written on boxes. */
import * as sizes from "./sizes";
import type { GraphStructure } from "./structure";
import { textWidth } from "./text_width";
import { type ItemId, isGroup, itemGroup } from "./types";

/** Kept: `toLocaleString` makes one each time, which costs more than all else about a group. */
const grouped = new Intl.NumberFormat("en");

/** Kinds of nodes, as `node_kind` codes them. */
export const NODE_INPUT = 1;
export const NODE_OUTPUT = 2;

/** The first line on a box: an operator, a module's short name, the name of an input. */
export function itemTitle(structure: GraphStructure, item: ItemId): string {
  if (!isGroup(item)) {
    const op = structure.ops[structure.nodeOp[item] as number];
    return structure.nodeKind[item] === 0 && op !== undefined
      ? op.op_type
      : structure.nodeName(item);
  }
  const group = structure.group(itemGroup(item));
  return group.kind === "repeat" ? `${group.label} × ${group.count}` : group.label;
}

/** The second line on a closed group: how much is in it. Empty for nodes. */
export function itemNote(structure: GraphStructure, item: ItemId): string {
  if (!isGroup(item)) return "";
  const { node_count: count } = structure.group(itemGroup(item));
  return count === 1 ? "1 node" : `${grouped.format(count)} nodes`;
}

/** Width of a node's box. */
export function nodeWidth(structure: GraphStructure, node: number): number {
  const text = itemTitle(structure, node);
  if (structure.nodeKind[node] !== 0) {
    const width = textWidth(text, sizes.PILL_FONT) + 2 * sizes.PILL_PADDING;
    return clamp(width, sizes.NODE_MIN_WIDTH, sizes.PILL_MAX_WIDTH);
  }
  const width = textWidth(text, sizes.NODE_FONT) + 2 * sizes.NODE_PADDING;
  return clamp(width, sizes.NODE_MIN_WIDTH, sizes.NODE_MAX_WIDTH);
}

/** Width of a group's box while it is closed; open ones are never narrower. */
export function groupWidth(structure: GraphStructure, group: number): number {
  const item = -1 - group;
  const title = textWidth(itemTitle(structure, item), sizes.GROUP_FONT);
  const note = textWidth(itemNote(structure, item), sizes.GROUP_NOTE_FONT);
  const width = Math.max(title, note) + sizes.TWISTY_WIDTH + 2 * sizes.GROUP_PADDING;
  return clamp(width, sizes.GROUP_MIN_WIDTH, sizes.GROUP_MAX_WIDTH);
}

const clamp = (value: number, low: number, high: number): number =>
  Math.ceil(Math.min(high, Math.max(low, value)));
