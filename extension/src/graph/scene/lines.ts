import { HEADER_HEIGHT } from "../sizes";
import type { ItemId, PlacedEdge, PlacedItem } from "../types";
import type { Rect } from "./viewport";

/** What a line takes up in the world. */
export function lineBounds({ points }: PlacedEdge): Rect {
  let left = Number.POSITIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let i = 0; i + 1 < points.length; i += 2) {
    const x = points[i] as number;
    const y = points[i + 1] as number;
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  if (left > right) return { x: 0, y: 0, width: 0, height: 0 };
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * Parts of a line that are drawn: the whole of it, or its two ends.
 *
 * @param at Where boxes are. A line between an open group's border and what is in it begins or ends
 *   below the header; it is drawn through that, so that it meets its other half outside.
 */
export function pieces(edge: PlacedEdge, at: ReadonlyMap<ItemId, PlacedItem>): Float32Array[] {
  const points = throughHeaders(edge, at);
  if (edge.shape === "line" || points.length < 8) return [points];
  return [points.subarray(0, 4), points.subarray(points.length - 4)];
}

function throughHeaders(
  { points, from, to }: PlacedEdge,
  at: ReadonlyMap<ItemId, PlacedItem>,
): Float32Array {
  if (points.length < 4) return points;
  const last = points.length - 2;
  const before = borderAbove(at.get(from), points[1] as number);
  const after = borderAbove(at.get(to), points[last + 1] as number);
  if (before === null && after === null) return points;
  const longer = points.slice();
  if (before !== null) longer[1] = before;
  if (after !== null) longer[last + 1] = after;
  return longer;
}

/** The top of an open group, where a line's end lies just below its header. */
function borderAbove(placed: PlacedItem | undefined, y: number): number | null {
  if (placed?.open !== true) return null;
  return Math.abs(y - placed.y - HEADER_HEIGHT) < 1 ? placed.y : null;
}

/** How far a point is from a line as it is drawn, in world px. */
export function distanceTo(
  edge: PlacedEdge,
  at: ReadonlyMap<ItemId, PlacedItem>,
  x: number,
  y: number,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (const piece of pieces(edge, at)) {
    for (let i = 0; i + 3 < piece.length; i += 2) {
      least = Math.min(least, toSegment(piece, i, x, y));
    }
  }
  return least;
}

function toSegment(points: Float32Array, i: number, x: number, y: number): number {
  const x0 = points[i] as number;
  const y0 = points[i + 1] as number;
  const dx = (points[i + 2] as number) - x0;
  const dy = (points[i + 3] as number) - y0;
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((x - x0) * dx + (y - y0) * dy) / length;
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}

/** How wide a line is, in screen px: by the tensors it stands for, and thinner when far away. */
export function lineWidth(count: number, zoom: number): number {
  const base = 1.1 + 0.55 * Math.log2(Math.max(count, 1));
  return Math.min(base, 4.5) * Math.min(Math.max(zoom, 0.6), 1.6);
}

/** A spot around the end of a line that is farther from a point. */
export function farEnd({ points }: PlacedEdge, x: number, y: number): Rect {
  const last = points.length - 2;
  const away = (at: number) =>
    Math.hypot(x - (points[at] as number), y - (points[at + 1] as number));
  const at = away(0) > away(last) ? 0 : last;
  const spot = 20;
  return {
    x: (points[at] as number) - spot,
    y: (points[at + 1] as number) - spot,
    width: 2 * spot,
    height: 2 * spot,
  };
}
