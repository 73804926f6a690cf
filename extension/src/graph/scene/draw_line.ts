import type { PlacedEdge } from "../types";
import { type Drawing, Z } from "./compose";
import { lineBounds, lineWidth, pieces } from "./lines";
import { ARROW_ZOOM, lineOpacity, lineShows, MIN_TEXT_PX, STUB_NAME_ZOOM } from "./lod";
import { arrowHead } from "./shapes";
import type { Brush } from "./sheet";

const CROSSING_DASH = [5, 4];
const HEAD_PX = 7;
const NAME_PX = 9.5;
const NAME_ROOM = 150;

/** A line with its arrow head; of a stub both ends, each with the other end's name. */
export function drawLine(drawing: Drawing, edge: PlacedEdge): void {
  const { sheet, zoom } = drawing;
  const { width, height } = lineBounds(edge);
  if (!lineShows(width, height, zoom)) return;
  const brush = lineBrush(drawing, edge);
  const parts = pieces(edge);
  for (const points of parts) sheet.line(Z.line, brush, points);
  const last = parts[parts.length - 1];
  if (last !== undefined && zoom >= ARROW_ZOOM) drawHead(drawing, last, brush);
  if (edge.shape === "stub" && zoom >= STUB_NAME_ZOOM) drawNames(drawing, edge, parts);
}

/** How a line is painted when nothing is selected. */
function lineBrush({ look, overlay, zoom, opacity }: Drawing, edge: PlacedEdge): Brush {
  const paint = overlay?.edge(edge) ?? null;
  const strength = Number((lineOpacity(zoom) * opacity).toFixed(2));
  if (paint !== null) {
    return look.brush({ stroke: paint.color, width: paint.width, opacity: strength });
  }
  const stub = edge.shape === "stub";
  return look.brush({
    stroke: edge.crossing ? look.crossing : look.line,
    width: Number(lineWidth(edge.edges.length, zoom).toFixed(1)),
    dash: edge.crossing && zoom >= ARROW_ZOOM ? CROSSING_DASH : undefined,
    opacity: stub ? strength * 0.85 : strength,
  });
}

/** The head grows a little with the line's width, and never beyond what the zoom allows. */
export function headSize(width: number, zoom: number): number {
  return ((HEAD_PX + width) * Math.min(zoom, 1.4)) / zoom;
}

function drawHead({ sheet, look, zoom }: Drawing, points: Float32Array, line: Brush): void {
  const head = arrowHead(points, headSize(line.width ?? 1, zoom));
  if (head === null) return;
  sheet.polygon(Z.head, look.brush({ fill: line.stroke, opacity: line.opacity }), head);
}

function drawNames(drawing: Drawing, edge: PlacedEdge, parts: Float32Array[]): void {
  const { sheet, look, fitter, source, zoom, opacity } = drawing;
  const [first, last] = [parts[0], parts[1]];
  if (first === undefined || last === undefined || NAME_PX * zoom < MIN_TEXT_PX - 1) return;
  const style = {
    font: fitter.font(NAME_PX),
    fill: edge.crossing ? look.crossing : look.muted,
    opacity,
  };
  const room = (text: string) => fitter.fit(text, NAME_PX, NAME_ROOM, false, "ends");
  const to = `→ ${room(source.face(edge.to).title)}`;
  const from = `${room(source.face(edge.from).title)} →`;
  sheet.text(Z.text, to, (first[2] as number) + 4, (first[3] as number) - 1, style);
  sheet.text(Z.text, from, (last[0] as number) + 4, (last[1] as number) + 1, style);
}
