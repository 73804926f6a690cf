import type { MaskedLossName } from "../../protocol";
import type { RequestCache } from "../../state";
import { binOf, type Losses, type MaskMap, maskedAt } from "./series";

/** A cell of the map: its row, and any step within its column. */
export interface Cell {
  row: number;
  step: number;
}

/**
 * The first step in a cell's bin at which an element of its row was masked; null for a cell
 * without any. Where the bin cannot be opened, the first step of it at which any element was.
 */
export async function maskedStep(
  cache: RequestCache,
  losses: Losses,
  map: MaskMap,
  cell: Cell,
): Promise<number | null> {
  const column = binOf(map.steps.values, map.steps_per_bin, Math.floor(cell.step));
  const first = column === null ? undefined : map.steps.values[column];
  if (column === null || first === undefined || !isMasked(map, cell.row, column)) return null;
  if (map.steps_per_bin === 1) return first;
  const last = first + map.steps_per_bin - 1;
  const range = { loss: map.loss, first_step: first, last_step: last };
  const detail = cache.resource("mask_map", range);
  await cache.load(detail);
  const opened = detail.data.peek();
  const found = opened && opened.steps_per_bin === 1 ? firstInRow(opened, map, cell.row) : null;
  return found ?? firstAnywhere(losses, map.loss, first, last) ?? first;
}

function firstInRow(opened: MaskMap, map: MaskMap, row: number): number | null {
  const sameRow = opened.positions.indexOf(map.positions[row] ?? "");
  if (sameRow < 0) return null;
  const columns = opened.steps.values.length;
  for (let column = 0; column < columns; column += 1) {
    if (isMasked(opened, sameRow, column)) return opened.steps.values[column] ?? null;
  }
  return null;
}

function isMasked(map: MaskMap, row: number, column: number): boolean {
  return (map.codes.values[row * map.steps.values.length + column] ?? 0) > 0;
}

function firstAnywhere(
  losses: Losses,
  loss: MaskedLossName,
  first: number,
  last: number,
): number | null {
  for (let step = first; step <= last; step += losses.steps_per_bin) {
    const counts = maskedAt(losses, loss, step);
    if (counts && counts.nan + counts.posinf + counts.neginf > 0) return step;
  }
  return null;
}
