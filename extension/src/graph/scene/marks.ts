import type { ItemId, PlacedEdge } from "../types";
import { isGroup } from "../types";
import type { Indexed } from "./boxes";
import { headSize } from "./draw_line";
import { lineWidth, pieces } from "./lines";
import { ARROW_ZOOM } from "./lod";
import type { Look } from "./look";
import { arrowHead } from "./shapes";
import type { Sheet } from "./sheet";
import type { SceneSource } from "./source";

/** What is marked in a picture. */
export interface Marks {
  selected: readonly ItemId[];
  hovered: ItemId | null;
  hoveredEdge: PlacedEdge | null;
  /** Where the keyboard is, while the scene has the focus. */
  focused: ItemId | null;
  /** Numbers of edges to light up. */
  traced: readonly number[];
  /** Those of the line that was clicked. */
  pinned: readonly number[];
}

export const NO_MARKS: Marks = {
  selected: [],
  hovered: null,
  hoveredEdge: null,
  focused: null,
  traced: [],
  pinned: [],
};

/** So many lines of one box are lit; more would only cover the picture. */
const LIT_LINES = 600;
/** A lit line may pass over a box, whose text is to be read. */
const LIT_OPACITY = 0.75;
const LIT_MOST_PX = 3.5;
/** Outline of a box at the other end of a lit line, in px. */
const FAR_END_PX = 1.2;
const RADIUS = 7;

/** Lit lines, neighbours and outlines, in the world's units. */
export function drawMarks(
  sheet: Sheet,
  model: Indexed,
  marks: Marks,
  source: SceneSource,
  look: Look,
  zoom: number,
): void {
  const draw = { sheet, model, look, zoom };
  for (const line of model.linesFor(marks.pinned)) light(draw, line, look.select);
  traceEdges(draw, marks.traced, source);
  if (marks.hoveredEdge !== null) lightEdge(draw, marks.hoveredEdge, look.hover);
  for (const item of marks.selected.slice(0, 20)) {
    for (const line of linesAt(model, item, source)) {
      light(draw, line, look.select);
      outlineFarEnd(draw, line, item, look.select);
    }
  }
  if (marks.hovered !== null) {
    for (const line of linesAt(model, marks.hovered, source)) {
      light(draw, line, look.hover);
      outlineFarEnd(draw, line, marks.hovered, look.hover);
    }
    outline(draw, marks.hovered, look.hover, 1.5);
  }
  for (const item of marks.selected) outline(draw, item, look.select, 3);
  if (marks.focused !== null) outline(draw, marks.focused, look.ink, 1, 4);
}

interface Draw {
  sheet: Sheet;
  model: Indexed;
  look: Look;
  zoom: number;
}

/** Light the lines of edges; where both ends are in one closed group, that is outlined. */
function traceEdges(draw: Draw, edges: readonly number[], source: SceneSource): void {
  const { model, look } = draw;
  for (const line of model.linesFor(edges)) light(draw, line, look.select);
  const closed = new Set<ItemId>();
  for (const edge of edges.slice(0, LIT_LINES)) {
    if (model.linesFor([edge]).length > 0) continue;
    let at: ItemId | null = source.maker(edge);
    while (at !== null && !model.at.has(at)) at = source.parent(at);
    if (at !== null && model.at.get(at)?.open === false) closed.add(at);
  }
  for (const item of closed) outline(draw, item, look.select, 1.5);
}

/** Lines that begin or end at a box, with what they go on as beyond the borders of groups. */
export function linesAt(model: Indexed, item: ItemId, source: SceneSource): readonly number[] {
  const own = ownLines(model, item, source);
  const numbers = own.flatMap((line) => [...(model.picture.edges[line]?.edges ?? [])]);
  return model.linesFor(numbers).slice(0, LIT_LINES);
}

/** Of an open group those that leave it. */
function ownLines(model: Indexed, item: ItemId, source: SceneSource): readonly number[] {
  const own = model.linesOf(item);
  if (!isGroup(item) || model.at.get(item)?.open !== true) return own;
  const within = (other: ItemId): boolean => {
    for (let at: ItemId | null = other; at !== null; at = source.parent(at)) {
      if (at === item) return true;
    }
    return false;
  };
  const leaving: number[] = [];
  model.picture.edges.forEach(({ from, to }, line) => {
    if (within(from) !== within(to)) leaving.push(line);
  });
  return leaving;
}

function light(draw: Draw, line: number, color: string): void {
  const edge = draw.model.picture.edges[line];
  if (edge !== undefined) lightEdge(draw, edge, color);
}

function lightEdge({ sheet, model, look, zoom }: Draw, edge: PlacedEdge, color: string): void {
  const width = Number(Math.min(lineWidth(edge.edges.length, zoom) + 1, LIT_MOST_PX).toFixed(1));
  const brush = look.brush({ stroke: color, width, opacity: LIT_OPACITY });
  const parts = pieces(edge, model.at);
  for (const points of parts) sheet.line(0, brush, points);
  const last = parts[parts.length - 1];
  const head =
    last !== undefined && zoom >= ARROW_ZOOM && model.at.get(edge.to)?.open !== true
      ? arrowHead(last, headSize(width, zoom))
      : null;
  if (head !== null) sheet.polygon(1, look.brush({ fill: color }), head);
}

function outlineFarEnd(draw: Draw, line: number, item: ItemId, color: string): void {
  const edge = draw.model.picture.edges[line];
  if (edge === undefined) return;
  for (const end of [edge.from, edge.to]) {
    if (end !== item && draw.model.at.get(end)?.open === false)
      outline(draw, end, color, FAR_END_PX);
  }
}

/** @param width Of the outline, in screen px, as is its distance `away` from the box. */
function outline(
  { sheet, model, look, zoom }: Draw,
  item: ItemId,
  color: string,
  width: number,
  away = 0,
): void {
  const placed = model.at.get(item);
  if (placed === undefined) return;
  const grow = (width / 2 + away) / zoom;
  const least = 6 / zoom;
  const w = Math.max(placed.width, least) + 2 * grow;
  const h = Math.max(placed.height, least) + 2 * grow;
  const x = placed.x - grow;
  const y = placed.y - grow;
  const radius = RADIUS + grow;
  if (width > 2) {
    const halo = look.brush({ stroke: look.surface, width: width + 3 });
    sheet.box(2, halo, x, y, w, h, radius);
  }
  const dash = away > 0 ? [3, 2] : undefined;
  sheet.box(3, look.brush({ stroke: color, width, dash }), x, y, w, h, radius);
}
