import type { StatsCell, TraceRow } from "../../protocol";
import { formatNumber, formatShape, formatShortCount } from "../shared/format";

/** The columns each side has beside the count of what is not finite. */
export const STAT_COLUMNS = [
  { key: "minimum", label: "min", title: "Least finite element" },
  { key: "maximum", label: "max", title: "Largest finite element" },
  { key: "mean", label: "mean", title: "Mean of the finite elements" },
  { key: "std", label: "std", title: "Population standard deviation of the finite elements" },
] as const;

export type StatColumn = (typeof STAT_COLUMNS)[number];

/** NaN and infinite elements of a cell: `0`, or for example `3 NaN 1 ∞`. */
export function nonfiniteText(cell: StatsCell): string {
  const parts: string[] = [];
  if (cell.nan_count > 0) parts.push(`${formatShortCount(cell.nan_count)} NaN`);
  if (cell.inf_count > 0) parts.push(`${formatShortCount(cell.inf_count)} ∞`);
  return parts.length === 0 ? "0" : parts.join(" ");
}

export function hasNonfinite(cell: StatsCell): boolean {
  return cell.nan_count > 0 || cell.inf_count > 0;
}

const STATUS_WORDS: Record<Exclude<StatsCell["status"], "captured">, string> = {
  fused_away: "fused away",
  never_called: "not called in this step",
  no_gradient: "no gradient (None)",
  not_captured: "not captured",
};

/** Why a side has no numbers; empty when it has. */
export function statusText(cell: StatsCell): string {
  return cell.status === "captured" ? "" : STATUS_WORDS[cell.status];
}

/** Shape and dtype of both sides: one where they agree, else eager → ORT. */
export function pairText(row: TraceRow, read: (cell: StatsCell) => string): string {
  const texts = [row.reference, row.candidate]
    .filter((cell) => cell.status === "captured")
    .map(read);
  return [...new Set(texts)].join(" → ") || "–";
}

export const shapeText = (row: TraceRow) => pairText(row, (cell) => formatShape(cell.shape));
export const dtypeText = (row: TraceRow) => pairText(row, (cell) => cell.dtype);

export function statText(cell: StatsCell, key: StatColumn["key"]): string {
  return formatNumber(cell[key]);
}
