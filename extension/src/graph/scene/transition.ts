import type { ItemId, PlacedItem, Viewport } from "../types";
import type { Indexed } from "./boxes";
import type { Cut, Motion } from "./compose";
import { overlaps, type Rect } from "./viewport";

export const TRANSITION_MSEC = 180;
/** With more boxes than this on the move nothing is animated. */
export const MAX_MOVING = 400;

/** Boxes of two pictures, and how they get from one to the other. */
export interface Transition {
  /** @param progress 0 to 1, in time. */
  at(progress: number): Motion;
}

/** A picture, and the part of it that is on screen. */
export interface Side {
  model: Indexed;
  viewport: Viewport;
}

/**
 * How a picture becomes another; null where that would be too much to follow.
 *
 * Boxes in both move, new ones fade in, with the lines.
 *
 * @param visible What of the new picture's world is on screen.
 */
export function transition(before: Side, after: Side, visible: Rect): Transition | null {
  const starts = new Map<ItemId, Rect>();
  const cut = new Set(after.model.itemsIn(visible));
  let changed = Math.max(before.model.at.size - after.model.at.size, 0);
  for (const [index, placed] of after.model.picture.items.entries()) {
    const was = before.model.at.get(placed.item);
    const start = was === undefined ? null : inWorldOf(was, before.viewport, after.viewport);
    if (start === null || differs(start, placed)) changed += 1;
    if (changed > MAX_MOVING) return null;
    if (start === null) continue;
    starts.set(placed.item, start);
    if (overlaps(start, visible)) cut.add(index);
  }
  if (changed === 0) return null;
  const shown = { items: cut, edges: after.model.edgesIn(visible) };
  return { at: (progress) => motion(starts, shown, easeOut(progress)) };
}

function motion(starts: ReadonlyMap<ItemId, Rect>, cut: Cut, share: number): Motion {
  return {
    cut,
    lineOpacity: share * share,
    opacity: ({ item }) => (starts.has(item) ? 1 : share),
    rect: (placed) => {
      const start = starts.get(placed.item);
      return start === undefined ? placed : between(start, placed, share);
    },
  };
}

/** Where a box of the old picture is, in the new one's world, while it looks the same on screen. */
function inWorldOf({ x, y, width, height }: PlacedItem, from: Viewport, to: Viewport): Rect {
  const ratio = from.zoom / to.zoom;
  return {
    x: (x * from.zoom + from.x - to.x) / to.zoom,
    y: (y * from.zoom + from.y - to.y) / to.zoom,
    width: width * ratio,
    height: height * ratio,
  };
}

function between(from: Rect, to: Rect, share: number): Rect {
  const mid = (a: number, b: number) => a + (b - a) * share;
  return {
    x: mid(from.x, to.x),
    y: mid(from.y, to.y),
    width: mid(from.width, to.width),
    height: mid(from.height, to.height),
  };
}

const differs = (a: Rect, b: Rect) =>
  Math.abs(a.x - b.x) > 0.5 ||
  Math.abs(a.y - b.y) > 0.5 ||
  Math.abs(a.width - b.width) > 0.5 ||
  Math.abs(a.height - b.height) > 0.5;

const easeOut = (t: number) => 1 - (1 - Math.min(Math.max(t, 0), 1)) ** 3;
