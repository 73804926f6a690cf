import type { EdgePaint, ItemPaint, LegendRow, Overlay, PlacedEdge } from "../types";
import { BLANK, CALM, type OverlayColours } from "./colours";
import { foldGroups, larger, sum } from "./fold";
import { assemble } from "./parts";
import type { Recorded } from "./recorded";

/** What is known of a tensor's NaN and infinite elements, from harmless to bad. */
const NONE = -1;
const FINITE = 0;
const EAGER_ONLY = 1;
const ORT_ONLY = 2;
const PRESENT = 3;

const LABELS = [
  "all finite",
  "in eager PyTorch only",
  "in ONNX Runtime only",
  "on both sides, or the other was not recorded",
];

/** NaN and infinite elements, eager left, ORT right. */
export function nonfiniteOverlay(recorded: Recorded, colours: OverlayColours): Overlay {
  const { structure } = recorded;
  const kinds = new Float64Array(structure.nodeCount).fill(NONE);
  const eager = new Float64Array(structure.nodeCount).fill(Number.NaN);
  const ort = eager.slice();
  for (let row = 0; row < recorded.count; row += 1) {
    const node = recorded.nodeOf(row);
    kinds[node] = larger(kinds[node] as number, kindOf(recorded, row));
    add(eager, node, recorded.nonfinite(row, "reference"));
    add(ort, node, recorded.nonfinite(row, "candidate"));
  }
  const kindsIn = foldGroups(structure, kinds, NONE, larger);
  const eagerIn = foldGroups(structure, eager, Number.NaN, known);
  const ortIn = foldGroups(structure, ort, Number.NaN, known);
  const fills = fillsOf(colours);
  const paint = (kind = NONE, left = Number.NaN, right = Number.NaN): ItemPaint | null => {
    if (kind === NONE) return null;
    const mark = kind === FINITE ? "" : `${text(left)} | ${text(right)}`;
    return { fill: fills[kind] as string, mark };
  };
  return assemble({
    name: "nonfinite",
    legend: [...legendOf(recorded, fills), ...recorded.unrecorded(colours.theme)],
    blank: BLANK[colours.theme],
    notes: ["Boxes count NaN and infinite elements, eager | ORT."],
    node: (node) => paint(kinds[node], eager[node], ort[node]),
    group: (group) => paint(kindsIn[group], eagerIn[group], ortIn[group]),
    edge: (edge) => edgePaint(recorded, edge, fills),
  });
}

function kindOf(recorded: Recorded, row: number): number {
  const eager = recorded.nonfinite(row, "reference");
  const ort = recorded.nonfinite(row, "candidate");
  if (eager === null && ort === null) return NONE;
  if (!eager && !ort) return FINITE;
  if (eager && ort === 0) return EAGER_ONLY;
  if (ort && eager === 0) return ORT_ONLY;
  return PRESENT;
}

function add(counts: Float64Array, node: number, count: number | null): void {
  if (count !== null) counts[node] = known(counts[node] as number, count);
}

/** The sum of what is known. */
const known = (a: number, b: number) => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : sum(a, b));

const text = (count: number) => (Number.isNaN(count) ? "–" : count.toLocaleString("en-US"));

const fillsOf = ({ theme, reference, candidate, look }: OverlayColours) => [
  CALM[theme][0],
  reference,
  candidate,
  look,
];

/** What is drawn; where all is finite, that nothing else is there. */
function legendOf(recorded: Recorded, fills: readonly string[]): LegendRow[] {
  const counts = [0, 0, 0, 0];
  for (let row = 0; row < recorded.count; row += 1) {
    const kind = kindOf(recorded, row);
    if (kind !== NONE) counts[kind] = (counts[kind] as number) + 1;
  }
  const marks = ["", "3 | 0", "0 | 3", "3 | 3"];
  const rows: LegendRow[] = [];
  for (let kind = PRESENT; kind >= FINITE; kind -= 1) {
    const count = counts[kind] as number;
    if (count === 0) continue;
    const label = `${LABELS[kind]}: ${count.toLocaleString("en-US")}`;
    rows.push({ color: fills[kind] as string, mark: marks[kind] as string, label });
  }
  const some = counts.some((count, kind) => kind !== FINITE && count > 0);
  if (!some) rows.unshift({ color: "", mark: "", label: "with NaN or infinite elements: 0" });
  return rows;
}

function edgePaint(
  recorded: Recorded,
  { edges }: PlacedEdge,
  fills: readonly string[],
): EdgePaint | null {
  let worst = NONE;
  for (const row of recorded.rowsOn(edges)) worst = larger(worst, kindOf(recorded, row));
  return worst <= FINITE ? null : { color: fills[worst] as string, width: 2.5 };
}
