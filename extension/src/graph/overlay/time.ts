import type { ItemPaint, LegendRow, Overlay } from "../types";
import { BLANK, type OverlayColours, sequential } from "./colours";
import { foldGroups, sum } from "./fold";
import { duration, percent, plural } from "./numbers";
import { assemble } from "./parts";
import { LogRange } from "./ranges";
import type { Recorded } from "./recorded";

/** The scale's least share, as a power of ten, is one that most nodes reach; within these. */
const LOWEST = -5;
const HIGHEST = -2;
const BELOW_SHARE = 0.1;

/** How much of the measured time each node takes; a closed group takes what is in it. */
export function timeOverlay(recorded: Recorded, { theme }: OverlayColours): Overlay {
  const { structure, answer } = recorded;
  const nodes = answer.timed_node.values;
  const secs = answer.node_secs.values;
  const byNode = new Float64Array(structure.nodeCount);
  const timed = new Uint8Array(structure.nodeCount);
  let total = 0;
  for (let place = 0; place < nodes.length; place += 1) {
    const [node, took] = [nodes[place] as number, secs[place] as number];
    if (!(took >= 0) || node < 0 || node >= structure.nodeCount) continue;
    byNode[node] = (byNode[node] as number) + took;
    timed[node] = 1;
    total += took;
  }
  const range = scaleOf(byNode, total);
  const inGroups = foldGroups(structure, byNode, 0, sum);
  const timedIn = foldGroups(structure, timed, 0, sum);
  const paint = (took: number | undefined, count: number | undefined): ItemPaint | null => {
    if (took === undefined || !count) return null;
    const share = total === 0 ? 0 : took / total;
    return { fill: sequential(theme, range.share(share)), mark: percent(share) };
  };
  const ofGroup = (group: number): ItemPaint | null => {
    const found = paint(inGroups[group], timedIn[group]);
    // A node has no room for both.
    return found && { ...found, mark: `${found.mark} · ${duration(inGroups[group] ?? 0)}` };
  };
  const count = timed.reduce((found, each) => found + each, 0);
  const notes = count === 0 ? [] : [summary(recorded, count, total)];
  return assemble({
    name: "time",
    legend: total === 0 ? [] : legendOf(theme, range, total),
    notes: [...notes, ...answer.time_notes],
    blank: BLANK[theme],
    node: (node) => paint(byNode[node], timed[node]),
    group: ofGroup,
  });
}

/** From a share that nine of ten nodes reach to all of it. */
function scaleOf(byNode: Float64Array, total: number): LogRange {
  const shares = byNode.filter((took) => took > 0).sort();
  const least = (shares[Math.floor(shares.length * BELOW_SHARE)] ?? total) / total;
  const low = Math.floor(Math.log10(least));
  return new LogRange(Math.min(Math.max(low, LOWEST), HIGHEST) || HIGHEST, 0);
}

function legendOf(theme: OverlayColours["theme"], range: LogRange, total: number): LegendRow[] {
  return Array.from({ length: -range.low + 1 }, (_, place) => {
    const share = 10 ** -place;
    const less = place === -range.low ? " and less" : "";
    return {
      color: sequential(theme, range.share(share)),
      mark: percent(share),
      label: `${duration(share * total)}${less}`,
    };
  });
}

function summary({ structure }: Recorded, timedCount: number, total: number): string {
  const count = structure.fileNodeCount.toLocaleString("en-US");
  return `${plural(timedCount, "node")} of ${count} were timed: ${duration(total)} together, 100 %.`;
}
