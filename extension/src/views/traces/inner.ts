import type { TraceRow } from "../../protocol";

/** Which groups of values inside modules are unfolded. */
export type Unfolded = ReadonlySet<string> | "all";

export const NOTHING_UNFOLDED: Unfolded = new Set<string>();

/** Values inside of one call of a module, which only ONNX Runtime's graph names. */
export interface InnerGroup {
  /** Tells groups of a step apart. */
  key: string;
  module: string;
  call: number;
  rows: readonly TraceRow[];
}

const OUTPUT = /^out\d+$/;

/** Whether a site is a value inside of a module, or the gradient of one. */
export function isInner(row: TraceRow): boolean {
  return (row.direction === "forward" || row.direction === "backward") && !OUTPUT.test(row.slot);
}

export function innerKey(row: TraceRow): string {
  return `${row.direction}/${row.module}@${row.call}`;
}

/**
 * Rows of one section apart: outputs, and behind the last output of each call what is inside of
 * it. Groups whose module has no output of its own come last.
 */
export function foldInner(rows: readonly TraceRow[]): (TraceRow | InnerGroup)[] {
  const groups = new Map<string, TraceRow[]>();
  const last = new Map<string, number>();
  const outputs = rows.filter((row) => !isInner(row));
  for (const row of rows.filter(isInner)) {
    const group = groups.get(innerKey(row));
    if (group === undefined) groups.set(innerKey(row), [row]);
    else group.push(row);
  }
  outputs.forEach((row, index) => {
    last.set(innerKey(row), index);
  });
  const folded: (TraceRow | InnerGroup)[] = [];
  const add = (key: string) => {
    const inside = groups.get(key);
    const [first] = inside ?? [];
    if (inside === undefined || first === undefined) return;
    folded.push({ key, module: first.module, call: first.call, rows: inside });
    groups.delete(key);
  };
  outputs.forEach((row, index) => {
    folded.push(row);
    if (last.get(innerKey(row)) === index) add(innerKey(row));
  });
  for (const key of [...groups.keys()]) add(key);
  return folded;
}

/** The groups unfolded by hand and the one that holds the selected site. */
export function unfolded(
  byHand: Unfolded,
  rows: readonly TraceRow[],
  siteId: string | null,
): Unfolded {
  const selected = rows.find((row) => row.site_id === siteId);
  if (byHand === "all" || selected === undefined || !isInner(selected)) return byHand;
  return new Set([...byHand, innerKey(selected)]);
}
