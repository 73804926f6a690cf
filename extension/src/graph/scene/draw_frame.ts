import type { PlacedItem } from "../types";
import type { Drawing } from "./compose";
import type { Rect } from "./viewport";

const RADIUS = 8;
/** Frames smaller than this on screen have square corners. */
const ROUND_PX = 24;

/** The quiet frame of an open group; its header is drawn by {@link drawHeaders}. */
export function drawFrame(
  { sheet, look, zoom, opacity, source }: Drawing,
  { item, depth }: PlacedItem,
  { x, y, width, height }: Rect,
): void {
  if (Math.max(width, height) * zoom < 2) return;
  const { kind, half } = source.face(item);
  const frame = kind === "subgraph" ? look.subgraphFrame : look.frame;
  const brush = look.brush({
    ...frame,
    stroke: kind === "half" ? look.half[half] : frame.stroke,
    opacity,
  });
  const round = Math.min(width, height) * zoom >= ROUND_PX ? RADIUS : 0;
  sheet.box(Math.min(depth, 99), brush, x, y, width, height, round);
}
