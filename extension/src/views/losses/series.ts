import type { Answer, ColumnArray, LossName, MaskedLossName, SideName } from "../../protocol";
import { indexAtOrBefore } from "../../state";
import { KIND_WORDS } from "./kinds";

export type Losses = Answer<"losses">;
export type MaskMap = Answer<"mask_map">;

const NAMES: Record<Exclude<LossName, "user">, string> = {
  mae: "MAE",
  mape: "MAPE",
  smape: "sMAPE",
};

/** A loss for a person; the user's own loss by its class name. */
export function lossLabel(loss: LossName, trainsWith: string): string {
  return loss === "user" ? trainsWith || "training loss" : NAMES[loss];
}

/** The recorded loss the user trains with; null when unknown. */
export function mainLoss(losses: Losses): LossName | null {
  const name = losses.trains_with.toLowerCase();
  if (name === "mae" || name === "mape" || name === "smape") return name;
  return losses.series.some((series) => series.loss === "user") ? "user" : null;
}

/**
 * The losses that have a lane: those with any value or mark, the user's own one first unless it is
 * one of the three.
 */
export function shownLosses(losses: Losses): LossName[] {
  const three: LossName[] = ["mae", "mape", "smape"];
  const all: LossName[] = mainLoss(losses) === "user" ? ["user", ...three] : three;
  return all.filter((loss) => losses.series.some((series) => series.loss === loss));
}

/** Whether elements were looked at for masks: the three losses are computed together or not. */
export function masksKnown(losses: Losses): boolean {
  return losses.series.some((series) => series.loss !== "user");
}

/** Whether any loss has a finite value at a step (or in its bin). */
export function seenAt(losses: Losses, step: number): boolean {
  return losses.series.some((series) => {
    const value = valueAt(losses, series.last.values, step);
    return value !== null && Number.isFinite(value);
  });
}

/** What the absence of a mark means at a step; where nothing was looked at it says so. */
export function unmarkedText(losses: Losses, step: number): string {
  if (!seenAt(losses, step)) {
    return losses.steps_per_bin > 1 ? "no loss seen in these steps" : "no loss seen at this step";
  }
  // Marks come first to last; beyond the last one sent nothing is known when some were left out.
  const known = losses.marks_left_out_count === 0 || step <= (losses.marks.at(-1)?.step ?? -1);
  return known ? "all finite" : "more marks: zoom in";
}

export function findSeries(losses: Losses, loss: LossName, side: SideName) {
  return losses.series.find((series) => series.loss === loss && series.side === side) ?? null;
}

/** The value of a curve at a step; null where none is recorded, or the step is out of range. */
export function valueAt(losses: Losses, values: ColumnArray, step: number): number | null {
  const index = binOf(losses.steps.values, losses.steps_per_bin, step);
  const value = index === null ? undefined : values[index];
  return value === undefined ? null : value;
}

/** The numbers of a loss that its lane draws, both sides. */
export function laneColumns(losses: Losses, loss: LossName): ColumnArray[] {
  return losses.series
    .filter((series) => series.loss === loss)
    .flatMap(({ last, minimum }) => [last.values, minimum.values]);
}

/** What stands in for a value that is not finite: the mark of that step, if there is one. */
export function markAt(losses: Losses, what: LossName, side: SideName, step: number) {
  const index = binOf(losses.steps.values, losses.steps_per_bin, step);
  const first = index === null ? undefined : losses.steps.values[index];
  if (first === undefined) return null;
  const last = first + losses.steps_per_bin;
  return (
    losses.marks.find(
      (mark) => mark.what === what && mark.side === side && mark.step >= first && mark.step < last,
    ) ?? null
  );
}

/** What was not finite at a step (or in its bin), each thing once: `gradient NaN`. */
export function marksAt(losses: Losses, step: number): string[] {
  const index = binOf(losses.steps.values, losses.steps_per_bin, step);
  const first = index === null ? undefined : losses.steps.values[index];
  if (first === undefined) return [];
  const own = losses.marks.filter(
    (mark) => mark.step >= first && mark.step < first + losses.steps_per_bin,
  );
  const texts = own.map((mark) => {
    const what = mark.what === "gradient" ? "gradient" : lossLabel(mark.what, losses.trains_with);
    return `${what} ${KIND_WORDS[mark.kind]}`;
  });
  return [...new Set(texts)].sort((a, b) => rank(a) - rank(b));
}

/** The gradient first: it is what spoils the weights. */
function rank(text: string): number {
  return text.startsWith("gradient") ? 0 : 1;
}

/** Masked elements of a loss at a step (or its bin): NaN, +inf, −inf. */
export function maskedAt(
  losses: Losses,
  loss: MaskedLossName,
  step: number,
): { nan: number; posinf: number; neginf: number } | null {
  const counts = losses.masked.find((row) => row.loss === loss);
  const index = binOf(losses.steps.values, losses.steps_per_bin, step);
  if (counts === undefined || index === null) return null;
  return {
    nan: counts.nan.values[index] ?? 0,
    posinf: counts.posinf.values[index] ?? 0,
    neginf: counts.neginf.values[index] ?? 0,
  };
}

/** Whether any element of either loss was masked anywhere in these bins. */
export function anythingMasked(losses: Losses): boolean {
  return losses.masked.some(({ nan, posinf, neginf }) =>
    [nan, posinf, neginf].some((column) => column.values.some((count) => count > 0)),
  );
}

/** Index of the bin that holds a step; null when none does. */
export function binOf(steps: ColumnArray, stepsPerBin: number, step: number): number | null {
  const index = indexAtOrBefore(steps, step);
  const first = steps[index];
  return first !== undefined && step < first + stepsPerBin ? index : null;
}

/** Where a log axis, which has no 0, draws exact zeros: a decade below the least positive value. */
export function zeroFloor(columns: readonly ColumnArray[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const values of columns) {
    for (const value of values) if (value > 0 && value < least) least = value;
  }
  return Number.isFinite(least) ? 10 ** (Math.floor(Math.log10(least)) - 1) : 1e-12;
}

/** Values for a log axis: a loss of exactly 0 stays visible, at the axis's own mark for it. */
export function forLogAxis(values: ColumnArray, floor: number): Float64Array {
  return Float64Array.from(values, (value) => (value === 0 ? floor : value));
}

/** Marks of a log axis with zeros on it: `0` at the floor, then every decade up to the largest. */
export function ticksWithZero(
  columns: readonly ColumnArray[],
  mostLabels: number,
): { tickvals: number[]; ticktext: string[] } | null {
  if (!columns.some((values) => values.includes(0))) return null;
  const floor = zeroFloor(columns);
  let largest = floor;
  for (const values of columns) for (const value of values) if (value > largest) largest = value;
  const low = Math.round(Math.log10(floor)) + 1;
  const high = Math.max(low, Math.floor(Math.log10(largest)));
  const every = Math.max(1, Math.ceil((high - low + 1) / Math.max(1, mostLabels - 1)));
  const exponents: number[] = [];
  for (let exponent = high; exponent >= low; exponent -= every) exponents.unshift(exponent);
  return {
    tickvals: [floor, ...exponents.map((exponent) => 10 ** exponent)],
    ticktext: ["0", ...exponents.map(decadeText)],
  };
}

function decadeText(exponent: number): string {
  if (exponent < -3 || exponent > 4) return `1e${exponent}`.replace("-", "−");
  return String(Number((10 ** exponent).toPrecision(1)));
}
