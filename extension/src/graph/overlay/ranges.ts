import type { Answer } from "../../protocol";

export type OverlayAnswer = Answer<"graph_overlay">;
export type NormKind = "activation" | "gradient";

/** Numbers far below the largest are all painted as the least: rounding, not signal. */
const MOST_DECADES = 12;

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
    const backward = step.backward.values;
    for (const side of [step.candidate_norm.values, step.reference_norm.values]) {
      for (let row = 0; row < side.length; row += 1) {
        this.#widen(backward[row] === 1 ? "gradient" : "activation", side[row] as number);
      }
    }
    return before !== JSON.stringify([this.range("activation"), this.range("gradient")]);
  }

  /** The scale of norms so far; null before any that is finite and not zero. */
  range(kind: NormKind): LogRange | null {
    const extent = this.#extents[kind];
    return extent === undefined ? null : LogRange.around(extent.least, extent.most);
  }

  #widen(kind: NormKind, value: number): void {
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) return;
    const extent = this.#extents[kind];
    if (extent === undefined) this.#extents[kind] = { least: value, most: value };
    else {
      extent.least = Math.min(extent.least, value);
      extent.most = Math.max(extent.most, value);
    }
  }
}
