import type { DirectionName, HookRow, TraceRow, VerdictName } from "../../protocol";
import { isWithin } from "../../state";
import { formatDuration } from "../shared/format";
import { foldInner, type InnerGroup, isInner, NOTHING_UNFOLDED, type Unfolded } from "./inner";

/** A line of the table: a heading of a section, a site, or the fold over values inside a module. */
export type TraceItem =
  | {
      kind: "section";
      direction: DirectionName;
      count: number;
      innerCount: number;
      verdicts: VerdictCounts;
    }
  | { kind: "site"; row: TraceRow }
  | { kind: "fold"; group: InnerGroup; open: boolean };

export type VerdictCounts = Record<VerdictName, number>;

export const SECTIONS: readonly { direction: DirectionName; title: string; order: string }[] = [
  { direction: "input", title: "Inputs", order: "as passed to the model" },
  { direction: "forward", title: "Forward", order: "module outputs, first to last" },
  {
    direction: "backward",
    title: "Backward",
    order: "gradients of module outputs, from the loss back",
  },
  {
    direction: "parameter_grad",
    title: "Parameter gradients",
    order: "as the backward pass makes them",
  },
  {
    direction: "parameter",
    title: "Parameters",
    order: "shared by both sides, at the start of the step",
  },
  { direction: "buffer", title: "Buffers", order: "after the step" },
];

/** What of a step's sites is listed. */
export interface TraceFilter {
  /** Words that must all occur in the module, its type, the slot or the value's name. */
  text: string;
  divergentOnly: boolean;
}

/**
 * Sites that pass the filter, in sections, each in its own execution order.
 *
 * @param open Whose values inside are listed; a filter lists all that pass it.
 */
export function traceItems(
  rows: readonly TraceRow[],
  filter: TraceFilter,
  open: Unfolded = NOTHING_UNFOLDED,
): TraceItem[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const isOpen = (key: string) => words.length > 0 || open === "all" || open.has(key);
  return SECTIONS.flatMap(({ direction }) => {
    const own = rows.filter((row) => row.direction === direction && passes(row, words, filter));
    if (own.length === 0) return [];
    const outputs = own.filter((row) => !isInner(row));
    const heading: TraceItem = {
      kind: "section",
      direction,
      count: outputs.length,
      innerCount: own.length - outputs.length,
      verdicts: countVerdicts(outputs),
    };
    const site = (row: TraceRow): TraceItem => ({ kind: "site", row });
    const below = foldInner(own).flatMap((each): TraceItem[] => {
      if (!("rows" in each)) return [site(each)];
      const fold: TraceItem = { kind: "fold", group: each, open: isOpen(each.key) };
      return fold.open ? [fold, ...each.rows.map(site)] : [fold];
    });
    return [heading, ...below];
  });
}

export function countVerdicts(rows: readonly TraceRow[]): VerdictCounts {
  const counts: VerdictCounts = { equal: 0, rounding: 0, divergent: 0, not_comparable: 0 };
  for (const row of rows) counts[row.verdict] += 1;
  return counts;
}

/** Index of a site among the items; -1 when it is filtered out. */
export function itemOfSite(items: readonly TraceItem[], siteId: string | null): number {
  if (siteId === null) return -1;
  return items.findIndex((item) => item.kind === "site" && item.row.site_id === siteId);
}

/** Index of a module's first site, forward ones before others; -1 when it has none. */
export function itemOfModule(items: readonly TraceItem[], module: string | null): number {
  if (module === null) return -1;
  const ofModule = (item: TraceItem) => item.kind === "site" && item.row.module === module;
  const forward = items.findIndex(
    (item) => ofModule(item) && item.kind === "site" && item.row.direction === "forward",
  );
  return forward >= 0 ? forward : items.findIndex(ofModule);
}

/** Index of the first site in a module or its children, forward ones before others; else -1. */
export function itemWithin(items: readonly TraceItem[], module: string | null): number {
  if (module === null) return -1;
  const within = (item: TraceItem) => item.kind === "site" && isWithin(item.row.module, module);
  const forward = items.findIndex(
    (item) => within(item) && item.kind === "site" && item.row.direction === "forward",
  );
  return forward >= 0 ? forward : items.findIndex(within);
}

const HOOK_WORDS: Record<string, string> = { forward: "forward", full_backward: "backward" };

/** The times of a site's module in its call: `forward 0.31 ms`; pre hooks have none. */
export function hookTimes(hooks: readonly HookRow[], row: TraceRow): string[] {
  return hooks
    .filter((hook) => hook.module === row.module && hook.call === row.call)
    .filter((hook) => hook.duration_secs !== null && hook.kind in HOOK_WORDS)
    .map((hook) => `${HOOK_WORDS[hook.kind]} ${formatDuration(hook.duration_secs)}`);
}

function passes(row: TraceRow, words: readonly string[], filter: TraceFilter): boolean {
  if (filter.divergentOnly && row.verdict !== "divergent" && row.origin !== "here") return false;
  const text = `${row.module} ${row.module_type} ${row.slot} ${row.value_name} ${row.site_id}`;
  return words.every((word) => text.toLowerCase().includes(word));
}
