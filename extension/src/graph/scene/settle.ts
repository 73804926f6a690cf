import type { ItemId, PlacedItem, Viewport } from "../types";
import type { Indexed } from "./boxes";
import { focusRect, nearestTo } from "./neighbour";
import {
  anchored,
  fitted,
  lookingAt,
  middleOf,
  READABLE_GROUP_ZOOM,
  READABLE_ZOOM,
  type Rect,
  revealing,
  type Size,
  whole,
} from "./viewport";

/** How it was looked at before much opened or closed at once. */
export interface Before {
  viewport: Viewport;
  /** The box that was in the middle; undefined if that cannot be told. */
  box: Rect | undefined;
  /** The picture was fitted in, and nobody had moved since. */
  fitted: boolean;
  /** There was more in the picture. */
  more: boolean;
}

/** Where to look, and whether that is how a picture is fitted in. */
export interface Settled {
  viewport: Viewport;
  fitted: boolean;
}

/**
 * Where to look once much has opened or closed at once: something is on screen and can be read.
 *
 * The whole picture, if that can be read; else what was in the middle, or what is in it now.
 *
 * @param near The box that stands for what was in the middle; null is where reading begins.
 * @param insetTop Screen px at the top that headers cover.
 */
export function settled(
  model: Indexed,
  near: ItemId | null,
  before: Before,
  screen: Size,
  insetTop: number,
): Settled {
  const { picture } = model;
  const all = whole(picture, screen);
  // What is left after much was closed are groups in the main, which are larger than nodes.
  const least = before.more ? READABLE_GROUP_ZOOM : READABLE_ZOOM;
  if ((before.fitted || before.more) && all.zoom >= least) return { viewport: all, fitted: true };
  const box = near === null ? undefined : model.at.get(near);
  const spot = box === undefined || box.open ? firstIn(model, box) : box;
  if (spot === null) return { viewport: fitted(picture, screen), fitted: true };
  const start =
    box !== undefined && before.box !== undefined && before.viewport.zoom >= READABLE_ZOOM
      ? anchored(before.viewport, before.box, box)
      : centredOn(spot, before.viewport, model, screen);
  return { viewport: revealing(spot, start, screen, insetTop), fitted: false };
}

function centredOn(spot: Rect, { zoom }: Viewport, model: Indexed, screen: Size): Viewport {
  const nearer = { x: 0, y: 0, zoom: Math.max(zoom, READABLE_ZOOM) };
  return lookingAt(middleOfBox(spot), nearer, model.picture, screen);
}

/** Where a picture is looked at that cannot be shown whole: at the first box of it. */
export function startOf(model: Indexed): { x: number; y: number } | undefined {
  const first = firstIn(model, undefined);
  return first === null ? undefined : middleOfBox(first);
}

/**
 * The picture fitted in; what is near the middle stays there if not all of it can be shown.
 *
 * @param before The screen that the viewport was on.
 */
export function fittedAround(
  model: Indexed,
  viewport: Viewport,
  screen: Size,
  before = screen,
): Viewport {
  const { x, y } = middleOf(viewport, before);
  const seen = before.width === 0 ? null : nearestTo(model, x, y);
  const at = seen === null ? startOf(model) : middleOfBox(focusRect(seen));
  return fitted(model.picture, screen, at);
}

function middleOfBox(box: Rect): { x: number; y: number } {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The topmost box in an open group, or in the picture, that shows nothing in it. */
function firstIn(model: Indexed, group: PlacedItem | undefined): Rect | null {
  const { items } = model.picture;
  const inside = group === undefined ? items.keys() : model.itemsIn(group);
  let first: PlacedItem | null = null;
  for (const index of inside) {
    const placed = items[index];
    if (placed === undefined || placed.open || placed.depth <= (group?.depth ?? -1)) continue;
    if (first === null || (placed.y - first.y || placed.x - first.x) < 0) first = placed;
  }
  return first ?? (group === undefined ? null : focusRect(group));
}
