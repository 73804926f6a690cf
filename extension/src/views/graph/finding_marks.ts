import { COLOURS, type Theme } from "../../graph/overlay";
import type { GraphStructure } from "../../graph/structure";
import { groupItem, type ItemId, type Overlay } from "../../graph/types";
import type { Answer } from "../../protocol";

const SOFT: Record<Theme, string> = { light: "#f3d3e2", dark: "#4a2236" };

/** The boxes where findings lie: their modules' groups, and those around them while closed. */
export function findingMarks(
  structure: GraphStructure,
  findings: Answer<"findings"> | null,
): ReadonlySet<ItemId> {
  const marks = new Set<ItemId>();
  for (const { module } of findings?.rows ?? []) {
    if (module === null || module === "") continue;
    for (const group of structure.groupsOfModule(module)) {
      for (const around of structure.groupPath(group)) {
        if (structure.group(around).kind !== "half") marks.add(groupItem(around));
      }
    }
  }
  return marks;
}

/** An overlay with the places of findings lit up in it; they show without an overlay as well. */
export function withFindings(
  overlay: Overlay | null,
  marks: ReadonlySet<ItemId>,
  theme: Theme,
): Overlay | null {
  if (marks.size === 0) return overlay;
  const row = { color: COLOURS[theme].look, mark: "◆", label: "a finding lies here" };
  return {
    name: overlay?.name ?? "findings",
    legend: [...(overlay?.legend ?? []), row],
    notes: overlay?.notes ?? [],
    item: (item) => {
      const base = overlay?.item(item) ?? null;
      if (!marks.has(item)) return base;
      return { fill: base?.fill ?? SOFT[theme], mark: `◆ ${base?.mark ?? ""}`.trim() };
    },
    edge: (edge) => overlay?.edge(edge) ?? null,
  };
}
