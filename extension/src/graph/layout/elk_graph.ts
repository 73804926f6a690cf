/** A level in ELK's words. */
import type { ElkBox, ElkGraph, ElkLine, ElkPort } from "./elk";
import { BORDER, type LocalGraph, type OpenBox } from "./local_graph";

const LAYERED = "elk.layered.";

/** Between two lines at the same edge of a box. */
const PORT_GAP = 8;

/** Rows are numbered, and ELK is told a row by a height that no picture has. */
const ROW = 100_000;

const OPTIONS: Record<string, string> = {
  "elk.algorithm": "layered",
  "elk.padding": "[top=0,left=0,bottom=0,right=0]",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.separateConnectedComponents": "false",
  "elk.randomSeed": "1",
  "elk.spacing.nodeNode": "16",
  "elk.spacing.edgeNode": "10",
  "elk.spacing.edgeEdge": "7",
  "elk.spacing.portPort": String(PORT_GAP),
  [`${LAYERED}spacing.nodeNodeBetweenLayers`]: "24",
  [`${LAYERED}spacing.edgeNodeBetweenLayers`]: "10",
  [`${LAYERED}spacing.edgeEdgeBetweenLayers`]: "7",
  [`${LAYERED}cycleBreaking.strategy`]: "MODEL_ORDER",
  [`${LAYERED}considerModelOrder.strategy`]: "NODES_AND_EDGES",
  [`${LAYERED}nodePlacement.favorStraightEdges`]: "true",
  [`${LAYERED}thoroughness`]: "3",
};

/** Keeps rows and the order in them as they were. */
const AS_BEFORE: Record<string, string> = {
  [`${LAYERED}layering.strategy`]: "INTERACTIVE",
  [`${LAYERED}crossingMinimization.forceNodeModelOrder`]: "true",
  [`${LAYERED}crossingMinimization.greedySwitch.type`]: "OFF",
};

/**
 * Boxes one below the other, in their middle. ELK's own way keeps lines straight at any cost: as
 * lines leave a block elsewhere than they enter it, fifty blocks would become a flight of stairs.
 */
const CENTRED: Record<string, string> = { [`${LAYERED}nodePlacement.strategy`]: "SIMPLE" };

/** Where boxes stood while all were closed: the row of each, and their order from left to right. */
export interface Arrangement {
  row: Int32Array;
  order: number[];
}

export const boxId = (box: number): string => `b${box}`;
export const entryId = (port: number): string => `i${port}`;
export const exitId = (port: number): string => `o${port}`;

/**
 * @param order Boxes in the order they are given to ELK, which it keeps where it can.
 * @param whole By line: whether ELK routes it.
 * @param taken By box: whether it is in ELK's picture.
 * @param isChain The boxes are groups, one after the other.
 * @param before Rows and order that are to stay.
 */
export function elkGraph(
  graph: LocalGraph,
  order: readonly number[],
  whole: readonly boolean[],
  taken: readonly boolean[],
  isChain: boolean,
  before: Arrangement | null,
): ElkGraph {
  const boxes = new Map<number, ElkBox>();
  for (const box of before?.order ?? order) {
    if (taken[box]) boxes.set(box, elkBox(graph, box));
  }
  const edges: ElkLine[] = [];
  const crowded = crowdedBoxes(graph, whole);
  graph.lines.forEach((line, index) => {
    if (!whole[index] || line.from === line.to) return;
    const source =
      line.from === BORDER ? `${entryId(line.fromPort)}p` : outPort(graph, boxes, line);
    const target =
      line.to === BORDER
        ? `${exitId(line.toPort)}p`
        : inPort(graph, boxes, line, crowded[line.to] ? 0 : index);
    edges.push({ id: String(index), sources: [source], targets: [target] });
  });
  graph.below.forEach(([first, second], index) => {
    const source = outPort(graph, boxes, { from: first, fromPort: 0 });
    const target = inPort(graph, boxes, { to: second, toPort: 0 }, 0);
    edges.push({ id: `below${index}`, sources: [source], targets: [target] });
  });
  if (before !== null) placeInRows(graph, boxes, before);
  return {
    id: "level",
    layoutOptions: {
      ...OPTIONS,
      "elk.direction": graph.up ? "UP" : "DOWN",
      ...(before === null ? {} : AS_BEFORE),
      ...(isChain ? CENTRED : {}),
    },
    children: [
      ...borderBoxes(graph.entryCount, entryId, "FIRST_SEPARATE", graph.up ? "NORTH" : "SOUTH"),
      ...boxes.values(),
      ...borderBoxes(graph.exitCount, exitId, "LAST_SEPARATE", graph.up ? "SOUTH" : "NORTH"),
    ],
    edges,
  };
}

