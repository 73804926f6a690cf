import type { ColumnArray } from "../protocol";

/** Index of the last entry that is at most `step`; -1 when all are greater. Sorted input. */
export function indexAtOrBefore(steps: ArrayLike<number>, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as number) <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The sampled step that stands for `step`: itself, else the last one before it, else the first. */
export function sampledStepFor(sampled: ColumnArray, step: number): number | null {
  if (sampled.length === 0) return null;
  return sampled[Math.max(0, indexAtOrBefore(sampled, step))] ?? null;
}

/** The next sampled step in a direction; null at the end. */
export function neighbourStep(
  sampled: ColumnArray,
  step: number,
  direction: 1 | -1,
): number | null {
  const index = indexAtOrBefore(sampled, step);
  const exact = sampled[index] === step;
  const target = direction === 1 ? index + 1 : exact ? index - 1 : index;
  return sampled[target] ?? null;
}
