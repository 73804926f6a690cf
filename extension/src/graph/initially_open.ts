import type { GraphStructure } from "./structure";
import { isGroup, itemGroup } from "./types";

/** Beside so many nodes a lone group is one box among others, and stays closed. */
const FEW_NODES = 12;

/**
 * The halves, and in them groups that are alone until there is something to see.
 *
 * A model's outermost module is often the only group in its half, and in it a list of blocks:
 * a first picture of three boxes would say nothing.
 */
export function initiallyOpen(structure: GraphStructure): Set<number> {
  const open = new Set<number>();
  const pending = [-1];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const children = structure.children(at);
    const groups = children.filter(isGroup).map(itemGroup);
    const halves = groups.filter((group) => structure.group(group).kind === "half");
    const alone = groups.length === 1 && children.length - 1 <= FEW_NODES ? groups : [];
    for (const group of new Set([...halves, ...alone])) {
      const { kind } = structure.group(group);
      // A subgraph is opened from its owner, and equal blocks were folded to be read as one.
      if (kind === "subgraph" || (kind === "repeat" && children.length > 1)) continue;
      open.add(group);
      pending.push(group);
    }
  }
  return open;
}
