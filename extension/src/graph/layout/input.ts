/** What layout needs of a structure: sizes and hierarchy, no names. */
import { inSlices } from "../breathe";
import { groupWidth, nodeWidth } from "../labels";
import * as sizes from "../sizes";
import { type GraphStructure, ROOT } from "../structure";
import type { LayoutInput } from "./messages";

/** In slices: a graph may have thousands of groups, and the page is about to show it. */
export async function layoutInput(structure: GraphStructure): Promise<LayoutInput> {
  const { nodeCount, groups } = structure;
  const nodeWidths = new Float32Array(nodeCount);
  const nodeHeights = new Float32Array(nodeCount);
  const sizeOf = nodeSizes(structure);
  await inSlices(nodeCount, (node) => {
    [nodeWidths[node], nodeHeights[node]] = sizeOf(node);
  });
  const groupWidths = new Float32Array(groups.length);
  const twins = new Int32Array(groups.length);
  await inSlices(groups.length, (group) => {
    groupWidths[group] = groupWidth(structure, group);
    twins[group] = twinOf(structure, group);
  });
  const [childStarts, childItems] = childLists(structure);
  return {
    nodeWidth: nodeWidths,
    nodeHeight: nodeHeights,
    nodeGroup: structure.nodeGroup,
    groupParent: Int32Array.from(groups, (group) => group.parent),
    groupWidth: groupWidths,
    groupHalf: Uint8Array.from(groups, (group) =>
      group.kind !== "half" ? 0 : group.half === "forward" ? 1 : 2,
    ),
    groupBackward: Uint8Array.from(groups, (group) => (group.half === "backward" ? 1 : 0)),
    groupRepeats: Uint8Array.from(groups, (group) => (group.kind === "repeat" ? 1 : 0)),
    groupOwner: Int32Array.from(groups, (group) => group.owner),
    groupTwin: twins,
    childStarts,
    childItems,
    valueNode: structure.valueNode,
    edgeValue: structure.edgeValue,
    edgeTo: structure.edgeTo,
  };
}

/** Width and height of nodes; those of one operator are equal, and measured once. */
function nodeSizes(structure: GraphStructure): (node: number) => [number, number] {
  const known = new Map<number, number>();
  return (node) => {
    if (structure.nodeKind[node] !== 0) return [nodeWidth(structure, node), sizes.PILL_HEIGHT];
    const op = structure.nodeOp[node] as number;
    const width = known.get(op) ?? nodeWidth(structure, node);
    known.set(op, width);
    return [width, sizes.NODE_HEIGHT];
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
