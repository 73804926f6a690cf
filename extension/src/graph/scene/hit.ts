import { GROUP_NOTE_FONT, GROUP_PADDING, HEADER_HEIGHT, TWISTY_WIDTH } from "../sizes";
import type { ItemId, PlacedEdge, PlacedItem, Viewport } from "../types";
import { isGroup } from "../types";
import type { Indexed } from "./boxes";
import type { HeaderBar } from "./headers";
import { distanceTo } from "./lines";
import { MIN_TEXT_PX } from "./lod";
import { holds, toWorld } from "./viewport";

/** What is under the pointer. */
export interface Hit {
  item: ItemId | null;
  edge: PlacedEdge | null;
  /** On the triangle that opens and closes a group. */
  twisty: boolean;
}

const NOTHING: Hit = { item: null, edge: null, twisty: false };
/** A line is hit this far away, in screen px. */
const REACH_PX = 5;

/** What is at a point of the screen: a header, a box, a line, or the ground of an open group. */
export function hitAt(
  model: Indexed,
  bars: readonly HeaderBar[],
  viewport: Viewport,
  x: number,
  y: number,
): Hit {
  const bar = bars.findLast((candidate) => holds(candidate, x, y));
  if (bar !== undefined) {
    return { item: bar.placed.item, edge: null, twisty: x < bar.x + bar.height + 6 };
  }
  const point = toWorld(x, y, viewport);
  const box = boxAt(model, point.x, point.y);
  if (box !== null) {
    const readable = GROUP_NOTE_FONT * viewport.zoom >= MIN_TEXT_PX;
    const twisty = isGroup(box.item) && readable && point.x < box.x + GROUP_PADDING + TWISTY_WIDTH;
    return { item: box.item, edge: null, twisty };
  }
  const edge = edgeAt(model, point.x, point.y, REACH_PX / viewport.zoom);
  return edge === null ? NOTHING : { item: null, edge, twisty: false };
}

function boxAt(model: Indexed, x: number, y: number): PlacedItem | null {
  let found: PlacedItem | null = null;
  for (const index of model.itemsIn({ x, y, width: 0, height: 0 })) {
    const placed = model.picture.items[index];
    if (placed === undefined) continue;
    const there = !placed.open || y < placed.y + HEADER_HEIGHT;
    if (there && (found === null || placed.depth > found.depth)) found = placed;
  }
  return found;
}

function edgeAt(model: Indexed, x: number, y: number, reach: number): PlacedEdge | null {
  const near = { x: x - reach, y: y - reach, width: 2 * reach, height: 2 * reach };
  let found: PlacedEdge | null = null;
  let least = reach;
  for (const index of model.edgesIn(near)) {
    const edge = model.picture.edges[index];
    if (edge === undefined) continue;
    const distance = distanceTo(edge, model.at, x, y);
    if (distance <= least) {
      least = distance;
      found = edge;
    }
  }
  return found;
}
