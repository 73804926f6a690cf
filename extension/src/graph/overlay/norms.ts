import type { EdgePaint, ItemPaint, LegendRow, Overlay, PlacedEdge } from "../types";
import { BLANK, type OverlayColours, sequential } from "./colours";
import { foldGroups, larger } from "./fold";
import { plural, short } from "./numbers";
import { assemble } from "./parts";
import type { LogRange, NormKind, RunRanges } from "./ranges";
import type { Recorded } from "./recorded";

const UNRECORDED = "not recorded";
/** Screen px of a line whose norm is the least and the largest of the scale. */
const THINNEST = 0.75;
const THICKEST = 4.5;
const STOPS = [1, 0.75, 0.5, 0.25, 0];
/** Beside a norm: it leaves out elements that are NaN or infinite. */
const PARTLY = " !";

/** Norms of what flows forward, or of gradients; also the width of the lines. */
export function normOverlay(
  recorded: Recorded,
  kind: NormKind,
  ranges: RunRanges,
  colours: OverlayColours,
): Overlay {
  const painter = new NormPainter(recorded, kind, ranges.range(kind), colours);
  return assemble({
    name: kind,
    legend: [...painter.legend(), ...recorded.unrecorded(colours.theme, UNRECORDED)],
    blank: BLANK[colours.theme],
    notes: notesOf(kind, ranges, painter),
    node: (node) => painter.node(node),
    group: (group) => painter.group(group),
    edge: (edge) => painter.edge(edge),
  });
}

class NormPainter {
  readonly counts = { shown: 0, zero: 0, partly: 0, nothing: 0 };
  readonly #norms: Float64Array;
  readonly #bad: Float64Array;
  readonly #normsIn: Float64Array;
  readonly #badIn: Float64Array;

  constructor(
    readonly recorded: Recorded,
    readonly kind: NormKind,
    readonly range: LogRange | null,
    readonly colours: OverlayColours,
  ) {
    const { structure } = recorded;
    this.#norms = new Float64Array(structure.nodeCount).fill(Number.NaN);
    this.#bad = new Float64Array(structure.nodeCount);
    for (let row = 0; row < recorded.count; row += 1) this.#take(row);
    this.#normsIn = foldGroups(structure, this.#norms, Number.NaN, larger);
    this.#badIn = foldGroups(structure, this.#bad, 0, larger);
  }

  node(node: number): ItemPaint | null {
    return this.#paint(this.#norms[node], this.#bad[node]);
  }

  group(group: number): ItemPaint | null {
    return this.#paint(this.#normsIn[group], this.#badIn[group]);
  }

  edge({ edges }: PlacedEdge): EdgePaint | null {
    let norm = Number.NaN;
    let bad = false;
    for (const row of this.recorded.rowsOn(edges)) {
      if (!this.#mine(row)) continue;
      norm = larger(norm, this.recorded.norm(row));
      bad ||= badness(this.recorded, row) > 0;
    }
    if (Number.isNaN(norm)) return bad ? { color: this.colours.look, width: THICKEST } : null;
    const share = this.range?.share(norm) ?? 0;
    const color = bad ? this.colours.look : sequential(this.colours.theme, share);
    return { color, width: THINNEST + (THICKEST - THINNEST) * share };
  }

  legend(): LegendRow[] {
    const { theme, look } = this.colours;
    const { range, counts } = this;
    const rows: LegendRow[] = [];
    if (range !== null) {
      for (const stop of STOPS) {
        const label = short(range.at(stop));
        const ends = stop === 1 ? `${label} and more` : stop === 0 ? `${label} and less` : label;
        rows.push({ color: sequential(theme, stop), mark: "", label: ends });
      }
    }
    const also = (count: number, color: string, mark: string, label: string) => {
      if (count > 0) rows.push({ color, mark, label: `${label}: ${plural(count, "tensor")}` });
    };
    also(counts.zero, sequential(theme, 0), "0", "all zero");
    also(counts.partly, look, `…${PARTLY}`, "partly NaN or infinite");
    also(counts.nothing, look, "NaN", "no finite element");
    return rows;
  }

  #mine(row: number): boolean {
    return (this.recorded.backward[row] === 1) === (this.kind === "gradient");
  }

  #take(row: number): void {
    if (!this.#mine(row)) return;
    const norm = this.recorded.norm(row);
    const bad = badness(this.recorded, row);
    if (Number.isNaN(norm) && bad === 0) return;
    const { counts } = this;
    counts.shown += 1;
    if (Number.isNaN(norm)) counts.nothing += 1;
    else if (bad > 0) counts.partly += 1;
    else if (norm === 0) counts.zero += 1;
    const node = this.recorded.nodeOf(row);
    this.#norms[node] = larger(this.#norms[node] as number, norm);
    this.#bad[node] = larger(this.#bad[node] as number, bad);
  }

  #paint(norm = Number.NaN, bad = 0): ItemPaint | null {
    const { theme, look } = this.colours;
    if (Number.isNaN(norm)) return bad > 0 ? { fill: look, mark: "NaN" } : null;
    if (bad > 0) return { fill: look, mark: `${short(norm)}${PARTLY}` };
    return { fill: sequential(theme, this.range?.share(norm) ?? 0), mark: short(norm) };
  }
}

/** How many elements of the side whose norm is shown have none. */
function badness(recorded: Recorded, row: number): number {
  return recorded.nonfinite(row, "candidate") ?? recorded.nonfinite(row, "reference") ?? 0;
}

function notesOf(kind: NormKind, ranges: RunRanges, { counts }: NormPainter): string[] {
  const what = kind === "gradient" ? "gradients" : "what flows forward";
  const notes = [
    `L2 norms of ${what} in ORT, or eager's where ORT has none: ${plural(counts.shown, "tensor")}. Boxes show the largest.`,
  ];
  if (counts.shown > 0) {
    notes.push(`Scale of the ${plural(ranges.stepCount, "step")} seen so far; it only grows.`);
  }
  return notes;
}
