/** What layout needs of a structure: sizes and hierarchy, no names. */
import { groupWidth, nodeWidth } from "../labels";
import * as sizes from "../sizes";
import { type GraphStructure, ROOT } from "../structure";
import type { LayoutInput } from "./messages";

export function layoutInput(structure: GraphStructure): LayoutInput {
  const { nodeCount, groups } = structure;
  const widths = new Float32Array(nodeCount);
  const heights = new Float32Array(nodeCount);
  const opWidths = new Map<number, number>();
  for (let node = 0; node < nodeCount; node += 1) {
    const isOperator = structure.nodeKind[node] === 0;
    heights[node] = isOperator ? sizes.NODE_HEIGHT : sizes.PILL_HEIGHT;
    const op = structure.nodeOp[node] as number;
    let width = isOperator ? opWidths.get(op) : undefined;
    if (width === undefined) {
      width = nodeWidth(structure, node);
      if (isOperator) opWidths.set(op, width);
    }
    widths[node] = width;
  }
  const [childStarts, childItems] = childLists(structure);
  return {
    nodeWidth: widths,
    nodeHeight: heights,
    nodeGroup: structure.nodeGroup,
    groupParent: Int32Array.from(groups, (group) => group.parent),
    groupWidth: Float32Array.from(groups, (_, group) => groupWidth(structure, group)),
    groupHalf: Uint8Array.from(groups, (group) =>
      group.kind !== "half" ? 0 : group.half === "forward" ? 1 : 2,
    ),
    groupBackward: Uint8Array.from(groups, (group) => (group.half === "backward" ? 1 : 0)),
    groupRepeats: Uint8Array.from(groups, (group) => (group.kind === "repeat" ? 1 : 0)),
    groupOwner: Int32Array.from(groups, (group) => group.owner),
    groupTwin: Int32Array.from(groups, (_, group) => twinOf(structure, group)),
    childStarts,
    childItems,
    valueNode: structure.valueNode,
    edgeValue: structure.edgeValue,
    edgeTo: structure.edgeTo,
  };
}

function childLists(structure: GraphStructure): [Int32Array, Int32Array] {
  const count = structure.groups.length;
  const starts = new Int32Array(count + 2);
  const items = new Int32Array(structure.nodeCount + count);
  let length = 0;
  for (let group = ROOT; group < count; group += 1) {
    const children = structure.children(group);
    items.set(children, length);
    length += children.length;
    starts[group + 2] = length;
  }
  return [starts, items];
}

/** The group of the other half with the same name. */
function twinOf(structure: GraphStructure, group: number): number {
  const { half, module } = structure.group(group);
  const other = half === "forward" ? "backward" : "forward";
  const key = structure.groupKey(group);
  const twin = key.startsWith(`${half}/`)
    ? structure.groupByKey(other + key.slice(half.length))
    : undefined;
  if (twin !== undefined || module === null) return twin ?? -1;
  const same = structure.groupsOfModule(module);
  return same.find((each) => structure.group(each).half === other) ?? -1;
}
