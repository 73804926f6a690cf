/** Lays out one level: its boxes and lines, relative to its upper left corner. */
import * as sizes from "../sizes";
import type { ElkGraph, ElkLine, RunElk } from "./elk";
import { type Arrangement, boxId, elkGraph, entryId, exitId } from "./elk_graph";
import { type Frame, frameOf } from "./frame";
import { BORDER, type LocalGraph, type LocalLine, type OpenBox } from "./local_graph";
import { looseRows } from "./loose_rows";
import { isChain, ranksOf, stubsOf } from "./ranks";

export interface LevelLayout extends OpenBox {
  /** By box. */
  x: Float64Array;
  y: Float64Array;
  /** By line: x, y, x, y, … . */
  points: Float32Array[];
  /** By line. */
  stub: readonly boolean[];
}

/** A level of so many boxes is set in rows: ELK would take minutes. */
export const MOST_BOXES = 1500;

/**
 * @param minWidth What the level's header needs; 0 for the graph itself, which has none.
 * @param before Rows and order that are to stay.
 */
export function layoutLevel(
  graph: LocalGraph,
  elk: RunElk,
  minWidth: number,
  before: Arrangement | null,
): { layout: LevelLayout; arrangement: Arrangement } {
  const ranks = ranksOf(graph);
  const many = graph.items.length > MOST_BOXES;
  const stub = many ? graph.lines.map(() => true) : stubsOf(graph, ranks);
  const whole = stub.map((isStub) => !isStub);
  const taken = connected(graph, whole);
  const drawn = elkGraph(graph, ranks.order, whole, taken, isChain(graph, ranks, whole), before);
  if (drawn.children.length > 0) elk(drawn);
  const drawnSize = { width: drawn.width ?? 0, height: drawn.height ?? 0 };
  const frame = frameOf(graph, drawnSize, looseRows(graph, taken, drawnSize.width), minWidth);
  const layout = readBack(graph, drawn, stub, frame);
  return { layout, arrangement: arrangementOf(graph, layout, taken) };
}

/** By box: whether a whole line goes to another box or to the border. */
function connected(graph: LocalGraph, whole: readonly boolean[]): boolean[] {
  const taken = new Array<boolean>(graph.items.length).fill(false);
  graph.lines.forEach((line, index) => {
    if (!whole[index] || line.from === line.to) return;
    if (line.from !== BORDER) taken[line.from] = true;
    if (line.to !== BORDER) taken[line.to] = true;
  });
  for (const box of graph.below.flat()) taken[box] = true;
  return taken;
}

function readBack(
  graph: LocalGraph,
  drawn: ElkGraph,
  stub: readonly boolean[],
  frame: Frame,
): LevelLayout {
  const placed = new Map(drawn.children.map((child) => [child.id, child]));
  const x = new Float64Array(graph.items.length);
  const y = new Float64Array(graph.items.length);
  const { loose } = frame;
  for (let box = 0; box < x.length; box += 1) {
    const child = placed.get(boxId(box));
    x[box] = child ? (child.x ?? 0) + frame.left : (loose.x[box] as number) + frame.looseLeft;
    y[box] = child ? (child.y ?? 0) + frame.top : (loose.y[box] as number) + frame.looseTop;
  }
  const borderX = (id: string): number => (placed.get(id)?.x ?? 0) + 0.5 + frame.left;
  const entryX = Array.from({ length: graph.entryCount }, (_, port) => borderX(entryId(port)));
  const exitX = Array.from({ length: graph.exitCount }, (_, port) => borderX(exitId(port)));
  const { width, height } = frame;
  const layout: LevelLayout = { width, height, x, y, entryX, exitX, points: [], stub };
  const routes = new Map(drawn.edges.map((line) => [Number(line.id), line]));
  layout.points = graph.lines.map((line, index) => {
    const route = routes.get(index);
    return route ? routed(graph, layout, line, route, frame) : unrouted(graph, layout, line);
  });
  return layout;
}

/** ELK's route, led on to the level's border where the line comes from outside or goes there. */
function routed(
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
function unrouted(graph: LocalGraph, layout: LevelLayout, line: LocalLine): Float32Array {
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

/** Rows are what does not overlap from top to bottom. */
function arrangementOf(
  graph: LocalGraph,
  layout: LevelLayout,
  taken: readonly boolean[],
): Arrangement {
  const row = new Int32Array(graph.items.length);
  const byTop = Array.from(row.keys())
    .filter((box) => taken[box])
    .sort((a, b) => (layout.y[a] as number) - (layout.y[b] as number));
  let current = -1;
  let bottom = Number.NEGATIVE_INFINITY;
  for (const box of byTop) {
    if ((layout.y[box] as number) >= bottom) current += 1;
    row[box] = current;
    bottom = Math.max(bottom, (layout.y[box] as number) + (graph.height[box] as number));
  }
  if (graph.up) for (const box of byTop) row[box] = current - (row[box] as number);
  const order = byTop.sort(
    (a, b) =>
      (row[a] as number) - (row[b] as number) || (layout.x[a] as number) - (layout.x[b] as number),
  );
  return { row, order };
}
