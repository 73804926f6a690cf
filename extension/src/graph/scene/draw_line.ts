import type { PlacedEdge } from "../types";
import { clipped } from "./clip";
import { type Drawing, Z } from "./compose";
import { css, rgba } from "./contrast";
import { lineBounds, lineWidth, pieces } from "./lines";
import { ARROW_ZOOM, lineOpacity, lineShows } from "./lod";
import { arrowHead } from "./shapes";
import type { Brush } from "./sheet";

const CROSSING_DASH = [5, 4];
/** What is kept for the gradients is told apart by tint and dashes; it need not be wide too. */
const CROSSING_MOST_PX = 3;
const CROSSING_OPACITY = 0.8;
const STUB_OPACITY = 0.85;
const HEAD_PX = 6;

/** A line with its arrow head; of a stub both ends. */
export function drawLine(drawing: Drawing, edge: PlacedEdge): void {
  const { sheet, zoom, at, area } = drawing;
  const { width, height } = lineBounds(edge);
  if (!lineShows(width, height, zoom)) return;
  const brush = lineBrush(drawing, edge);
  const parts = pieces(edge, at);
  for (const points of parts) {
    for (const run of clipped(points, area)) sheet.line(Z.line, brush, run);
  }
  const last = parts[parts.length - 1];
  // At an open group's border the line goes on inside.
  if (last === undefined || zoom < ARROW_ZOOM || at.get(edge.to)?.open === true) return;
  const head = arrowHead(last, headSize(brush.width ?? 1, zoom));
  if (head === null) return;
  sheet.polygon(Z.head, drawing.look.brush({ fill: brush.stroke, opacity: brush.opacity }), head);
}

/** How a line is painted when nothing is selected. */
function lineBrush({ look, overlay, zoom, opacity }: Drawing, edge: PlacedEdge): Brush {
  const paint = overlay?.edge(edge) ?? null;
  const strength = lineOpacity(zoom) * opacity;
  const round = (value: number) => Number(value.toFixed(2));
  const { crossing, shape } = edge;
  const dash = crossing && zoom >= ARROW_ZOOM ? CROSSING_DASH : undefined;
  if (paint !== null) {
    const stroke = css(rgba(paint.color));
    return look.brush({ stroke, dash, width: round(paint.width), opacity: round(strength) });
  }
  const width = lineWidth(edge.edges.length, zoom);
  const share = crossing ? CROSSING_OPACITY : shape === "stub" ? STUB_OPACITY : 1;
  return look.brush({
    stroke: crossing ? look.crossing : look.line,
    width: Number((crossing ? Math.min(width, CROSSING_MOST_PX) : width).toFixed(1)),
    dash,
    opacity: round(strength * share),
  });
}

/** The head grows a little with the line's width, and shrinks with the zoom; in the world's units. */
export function headSize(width: number, zoom: number): number {
  return ((HEAD_PX + 1.3 * width) * Math.min(zoom, 1.4)) / zoom;
}
