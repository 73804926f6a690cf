import type { EdgePaint, ItemPaint, LegendRow, Overlay, PlacedEdge } from "../types";
import { BLANK, CALM, HUES, type OverlayColours } from "./colours";
import { foldGroups, larger } from "./fold";
import { short } from "./numbers";
import { assemble } from "./parts";
import type { Recorded } from "./recorded";

/** How bad, ascending; `BORN` is a divergence that was found to be born there. */
const NONE = -1;
const NOT_COMPARABLE = 0;
const EQUAL = 1;
const ROUNDING = 2;
const DIVERGENT = 3;
const BORN = 4;
/** By the wire's code of a verdict. */
const SEVERITY = [EQUAL, ROUNDING, DIVERGENT, NOT_COMPARABLE];
const HERE = " ✱";

/**
 * Where ORT differs from eager PyTorch.
 *
 * @param deep Whether the step was looked into deeply, so that none born in it means none.
 */
export function divergenceOverlay(
  recorded: Recorded,
  colours: OverlayColours,
  deep: boolean | null = null,
): Overlay {
  const { structure } = recorded;
  const severity = (row: number) => severityOf(recorded, row);
  const worst = new Float64Array(structure.nodeCount).fill(NONE);
  for (let row = 0; row < recorded.count; row += 1) {
    const node = recorded.nodeOf(row);
    worst[node] = larger(worst[node] as number, severity(row));
  }
  const worstIn = foldGroups(structure, worst, NONE, larger);
  // Of several tensors the error of those that are as bad as the worst is told.
  const error = new Float64Array(structure.nodeCount).fill(Number.NaN);
  for (let row = 0; row < recorded.count; row += 1) {
    const node = recorded.nodeOf(row);
    if (severity(row) === worst[node]) {
      error[node] = larger(error[node] as number, recorded.relError[row] as number);
    }
  }
  const errorIn = errorsIn(recorded, worst, worstIn, error);
  const fills = fillsOf(colours);
  const paint = (bad: number | undefined, size: number | undefined): ItemPaint | null =>
    bad === undefined || bad === NONE
      ? null
      : { fill: fills[bad] as string, mark: markOf(bad, size ?? Number.NaN) };
  return assemble({
    name: "divergence",
    legend: [...legendOf(recorded, fills, deep), ...recorded.unrecorded(colours.theme)],
    blank: BLANK[colours.theme],
    notes: ["Numbers on boxes are relative errors, the largest of what is in them."],
    node: (node) => paint(worst[node], error[node]),
    group: (group) => paint(worstIn[group], errorIn[group]),
    edge: (edge) => edgePaint(recorded, edge, fills),
  });
}

function severityOf(recorded: Recorded, row: number): number {
  const severity = SEVERITY[recorded.verdict[row] as number] ?? NOT_COMPARABLE;
  return severity === DIVERGENT && recorded.bornHere[row] === 1 ? BORN : severity;
}

/** Of every group the largest error of what is as bad as its worst. */
function errorsIn(
  { structure }: Recorded,
  worst: Float64Array,
  worstIn: Float64Array,
  error: Float64Array,
): Float64Array {
  const found = new Float64Array(structure.groups.length).fill(Number.NaN);
  for (let node = 0; node < structure.nodeCount; node += 1) {
    let group = structure.nodeGroup[node] ?? -1;
    // Upwards only as long as nothing worse is around: mostly no step at all.
    while (group >= 0 && worstIn[group] === worst[node]) {
      found[group] = larger(found[group] as number, error[node] as number);
      group = structure.groups[group]?.parent ?? -1;
    }
  }
  return found;
}

function fillsOf({ theme, look }: OverlayColours): string[] {
  const [equal, rounding] = CALM[theme];
  const inherited = theme === "light" ? "#e59abf" : "#8f2f5c";
  return [HUES[theme].grey, equal, rounding, inherited, look];
}

function markOf(severity: number, error: number): string {
  const size = Number.isNaN(error) ? "" : ` ${short(error)}`;
  if (severity === NOT_COMPARABLE) return "∅";
  if (severity === EQUAL) return "=";
  if (severity === ROUNDING) return `≈${size}`;
  return `≠${size}${severity === BORN ? HERE : ""}`;
}

/** What is drawn; where nothing diverges, or nothing was found to be born there, that too. */
function legendOf(recorded: Recorded, fills: readonly string[], deep: boolean | null): LegendRow[] {
  const counts = [0, 0, 0, 0, 0];
  for (let row = 0; row < recorded.count; row += 1) {
    const severity = severityOf(recorded, row);
    counts[severity] = (counts[severity] as number) + 1;
  }
  const row = (severity: number, mark: string, label: string): LegendRow[] => {
    const count = counts[severity] as number;
    const text = `${label}: ${count.toLocaleString("en-US")}`;
    return count === 0 ? [] : [{ color: fills[severity] as string, mark, label: text }];
  };
  const none = (label: string): LegendRow[] => [{ color: "", mark: "", label: `${label}: 0` }];
  const born = row(BORN, `≠${HERE}`, "divergent, born here");
  const divergent = row(DIVERGENT, "≠", "divergent");
  if (born.length === 0 && divergent.length === 0) divergent.push(...none("divergent"));
  // Not looked for is not the same as none.
  else if (born.length === 0 && deep === true) born.push(...none("born here"));
  return [
    ...born,
    ...divergent,
    ...row(ROUNDING, "≈", "rounding"),
    ...row(EQUAL, "=", "equal"),
    ...row(NOT_COMPARABLE, "∅", "not comparable"),
  ];
}

function edgePaint(
  recorded: Recorded,
  { edges }: PlacedEdge,
  fills: readonly string[],
): EdgePaint | null {
  let worst = NONE;
  for (const row of recorded.rowsOn(edges)) worst = larger(worst, severityOf(recorded, row));
  return worst < DIVERGENT ? null : { color: fills[worst] as string, width: 3 };
}
