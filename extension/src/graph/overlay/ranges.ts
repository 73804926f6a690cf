import type { Answer } from "../../protocol";

export type OverlayAnswer = Answer<"graph_overlay">;
export type NormKind = "activation" | "gradient";

/** Numbers far below the largest are all painted as the least: rounding, not signal. */
const MOST_DECADES = 8;
/** So many of a hundred norms of a step may lie below the scale, so that few do not stretch it. */
const BELOW_SHARE = 0.05;

/** A scale of whole powers of ten. */
export class LogRange {
  /** @param low The least is `10 ** low`; `high` likewise. */
  constructor(
    readonly low: number,
    readonly high: number,
  ) {}

  /** Around finite positive numbers. */
  static around(least: number, most: number): LogRange {
    const high = Math.ceil(Math.log10(most));
    const low = Math.max(Math.floor(Math.log10(least)), high - MOST_DECADES);
    return new LogRange(low, Math.max(high, low + 1));
  }

  /** Where a number lies, from 0 to 1; 0 for zero, NaN for NaN. */
  share(value: number): number {
    if (value <= 0) return 0;
    const share = (Math.log10(value) - this.low) / (this.high - this.low);
    return Math.min(Math.max(share, 0), 1);
  }

  /** The number at a share. */
  at(share: number): number {
    return 10 ** (this.low + share * (this.high - this.low));
  }
}

interface Extent {
  least: number;
  most: number;
}

/**
 * What norms there were in all steps that were looked at, so that a colour means the same in each
 * of them: ranges grow, in whole powers of ten, and never shrink while steps are played.
 */
export class RunRanges {
  readonly #seen = new Set<string>();
  readonly #steps = new Set<number>();
  readonly #extents: Partial<Record<NormKind, Extent>> = {};

  /** How many steps were looked at. */
  get stepCount(): number {
    return this.#steps.size;
  }

  /**
   * Take in a step.
   *
   * @param stage Tells the stage it is of.
   * @returns Whether a range has changed.
   */
  see(stage: string, step: OverlayAnswer): boolean {
    const key = `${stage}/${step.step}`;
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    this.#steps.add(step.step);
    const before = JSON.stringify([this.range("activation"), this.range("gradient")]);
    this.#widen("activation", norms(step, 0));
    this.#widen("gradient", norms(step, 1));
    return before !== JSON.stringify([this.range("activation"), this.range("gradient")]);
  }

  /** The scale of norms so far; null before any that is finite and not zero. */
  range(kind: NormKind): LogRange | null {
    const extent = this.#extents[kind];
    return extent === undefined ? null : LogRange.around(extent.least, extent.most);
  }

  #widen(kind: NormKind, sorted: Float64Array): void {
    const least = sorted[Math.floor(sorted.length * BELOW_SHARE)];
    const most = sorted[sorted.length - 1];
    if (least === undefined || most === undefined) return;
    const extent = this.#extents[kind];
    this.#extents[kind] = {
      least: Math.min(extent?.least ?? least, least),
      most: Math.max(extent?.most ?? most, most),
    };
  }
}

/** The finite positive norms of one pass, both sides, ascending. */
function norms(step: OverlayAnswer, backward: 0 | 1): Float64Array {
  const passes = step.backward.values;
  const found: number[] = [];
  for (const { values } of [step.candidate_norm, step.reference_norm]) {
    for (let row = 0; row < values.length; row += 1) {
      const value = values[row] as number;
      if (passes[row] === backward && value > 0 && Number.isFinite(value)) found.push(value);
    }
  }
  return Float64Array.from(found).sort();
}
