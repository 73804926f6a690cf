import type { GraphStructure } from "../structure";

/**
 * Of every group the fold of all nodes in it, those of its groups included.
 *
 * @param byNode One number a node.
 * @param start What an empty group has.
 */
export function foldGroups(
  structure: GraphStructure,
  byNode: ArrayLike<number>,
  start: number,
  fold: (a: number, b: number) => number,
): Float64Array {
  const { groups, nodeGroup } = structure;
  const found = new Float64Array(groups.length).fill(start);
  for (let node = 0; node < nodeGroup.length; node += 1) {
    const group = nodeGroup[node] as number;
    if (group >= 0) found[group] = fold(found[group] as number, byNode[node] as number);
  }
  return upwards(structure, found, fold);
}

/** Parents come before what is in them, so one pass from the end reaches all. */
function upwards(
  { groups }: GraphStructure,
  found: Float64Array,
  fold: (a: number, b: number) => number,
): Float64Array {
  for (let group = groups.length - 1; group >= 0; group -= 1) {
    const parent = groups[group]?.parent ?? -1;
    if (parent >= 0) found[parent] = fold(found[parent] as number, found[group] as number);
  }
  return found;
}

/** How many nodes of each class every group has: `counts[group * classCount + class]`. */
export function countClasses(
  { groups, nodeGroup }: GraphStructure,
  classOf: ArrayLike<number>,
  classCount: number,
): Int32Array {
  const counts = new Int32Array(groups.length * classCount);
  const add = (place: number, count: number) => {
    counts[place] = (counts[place] as number) + count;
  };
  for (let node = 0; node < nodeGroup.length; node += 1) {
    const [group, kind] = [nodeGroup[node] as number, classOf[node] as number];
    if (group >= 0 && kind >= 0) add(group * classCount + kind, 1);
  }
  for (let group = groups.length - 1; group >= 0; group -= 1) {
    const parent = groups[group]?.parent ?? -1;
    if (parent < 0) continue;
    for (let kind = 0; kind < classCount; kind += 1) {
      add(parent * classCount + kind, counts[group * classCount + kind] as number);
    }
  }
  return counts;
}

export const sum = (a: number, b: number): number => a + b;
/** The larger one; NaN is nothing. */
export const larger = (a: number, b: number): number => (b > a || Number.isNaN(a) ? b : a);
