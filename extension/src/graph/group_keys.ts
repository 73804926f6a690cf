/** Names of groups that hold from one stage to another, so that panes can follow each other. */
import type { GroupRow } from "../protocol";

const naturally = new Intl.Collator("en", { numeric: true });

/** Keys of all groups, and the groups by key; `nodeName` names the owners of subgraphs. */
export function groupKeys(
  groups: readonly GroupRow[],
  nodeName: (node: number) => string,
): { keys: string[]; byKey: Map<string, number> } {
  const keys: string[] = [];
  const byKey = new Map<string, number>();
  const ends = childEnds(groups);
  const parts = new Map<number, number>();
  groups.forEach((group, index) => {
    const own = ownKey(group, () => ends.get(index), nodeName, parts);
    const base = group.parent < 0 ? own : `${keys[group.parent]}/${own}`;
    let key = base;
    // A module that is called twice may be two groups side by side.
    for (let again = 2; byKey.has(key); again += 1) key = `${base}#${again}`;
    keys.push(key);
    byKey.set(key, index);
  });
  return { keys, byKey };
}

function ownKey(
  group: GroupRow,
  ends: () => [string, string] | undefined,
  nodeName: (node: number) => string,
  parts: Map<number, number>,
): string {
  switch (group.kind) {
    case "half":
      return group.half;
    case "module":
      return `module:${group.module ?? group.label}`;
    case "repeat": {
      // The backward half meets them in reverse, and is to have the same key.
      const [first, last] = (ends() ?? [group.label, group.label]).toSorted(naturally.compare);
      return `repeat:${first}..${last}`;
    }
    case "part": {
      const number = parts.get(group.parent) ?? 0;
      parts.set(group.parent, number + 1);
      return `part:${number}`;
    }
    case "subgraph":
      return `subgraph:${nodeName(group.owner)}/${group.label}`;
  }
}

/** First and last child of each group, by their modules' names. */
function childEnds(groups: readonly GroupRow[]): Map<number, [string, string]> {
  const ends = new Map<number, [string, string]>();
  for (const group of groups) {
    const name = group.module ?? group.label;
    const known = ends.get(group.parent);
    if (known === undefined) ends.set(group.parent, [name, name]);
    else known[1] = name;
  }
  return ends;
}
