/** Answers to `graph_overlay` made of rows, for what colours graphs. */
import type { OverlayAnswer } from "../../src/graph/overlay";

/** A recorded tensor; what is left out is equal, of norm 1 and finite on both sides. */
export interface Row {
  value: number;
  verdict?: 0 | 1 | 2 | 3;
  born?: boolean;
  error?: number;
  /** Norms of eager and ORT; NaN for not recorded. */
  norms?: [number, number];
  /** NaN and infinite elements of eager and ORT. */
  nonfinite?: [number, number];
  backward?: boolean;
}

export function recordedStep(
  rows: readonly Row[],
  times: readonly [node: number, secs: number][] = [],
  step = 4,
  notes: string[] = [],
): OverlayAnswer {
  const ints = (values: number[]) => ({ values: Int32Array.from(values), shape: [values.length] });
  const bytes = (values: number[]) => ({ values: Uint8Array.from(values), shape: [values.length] });
  const floats = (values: number[]) => ({
    values: Float64Array.from(values),
    shape: [values.length],
  });
  const column = (of: (row: Row) => number) => rows.map(of);
  return {
    step,
    value: ints(column(({ value }) => value)),
    site_ids: { text: bytes([]), ends: ints(column(() => 0)) },
    verdict: bytes(column(({ verdict = 0 }) => verdict)),
    born_here: bytes(column(({ born = false }) => Number(born))),
    max_abs_error: floats(column(({ error = 0 }) => error)),
    max_rel_error: floats(column(({ error = 0 }) => error)),
    reference_norm: floats(column(({ norms = [1, 1] }) => norms[0])),
    candidate_norm: floats(column(({ norms = [1, 1] }) => norms[1])),
    reference_nonfinite: ints(column(({ nonfinite = [0, 0] }) => nonfinite[0])),
    candidate_nonfinite: ints(column(({ nonfinite = [0, 0] }) => nonfinite[1])),
    backward: bytes(column(({ backward = false }) => Number(backward))),
    timed_node: ints(times.map(([node]) => node)),
    node_secs: floats(times.map(([, secs]) => secs)),
    notes: [],
    time_notes: notes,
  };
}
