import { HEADER_HEIGHT } from "../sizes";
import type { PlacedItem } from "../types";
import type { Drawing } from "./compose";
import type { Rect } from "./viewport";

const RADIUS = 8;
const SUBGRAPH_DASH = [5, 4];
/** Frames smaller than this on screen have square corners. */
const ROUND_PX = 48;
/** Frames smaller than this have thin lines. */
const THIN_PX = 40;
/** Headers lower than this on screen are not told apart from the frame. */
const STRIP_PX = 4;
/** Below this depth frames are no longer put one above the other for sure. */
const DEEPEST = 49;

/** The quiet frame of an open group; what is written on its header is drawn by `drawHeaders`. */
export function drawFrame(
  { sheet, look, zoom, opacity, source }: Drawing,
  { item, depth }: PlacedItem,
  { x, y, width, height }: Rect,
): void {
  const side = Math.min(width, height) * zoom;
  if (Math.max(width, height) * zoom < 2) return;
  const { kind, half } = source.face(item);
  const brush = look.brush({
    fill: look.frames[Math.min(depth, look.frames.length - 1)],
    stroke: kind === "half" ? look.half[half] : kind === "subgraph" ? look.line : look.frameLine,
    dash: kind === "subgraph" ? SUBGRAPH_DASH : undefined,
    width: side < THIN_PX ? 0.5 : 1,
    opacity,
  });
  const z = Math.min(depth, DEEPEST) * 2;
  const radius = side >= ROUND_PX ? RADIUS : 0;
  sheet.box(z, brush, x, y, width, height, radius);
  if (HEADER_HEIGHT * zoom < STRIP_PX) return;
  const strip = look.brush({ fill: look.header, opacity });
  const line = 1 / zoom;
  sheet.box(z + 1, strip, x + line / 2, y + line / 2, width - line, HEADER_HEIGHT - line, radius);
}
