import type { ItemPaint, Overlay } from "../types";
import { type OverlayColours, sequential } from "./colours";
import { foldGroups, sum } from "./fold";
import { duration, percent, plural } from "./numbers";
import { assemble } from "./parts";
import { LogRange } from "./ranges";
import type { Recorded } from "./recorded";

/** Shares of the measured time, from a ten-thousandth to all of it: the same in every step. */
const RANGE = new LogRange(-4, 0);
const STOPS = [1, 0.1, 0.01, 0.001, 0.0001];

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
  const inGroups = foldGroups(structure, byNode, 0, sum);
  const timedIn = foldGroups(structure, timed, 0, sum);
  const paint = (took: number | undefined, count: number | undefined): ItemPaint | null => {
    if (took === undefined || !count) return null;
    const share = total === 0 ? 0 : took / total;
    return {
      fill: sequential(theme, RANGE.share(share)),
      mark: `${percent(share)} · ${duration(took)}`,
    };
  };
  const timedCount = timed.reduce((count, each) => count + each, 0);
  return assemble({
    name: "time",
    legend: total === 0 ? [] : legendOf(theme, total),
    notes:
      timedCount === 0 ? answer.notes : [summary(recorded, timedCount, total), ...answer.notes],
    node: (node) => paint(byNode[node], timed[node]),
    group: (group) => paint(inGroups[group], timedIn[group]),
  });
}

const legendOf = (theme: OverlayColours["theme"], total: number) =>
  STOPS.map((share) => ({
    color: sequential(theme, RANGE.share(share)),
    mark: percent(share),
    label: `${duration(share * total)}${share === 0.0001 ? " and less" : ""}`,
  }));

function summary({ structure }: Recorded, timedCount: number, total: number): string {
  const count = structure.fileNodeCount.toLocaleString("en-US");
  return `${plural(timedCount, "node")} of ${count} were timed: ${duration(total)} together, 100 %.`;
}
