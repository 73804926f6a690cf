import type { GraphStructure } from "../structure";
import type { LegendRow } from "../types";
import { BLANK, type Theme } from "./colours";
import type { OverlayAnswer } from "./ranges";

/** What a step recorded, by value. A *row* is a recorded tensor: a place in all columns. */
export class Recorded {
  readonly count: number;
  readonly values: ArrayLike<number>;
  readonly verdict: ArrayLike<number>;
  readonly bornHere: ArrayLike<number>;
  readonly relError: ArrayLike<number>;
  readonly referenceNorm: ArrayLike<number>;
  readonly candidateNorm: ArrayLike<number>;
  readonly referenceNonfinite: ArrayLike<number>;
  readonly candidateNonfinite: ArrayLike<number>;
  readonly backward: ArrayLike<number>;
  readonly #rowOf: Int32Array;

  constructor(
    readonly structure: GraphStructure,
    readonly answer: OverlayAnswer,
  ) {
    this.values = answer.value.values;
    this.count = this.values.length;
    this.verdict = answer.verdict.values;
    this.bornHere = answer.born_here.values;
    this.relError = answer.max_rel_error.values;
    this.referenceNorm = answer.reference_norm.values;
    this.candidateNorm = answer.candidate_norm.values;
    this.referenceNonfinite = answer.reference_nonfinite.values;
    this.candidateNonfinite = answer.candidate_nonfinite.values;
    this.backward = answer.backward.values;
    this.#rowOf = new Int32Array(structure.valueCount).fill(-1);
    for (let row = 0; row < this.count; row += 1) this.#rowOf[this.values[row] as number] = row;
  }

  /** The row of a value; −1 where it was not recorded. */
  rowOf(value: number): number {
    return this.#rowOf[value] ?? -1;
  }

  /** The node that makes a row's tensor. */
  nodeOf(row: number): number {
    return this.structure.producer(this.values[row] as number);
  }

  /** The rows of the tensors that go along a line. */
  *rowsOn(edges: Int32Array): Generator<number> {
    for (const edge of edges) {
      const row = this.rowOf(this.structure.edgeValue[edge] as number);
      if (row >= 0) yield row;
    }
  }

  /** ORT's norm, eager's where ORT's is not known; NaN where neither is. */
  norm(row: number): number {
    const own = this.candidateNorm[row] as number;
    return Number.isNaN(own) ? (this.referenceNorm[row] as number) : own;
  }

  /** Whether a side has any NaN or infinite element; null where it was not recorded. */
  nonfinite(row: number, side: "reference" | "candidate"): number | null {
    const [counts, norms] =
      side === "reference"
        ? [this.referenceNonfinite, this.referenceNorm]
        : [this.candidateNonfinite, this.candidateNorm];
    const count = counts[row] as number;
    return count === 0 && Number.isNaN(norms[row] as number) ? null : count;
  }

  /** The row of the legend for what the step knows nothing of. */
  unrecorded(theme: Theme, label = "not recorded"): LegendRow[] {
    const missing = this.structure.valueCount - this.count;
    if (missing <= 0) return [];
    return [
      { color: BLANK[theme], mark: "", label: `${label}: ${missing.toLocaleString("en-US")}` },
    ];
  }
}
