import { HEADER_HEIGHT } from "../sizes";
import type { ItemId, PlacedItem } from "../types";
import type { Indexed } from "./boxes";
import type { Rect } from "./viewport";

export type Direction = "up" | "down" | "left" | "right";

/** A box joined by a line counts as this much nearer. */
const JOINED = 0.45;
/** What overlaps by less than this, in px, is still ahead. */
const SLACK = 2;
/** How much a step sideways costs against a step ahead. */
const SIDEWAYS = 2.2;

/** The box one gets to from another with an arrow key; null at the end of the picture. */
export function neighbour(model: Indexed, from: ItemId, direction: Direction): ItemId | null {
  const start = model.at.get(from);
  if (start === undefined) return null;
  const origin = focusRect(start);
  const joined = new Set<ItemId>();
  for (const line of model.linesOf(from)) {
    const edge = model.picture.edges[line];
    if (edge !== undefined) joined.add(edge.from === from ? edge.to : edge.from);
  }
  let best: ItemId | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const placed of model.picture.items) {
    if (placed.item === from) continue;
    const steps = distance(origin, focusRect(placed), direction);
    if (steps === null) continue;
    const cost = joined.has(placed.item) ? steps * JOINED : steps;
    if (cost < least) {
      least = cost;
      best = placed.item;
    }
  }
  return best;
}

/** First or last box, reading from the top left. */
export function extreme(model: Indexed, end: "first" | "last"): ItemId | null {
  const sign = end === "first" ? 1 : -1;
  let best: PlacedItem | null = null;
  for (const placed of model.picture.items) {
    if (best === null || sign * (placed.y - best.y || placed.x - best.x) < 0) best = placed;
  }
  return best?.item ?? null;
}

/** The box nearest to a point of the world. */
export function nearestTo(model: Indexed, x: number, y: number, within?: Rect): PlacedItem | null {
  const { items } = model.picture;
  const indices = within === undefined ? items.keys() : model.itemsIn(within);
  let best: PlacedItem | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const index of indices) {
    const placed = items[index];
    if (placed === undefined) continue;
    const rect = focusRect(placed);
    const dx = Math.max(rect.x - x, 0, x - rect.x - rect.width);
    const dy = Math.max(rect.y - y, 0, y - rect.y - rect.height);
    const away = Math.hypot(dx, dy);
    if (away < least) {
      least = away;
      best = placed;
    }
  }
  return best;
}

/** The part of a box that stands for it: of an open group its header. */
export const focusRect = (placed: PlacedItem): Rect =>
  placed.open ? { ...placed, height: Math.min(HEADER_HEIGHT, placed.height) } : placed;

/** How far a box is ahead and aside; null when it is not ahead. */
function distance(from: Rect, to: Rect, direction: Direction): number | null {
  const vertical = direction === "up" || direction === "down";
  const [near, far] = vertical ? spans(from, to, "y", "height") : spans(from, to, "x", "width");
  const [left, right] = vertical ? spans(from, to, "x", "width") : spans(from, to, "y", "height");
  const forwards = direction === "down" || direction === "right";
  const gap = forwards ? far[0] - near[1] : near[0] - far[1];
  if (gap < -SLACK) return null;
  const apart = Math.max(right[0] - left[1], left[0] - right[1], 0);
  const skew = Math.abs(left[0] + left[1] - right[0] - right[1]) / 2;
  return Math.max(gap, 0) + SIDEWAYS * apart + 0.15 * skew + 1;
}

type Span = readonly [number, number];

const spans = (a: Rect, b: Rect, at: "x" | "y", length: "width" | "height"): [Span, Span] => [
  [a[at], a[at] + a[length]],
  [b[at], b[at] + b[length]],
];
