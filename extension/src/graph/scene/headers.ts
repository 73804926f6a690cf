import { HEADER_HEIGHT } from "../sizes";
import type { PlacedItem, Viewport } from "../types";
import { overlaps, type Rect, type Size, toScreen } from "./viewport";

const LEAST_PX = 16;
const MOST_PX = 34;
/** Frames smaller than this on screen have no header. */
const FRAME_WIDTH_PX = 56;
const FRAME_HEIGHT_PX = 40;
/** A header that is drawn larger than it is needs a frame so many times as high. */
const ENLARGED = 5;
/** So much of the screen's height may be taken by headers that stick to the top. */
const STUCK_SHARE = 0.2;

/** The header of an open group, on screen. */
export interface HeaderBar extends Rect {
  placed: PlacedItem;
  /** The frame's own header is out of sight above. */
  stuck: boolean;
  /** It is larger than the header in the picture. */
  enlarged: boolean;
}

/**
 * Headers of the open groups on screen, in screen px.
 *
 * A header is never smaller than can be read, sticks to the top while its group is scrolled, and
 * gives way to those of the groups around it.
 *
 * @param frames Open groups that touch the screen, outermost first.
 */
export function headerBars(frames: PlacedItem[], viewport: Viewport, screen: Size): HeaderBar[] {
  const height = Math.min(Math.max(HEADER_HEIGHT * viewport.zoom, LEAST_PX), MOST_PX);
  const natural = HEADER_HEIGHT * viewport.zoom;
  const leastHeight = natural < LEAST_PX ? ENLARGED * height : FRAME_HEIGHT_PX;
  const bars: HeaderBar[] = [];
  for (const placed of frames) {
    const frame = toScreen(placed, viewport);
    if (frame.width < FRAME_WIDTH_PX || frame.height < leastHeight) continue;
    const bar = headerBar(placed, frame, height, screen, bars, viewport.zoom);
    if (bar === null) continue;
    if (bars.some((other) => overlaps(inset(other), inset(bar)))) continue;
    bars.push(bar);
  }
  return bars;
}

function headerBar(
  placed: PlacedItem,
  frame: Rect,
  height: number,
  screen: Size,
  bars: HeaderBar[],
  zoom: number,
): HeaderBar | null {
  const left = Math.max(frame.x, 0);
  const width = Math.min(frame.x + frame.width, screen.width) - left;
  if (width < FRAME_WIDTH_PX) return null;
  const above = bars.filter(({ stuck, x, width: w }) => stuck && left < x + w && x < left + width);
  const top = above.reduce((low, bar) => Math.max(low, bar.y + bar.height), 0);
  const stuck = frame.y < top;
  if (stuck && top + height > STUCK_SHARE * screen.height) return null;
  const y = stuck ? top : frame.y;
  if (y + 1.5 * height > frame.y + frame.height || y > screen.height) return null;
  return {
    placed,
    x: left,
    y,
    width,
    height,
    stuck,
    enlarged: height > HEADER_HEIGHT * zoom + 0.5,
  };
}

const inset = ({ x, y, width, height }: Rect): Rect => ({
  x: x + 1,
  y: y + 2,
  width: width - 2,
  height: height - 4,
});
