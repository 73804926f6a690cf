/** The points of a level's lines, relative to its upper left corner. */
import * as sizes from "../sizes";
import type { ElkLine } from "./elk";
import type { Frame } from "./frame";
import type { LevelLayout } from "./level_layout";
import { BORDER, type LocalGraph, type LocalLine } from "./local_graph";

/** ELK's route, led on to the level's border where the line comes from outside or goes there. */
export function routed(
  graph: LocalGraph,
  layout: LevelLayout,
  line: LocalLine,
  route: ElkLine,
  frame: Frame,
): Float32Array {
  const points: number[] = [];
  if (line.from === BORDER) points.push(...borderPoint(graph, layout, line.fromPort, "entryX"));
  for (const section of route.sections ?? []) {
    const path = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
    if (line.from === BORDER) path.shift();
    if (line.to === BORDER) path.pop();
    for (const point of path) points.push(point.x + frame.left, point.y + frame.top);
  }
  if (line.to === BORDER) points.push(...borderPoint(graph, layout, line.toPort, "exitX"));
  return Float32Array.from(points);
}

/** Where a line goes through the level's border: below its header, or at its lower edge. */
function borderPoint(
  graph: LocalGraph,
  layout: LevelLayout,
  port: number,
  side: "entryX" | "exitX",
): [number, number] {
  const above = (side === "entryX") !== graph.up;
  return [layout[side][port] ?? layout.width / 2, above ? sizes.HEADER_HEIGHT : layout.height];
}

/** The two ends of a line that is not drawn whole, or the loop of a box that uses its own tensor. */
export function unrouted(graph: LocalGraph, layout: LevelLayout, line: LocalLine): Float32Array {
  const along = graph.up ? -sizes.STUB_LENGTH : sizes.STUB_LENGTH;
  const [startX, startY] =
    line.from === BORDER
      ? borderPoint(graph, layout, line.fromPort, "entryX")
      : boxPoint(graph, layout, line.from, line.fromPort, "exitX");
  const [endX, endY] =
    line.to === BORDER
      ? borderPoint(graph, layout, line.toPort, "exitX")
      : boxPoint(graph, layout, line.to, line.toPort, "entryX");
  const inset = along / 2;
  const start = [startX, startY, startX, startY + (line.from === BORDER ? inset : along)];
  const end = [endX, endY - (line.to === BORDER ? inset : along), endX, endY];
  if (line.from !== line.to || line.from === BORDER) return Float32Array.from([...start, ...end]);
  const side = (layout.x[line.from] as number) + (graph.width[line.from] as number) + along;
  return Float32Array.from([
    startX,
    startY,
    startX,
    startY + inset,
    side,
    startY + inset,
    side,
    endY - inset,
    endX,
    endY - inset,
    endX,
    endY,
  ]);
}

/** Where the end of a stub stands: away from the middle, where whole lines start. */
function boxPoint(
  graph: LocalGraph,
  layout: LevelLayout,
  box: number,
  port: number,
  side: "entryX" | "exitX",
): [number, number] {
  const open = graph.open[box];
  const width = graph.width[box] as number;
  const place = open?.[side][port] ?? (side === "exitX" ? width * 0.75 : width * 0.2);
  const above = (side === "entryX") !== graph.up;
  const bottom = above ? 0 : (graph.height[box] as number);
  return [(layout.x[box] as number) + place, (layout.y[box] as number) + bottom];
}
