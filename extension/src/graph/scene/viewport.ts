import type { Viewport } from "../types";

/** A rectangle, in the world or on screen. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export const MAX_ZOOM = 4;
/** Free space around a fitted picture, in screen px: little, so that its text stays readable. */
const FIT_MARGIN_PX = 14;
/** Free space around a box that is brought into view, in screen px. */
const MARGIN_PX = 24;

/** Below this a node's title is not written. */
export const READABLE_ZOOM = 0.5;
/** Below this a closed group's title is not written. */
export const READABLE_GROUP_ZOOM = 0.3;
/** Below this nothing can be told of a picture that is shown whole. */
const LEAST_WHOLE_ZOOM = 0.15;

/** The whole picture in the middle of the screen, at most life-size. */
export function whole(picture: Size, screen: Size): Viewport {
  const { along, down } = roomZooms(picture, screen);
  return centred(picture, screen, Math.min(along, down, 1));
}

/**
 * The whole picture; where that would be a thin strip or a speck, its width (of a wide one its
 * height), or as much as can be read, with a point of it in the middle.
 *
 * @param at In the world.
 */
export function fitted(picture: Size, screen: Size, at = { x: picture.width / 2, y: 0 }): Viewport {
  const all = whole(picture, screen);
  if (all.zoom >= LEAST_WHOLE_ZOOM || screen.width === 0 || screen.height === 0) return all;
  const { along, down } = roomZooms(picture, screen);
  const zoom = Math.min(Math.max(along, down, READABLE_ZOOM), 1);
  return lookingAt(at, centred(picture, screen, zoom), picture, screen);
}

const centred = (picture: Size, screen: Size, zoom: number): Viewport => ({
  zoom,
  x: (screen.width - picture.width * zoom) / 2,
  y: (screen.height - picture.height * zoom) / 2,
});

/** At which zoom the picture is as wide, and as high, as the screen with some margin. */
function roomZooms(picture: Size, screen: Size): { along: number; down: number } {
  const zoom = (room: number, length: number) =>
    Math.max(room - 2 * FIT_MARGIN_PX, 1) / Math.max(length, 1);
  return {
    along: zoom(screen.width, picture.width),
    down: zoom(screen.height, picture.height),
  };
}

/** How far one may zoom out: half of what shows everything. */
export const minZoom = (picture: Size, screen: Size) => whole(picture, screen).zoom / 2;

/** What part of the world is on screen, `margin` screens more on every side. */
export function visibleWorld(viewport: Viewport, screen: Size, margin = 0): Rect {
  const width = screen.width / viewport.zoom;
  const height = screen.height / viewport.zoom;
  return {
    x: -viewport.x / viewport.zoom - width * margin,
    y: -viewport.y / viewport.zoom - height * margin,
    width: width * (1 + 2 * margin),
    height: height * (1 + 2 * margin),
  };
}

/** Whether nothing of the picture is off screen. */
export function showsAll(picture: Size, viewport: Viewport, screen: Size): boolean {
  const seen = visibleWorld(viewport, screen);
  return (
    seen.x <= 1 &&
    seen.y <= 1 &&
    seen.x + seen.width >= picture.width - 1 &&
    seen.y + seen.height >= picture.height - 1
  );
}

export const toScreen = (rect: Rect, { x, y, zoom }: Viewport): Rect => ({
  x: rect.x * zoom + x,
  y: rect.y * zoom + y,
  width: rect.width * zoom,
  height: rect.height * zoom,
});

export const toWorld = (x: number, y: number, viewport: Viewport) => ({
  x: (x - viewport.x) / viewport.zoom,
  y: (y - viewport.y) / viewport.zoom,
});

/** The point of the world in the middle of the screen. */
export const middleOf = (viewport: Viewport, { width, height }: Size) =>
  toWorld(width / 2, height / 2, viewport);

export const contains = (outer: Rect, inner: Rect) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

export const holds = (rect: Rect, x: number, y: number) =>
  x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;

export const overlaps = (a: Rect, b: Rect) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** The viewport that keeps a point of the old world where it is while the point moves. */
export function anchored(
  viewport: Viewport,
  before: { x: number; y: number },
  after: { x: number; y: number },
): Viewport {
  const { zoom } = viewport;
  return {
    zoom,
    x: viewport.x + (before.x - after.x) * zoom,
    y: viewport.y + (before.y - after.y) * zoom,
  };
}

/** Zoom so that the point `(x, y)` of the screen stays where it is. */
export function zoomedAround(viewport: Viewport, x: number, y: number, zoom: number): Viewport {
  const ratio = zoom / viewport.zoom;
  return { zoom, x: x - (x - viewport.x) * ratio, y: y - (y - viewport.y) * ratio };
}

/**
 * The nearest viewport in which a box is whole on screen, at a zoom where it can be read.
 *
 * @param insetTop Screen px at the top that are covered.
 */
export function revealing(rect: Rect, viewport: Viewport, screen: Size, insetTop = 0): Viewport {
  const readable = viewport.zoom >= READABLE_ZOOM;
  const start = readable
    ? viewport
    : zoomedAround(viewport, ...middle(toScreen(rect, viewport)), READABLE_ZOOM);
  const box = toScreen(rect, start);
  return {
    zoom: start.zoom,
    x: start.x + shift(box.x, box.width, 0, screen.width),
    y: start.y + shift(box.y, box.height, insetTop, screen.height),
  };
}

const middle = (rect: Rect): [number, number] => [
  rect.x + rect.width / 2,
  rect.y + rect.height / 2,
];

/**
 * How far an interval must move to lie between `start` and `end`; its beginning goes first.
 *
 * What lies between them stays where it is, however near to an end.
 */
function shift(from: number, length: number, start: number, end: number): number {
  const low = start + MARGIN_PX;
  const high = Math.max(end - MARGIN_PX, low);
  if (from >= start && from + length <= end) return 0;
  if (from < low || length > high - low) return low - from;
  return Math.min(high - (from + length), 0);
}

/** Bring a point to the middle; what is wholly on screen stays, and nothing is shown but picture. */
export function lookingAt(
  point: { x: number; y: number },
  viewport: Viewport,
  picture: Size,
  screen: Size,
): Viewport {
  const { zoom } = viewport;
  const along = (at: number, from: number, length: number, room: number) => {
    const spare = room - length - 2 * MARGIN_PX;
    if (spare >= 0) return at >= 0 && at + length <= room ? at : (room - length) / 2;
    return Math.min(Math.max(room / 2 - from, spare + MARGIN_PX), MARGIN_PX);
  };
  return {
    zoom,
    x: along(viewport.x, point.x * zoom, picture.width * zoom, screen.width),
    y: along(viewport.y, point.y * zoom, picture.height * zoom, screen.height),
  };
}

/** Keep some of the picture on screen. */
export function leashed(viewport: Viewport, picture: Size, screen: Size): Viewport {
  const keep = (at: number, length: number, room: number) => {
    const least = Math.min(80, room / 4);
    return Math.min(Math.max(at, least - length), room - least);
  };
  return {
    zoom: viewport.zoom,
    x: keep(viewport.x, picture.width * viewport.zoom, screen.width),
    y: keep(viewport.y, picture.height * viewport.zoom, screen.height),
  };
}
