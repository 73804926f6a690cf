import { type Answer, toNumber } from "../../protocol";
import { type ModuleNode, visibleModules } from "../../state";
import { formatShape } from "../shared/format";

/** One recorded call of a module. */
export interface ModuleCall {
  /** Counted from 0. */
  call: number;
  /** Dtype and shape of its first output; empty where none was captured. */
  output: string;
  /** The same for a narrow column: `f32 4×12`. */
  short: string;
  /** How long it took in the eager run; null where that was not recorded. */
  secs: number | null;
}

/** A line of the module tree: a module, or one of its calls where there were several. */
export interface ModuleTreeRow {
  node: ModuleNode;
  call: ModuleCall | null;
}

/** The calls of each module at a step, in their order. */
export function moduleCalls(traces: Answer<"traces"> | null): Map<string, ModuleCall[]> {
  const calls = new Map<string, ModuleCall[]>();
  for (const row of traces?.rows ?? []) {
    if (row.direction !== "forward" || row.slot !== "out0") continue;
    const { shape, dtype } = row.reference.shape === null ? row.candidate : row.reference;
    const own = calls.get(row.module);
    const output = shape === null ? "" : `${dtype} ${formatShape(shape)}`;
    const short = shape === null ? "" : `${shortDtype(dtype)} ${shape.join("×")}`.trim();
    const made = { call: row.call, output, short, secs: secsOf(traces, row.module, row.call) };
    if (own === undefined) calls.set(row.module, [made]);
    else own.push(made);
  }
  return calls;
}

/** Modules on screen, and under an open module that was called several times, its calls. */
export function treeRows(
  root: ModuleNode | null,
  open: ReadonlySet<string>,
  calls: ReadonlyMap<string, readonly ModuleCall[]>,
): ModuleTreeRow[] {
  if (root === null) return [];
  return visibleModules(root, open).flatMap((node) => {
    const own = calls.get(node.row.name) ?? [];
    const listed = own.length > 1 && open.has(node.row.name) ? own : [];
    return [{ node, call: null }, ...listed.map((call) => ({ node, call }))];
  });
}

/** For example `f32`, `bf16`, `i64`. */
function shortDtype(dtype: string): string {
  return dtype
    .replace(/^bfloat/, "bf")
    .replace(/^float/, "f")
    .replace(/^(u?)int/, "$1i");
}

function secsOf(traces: Answer<"traces"> | null, module: string, call: number): number | null {
  for (const event of traces?.hook_events ?? []) {
    if (event.module !== module || event.call !== call) continue;
    const secs = toNumber(event.duration_secs);
    if (secs !== null && Number.isFinite(secs)) return secs;
  }
  return null;
}
