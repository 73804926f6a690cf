/** Lays out one level: its boxes and lines, relative to its upper left corner. */
import { ElkError, type ElkGraph, type RunElk } from "./elk";
import { type Arrangement, boxId, elkGraph, entryId, exitId } from "./elk_graph";
import { type Frame, frameOf } from "./frame";
import { BORDER, type LocalGraph, type OpenBox } from "./local_graph";
import { looseRows } from "./loose_rows";
import { isChain, ranksOf, stubsOf } from "./ranks";
import { routed, unrouted } from "./routes";

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
const MOST_BOXES = 1500;

/**
 * @param minWidth What the level's header needs; 0 for the graph itself, which has none.
 * @param before Rows and order that are to stay.
 */
export function layoutLevel(
  graph: LocalGraph,
  elk: RunElk,
  minWidth: number,
  before: Arrangement | null,
): Arranged {
  if (graph.items.length > MOST_BOXES) return inRows(graph, minWidth);
  try {
    return drawnBy(elk, graph, minWidth, before);
  } catch (error) {
    if (!(error instanceof ElkError)) throw error;
    // One group that ELK cannot draw is set in rows; the rest of the picture is as good as ever.
    return inRows(graph, minWidth);
  }
}

interface Arranged {
  layout: LevelLayout;
  arrangement: Arrangement;
}

function drawnBy(
  elk: RunElk,
  graph: LocalGraph,
  minWidth: number,
  before: Arrangement | null,
): Arranged {
  const ranks = ranksOf(graph);
  const stub = stubsOf(graph, ranks);
  const whole = stub.map((isStub) => !isStub);
  const taken = connected(graph, whole);
  const drawn = elkGraph(graph, ranks.order, whole, taken, isChain(graph, ranks, whole), before);
  if (drawn.children.length > 0) elk(drawn);
  return arranged(graph, drawn, stub, taken, minWidth);
}

/** All boxes in rows, and of lines the ends only. */
function inRows(graph: LocalGraph, minWidth: number): Arranged {
  const nothing: ElkGraph = { id: "level", layoutOptions: {}, children: [], edges: [] };
  const stub = graph.lines.map((line) => line.from === BORDER || line.from !== line.to);
  return arranged(
    graph,
    nothing,
    stub,
    graph.width.map(() => false),
    minWidth,
  );
}

function arranged(
  graph: LocalGraph,
  drawn: ElkGraph,
  stub: readonly boolean[],
  taken: readonly boolean[],
  minWidth: number,
): Arranged {
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
  const borderXs = (count: number, id: (port: number) => string): number[] =>
    Array.from({ length: count }, (_, port) => {
      const end = placed.get(id(port));
      return end ? (end.x ?? 0) + 0.5 + frame.left : (frame.width * (port + 1)) / (count + 1);
    });
  const entryX = borderXs(graph.entryCount, entryId);
  const exitX = borderXs(graph.exitCount, exitId);
  const { width, height } = frame;
  const layout: LevelLayout = { width, height, x, y, entryX, exitX, points: [], stub };
  const routes = new Map(drawn.edges.map((line) => [Number(line.id), line]));
  layout.points = graph.lines.map((line, index) => {
    const route = routes.get(index);
    return route ? routed(graph, layout, line, route, frame) : unrouted(graph, layout, line);
  });
  return layout;
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
