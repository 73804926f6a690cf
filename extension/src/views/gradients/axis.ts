import type { Answer } from "../../protocol";
import { toNumber, type WireFloat } from "../../protocol";

export type GradientRow = Answer<"gradients">["rows"][number];

/** A log axis over whole decades. */
export interface LogAxis {
  /** Exponent of 10 at the left and right end. */
  low: number;
  high: number;
}

/** Decades shown at least, so that rounding does not fill the chart. */
const DECADES_MIN = 3;

/** The whole decades that hold all positive finite values; null when there are none. */
export function logAxis(values: Iterable<WireFloat>): LogAxis | null {
  let least = Number.POSITIVE_INFINITY;
  let largest = 0;
  for (const value of values) {
    const number = toNumber(value);
    if (number === null || !Number.isFinite(number) || number <= 0) continue;
    least = Math.min(least, number);
    largest = Math.max(largest, number);
  }
  if (largest === 0) return null;
  let low = Math.floor(Math.log10(least));
  let high = Math.ceil(Math.log10(largest));
  while (high - low < DECADES_MIN) {
    if ((high - low) % 2 === 0) low -= 1;
    else high += 1;
  }
  return { low, high };
}

/** Where a value lies between the ends, 0 to 1; null where a log axis has no place for it. */
export function axisShare(axis: LogAxis, value: WireFloat): number | null {
  const number = toNumber(value);
  if (number === null || !Number.isFinite(number) || number <= 0) return null;
  const share = (Math.log10(number) - axis.low) / (axis.high - axis.low);
  return Math.min(1, Math.max(0, share));
}

/** Exponents that get a label: all, or every second, third … when there are many. */
export function axisTicks(axis: LogAxis, mostLabels: number): number[] {
  const decades = axis.high - axis.low;
  const every = Math.max(1, Math.ceil(decades / Math.max(1, mostLabels - 1)));
  const ticks: number[] = [];
  for (let exponent = axis.low; exponent <= axis.high; exponent += every) ticks.push(exponent);
  return ticks;
}

/** States that have no place on a log axis, each with a lane of its own beside it. */
export const SPECIAL_STATES = [
  { state: "none", label: "None", title: "No gradient: .grad is None" },
  { state: "zero", label: "0", title: "All elements are exactly 0" },
  { state: "nan", label: "NaN", title: "At least one element is NaN" },
  { state: "inf", label: "∞", title: "At least one element is infinite" },
] as const;

/** Last part of a norm's text where there is no number to show. */
export function stateWord(state: GradientRow["reference_state"]): string {
  if (state === "not_captured") return "not captured";
  return SPECIAL_STATES.find((special) => special.state === state)?.label ?? "";
}