function elkBox(graph: LocalGraph, box: number): ElkBox {
  const open = graph.open[box];
  return {
    id: boxId(box),
    width: graph.width[box] as number,
    height: graph.height[box] as number,
    ports: [],
    layoutOptions: { "elk.portConstraints": open ? "FIXED_POS" : "FIXED_SIDE" },
  };
}

function borderBoxes(
  count: number,
  id: (port: number) => string,
  constraint: "FIRST_SEPARATE" | "LAST_SEPARATE",
  side: "NORTH" | "SOUTH",
): ElkBox[] {
  return Array.from({ length: count }, (_, index) => ({
    id: id(index),
    width: 1,
    height: 1,
    ports: [port(`${id(index)}p`, side, { x: 0.5, y: side === "NORTH" ? 0 : 1 })],
    layoutOptions: {
      "elk.portConstraints": "FIXED_POS",
      [`${LAYERED}layering.layerConstraint`]: constraint,
    },
  }));
}

/** By box: whether so many lines end at it that they have to share one place. */
function crowdedBoxes(graph: LocalGraph, whole: readonly boolean[]): boolean[] {
  const counts = new Int32Array(graph.items.length);
  graph.lines.forEach(({ to }, index) => {
    if (to !== BORDER && whole[index]) counts[to] = (counts[to] as number) + 1;
  });
  return graph.width.map((width, box) => (counts[box] as number) * PORT_GAP > width - PORT_GAP);
}

/** Lines of one box start together, below its middle or at an exit of its border. */
function outPort(
  graph: LocalGraph,
  boxes: Map<number, ElkBox>,
  line: { from: number; fromPort: number },
): string {
  const { from, fromPort } = line;
  const id = `s${from}.${fromPort}`;
  const box = boxes.get(from) as ElkBox;
  if (box.ports.some((port) => port.id === id)) return id;
  box.ports.push(port(id, graph.up ? "NORTH" : "SOUTH", fixedAt(graph, from, fromPort, "exitX")));
  return id;
}

/**
 * Lines into a closed box have places of their own, so that two are not read as one.
 *
 * @param place Equal for those that share one.
 */
function inPort(
  graph: LocalGraph,
  boxes: Map<number, ElkBox>,
  line: { to: number; toPort: number },
  place: number,
): string {
  const { to, toPort } = line;
  const open = graph.open[to];
  const id = open ? `t${to}.${toPort}` : `t${to}-${place}`;
  const box = boxes.get(to) as ElkBox;
  if (box.ports.some((port) => port.id === id)) return id;
  box.ports.push(port(id, graph.up ? "SOUTH" : "NORTH", fixedAt(graph, to, toPort, "entryX")));
  return id;
}

/** Where a place on an open box's border is; undefined where ELK may choose. */
function fixedAt(
  graph: LocalGraph,
  box: number,
  port: number,
  side: "entryX" | "exitX",
): { x: number; y: number } | undefined {
  const open: OpenBox | null | undefined = graph.open[box];
  if (!open) return undefined;
  const above = (side === "entryX") !== graph.up;
  return { x: open[side][port] ?? open.width / 2, y: above ? 0 : open.height };
}

function port(id: string, side: string, place: { x: number; y: number } | undefined): ElkPort {
  return { id, width: 0, height: 0, ...place, layoutOptions: { "elk.port.side": side } };
}

function placeInRows(graph: LocalGraph, boxes: Map<number, ElkBox>, before: Arrangement): void {
  const position = new Map(before.order.map((box, index) => [box, index]));
  for (const [box, elk] of boxes) {
    const row = before.row[box] as number;
    elk.x = (position.get(box) as number) * ROW;
    elk.y = (graph.up ? -row : row) * ROW;
  }
}
