import type { LossName } from "../../protocol";

/** One horizontal strip of the losses view; all share the step axis. */
export interface Lane {
  id: LossName | "nonfinite" | "masked" | "map";
  /** From the top of the plotting area, in px. */
  top: number;
  /** In px. */
  height: number;
}

const GAP = 12;
const NONFINITE_HEIGHT = 32;
const MASKED_SHARE = 0.14;
const MAP_SHARE = 0.2;
const MAP_ROW_MAX = 22;
const MAP_HEIGHT_MIN = 36;
/** The loss the user trains with gets this many times the height of another one. */
const MAIN_WEIGHT = 1.7;

/** What the lanes have to hold. */
export interface LaneNeeds {
  losses: readonly LossName[];
  /** The loss the user trains with; null when it is none of those shown. */
  main: LossName | null;
  /** Positions of the map; null while a run may still add some: the map then keeps its room. */
  mapRows: number | null;
  /** False leaves out the masked counts and the map: nothing is masked and nothing will be. */
  showMasks: boolean;
}

/** Divide a height among the lanes, top to bottom. */
export function layoutLanes(height: number, needs: LaneNeeds): Lane[] {
  const fixed: Lane[] = [{ id: "nonfinite", top: 0, height: NONFINITE_HEIGHT }];
  const masked = needs.showMasks ? Math.round(height * MASKED_SHARE) : 0;
  const map = needs.showMasks ? mapHeight(height, needs.mapRows) : 0;
  const below = needs.showMasks ? masked + map + 2 * GAP : 0;
  const room = height - NONFINITE_HEIGHT - below - GAP * needs.losses.length;
  const weight = (loss: LossName) => (loss === needs.main ? MAIN_WEIGHT : 1);
  const weights = needs.losses.reduce((sum, loss) => sum + weight(loss), 0);
  const lanes = [...fixed];
  let top = NONFINITE_HEIGHT + GAP;
  for (const loss of needs.losses) {
    const share = Math.max(24, Math.floor((room * weight(loss)) / weights));
    lanes.push({ id: loss, top, height: share });
    top += share + GAP;
  }
  if (needs.showMasks) {
    lanes.push({ id: "masked", top, height: masked });
    lanes.push({ id: "map", top: top + masked + GAP, height: map });
  }
  return lanes;
}

/** The row of the map at a height in the plotting area; null when that is not in the map. */
export function mapRowAt(lanes: readonly Lane[], top: number, rows: number): number | null {
  const lane = lanes.find(({ id }) => id === "map");
  if (lane === undefined || rows === 0) return null;
  const row = Math.floor(((top - lane.top) / lane.height) * rows);
  return row >= 0 && row < rows ? row : null;
}

/** A lane as plotly's share of the plotting area, counted from its bottom. */
export function laneDomain(lane: Lane, height: number): [number, number] {
  const share = (px: number) => Math.min(1, Math.max(0, 1 - px / height));
  return [share(lane.top + lane.height), share(lane.top)];
}

/** First and last step the axis shows: while live with room to grow, so that it seldom moves. */
export function stepRange(
  firstStep: number,
  lastStep: number,
  live: boolean,
  totalSteps: number | null = null,
): [number, number] {
  const length = Math.max(1, lastStep - firstStep);
  const ahead = totalSteps === null ? firstStep + niceAtLeast(length * 1.05) : totalSteps - 1;
  const end = live ? Math.max(ahead, lastStep) : lastStep;
  const margin = Math.max(0.5, (end - firstStep) * 0.008);
  return [firstStep - margin, Math.max(end, firstStep + 1) + margin];
}

/** The least of 10, 20, 50, 100, 200, … that is not below `value`. */
export function niceAtLeast(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  const factor = [1, 2, 5, 10].find((candidate) => decade * candidate >= value) ?? 10;
  return Math.max(10, decade * factor);
}

function mapHeight(height: number, rows: number | null): number {
  const most = Math.max(MAP_HEIGHT_MIN, Math.round(height * MAP_SHARE));
  if (rows === null) return most;
  return Math.max(MAP_HEIGHT_MIN, Math.min(most, rows * MAP_ROW_MAX));
}
