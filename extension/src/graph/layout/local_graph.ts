/** One level as a flat graph: boxes side by side, ports on the borders, one line per pair. */
import { PIECE } from "./levels";
import type { LayoutInput } from "./messages";

/** More tensors than this through one border share one place on it. */
const MOST_PORTS = 6;

/** An end of a line that is the border of the level. */
export const BORDER = -1;

/** Where lines go in and out of an open box, from its left. */
export interface OpenBox {
  width: number;
  height: number;
  entryX: readonly number[];
  exitX: readonly number[];
}

/** Which place on a border each tensor has. */
export interface Ports {
  entries: ReadonlyMap<number, number>;
  exits: ReadonlyMap<number, number>;
}

export interface LocalLine {
  /** Index of a box, or {@link BORDER}. */
  from: number;
  fromPort: number;
  to: number;
  toPort: number;
  /** Edges of the structure. */
  edges: number[];
}

export interface LocalGraph {
  /** Lines run upwards. */
  up: boolean;
  items: Int32Array;
  width: number[];
  height: number[];
  /** By box; null where closed. */
  open: (OpenBox | null)[];
  entryCount: number;
  exitCount: number;
  lines: LocalLine[];
  /** First box, second box: the second belongs below the first, though no line leads there. */
  below: [number, number][];
}

/** The places of the tensors that go through a level's border. */
export function portsOf(group: number, pieces: readonly number[]): Ports {
  const entries = new Map<number, number>();
  const exits = new Map<number, number>();
  const border = -1 - group;
  for (let at = 0; group >= 0 && at < pieces.length; at += PIECE) {
    const value = pieces[at + 2] as number;
    if (pieces[at] === border && !entries.has(value)) entries.set(value, entries.size);
    if (pieces[at + 1] === border && !exits.has(value)) exits.set(value, exits.size);
  }
  return { entries: shared(entries), exits: shared(exits) };
}

function shared(ports: Map<number, number>): Map<number, number> {
  if (ports.size <= MOST_PORTS) return ports;
  for (const value of ports.keys()) ports.set(value, 0);
  return ports;
}

const portCount = (ports: ReadonlyMap<number, number>): number => new Set(ports.values()).size;

/**
 * @param group The level; -1 is the graph.
 * @param boxes Open boxes that have been laid out, by group.
 * @param ports Their ports, by group, the level's own included.
 */
export function localGraph(
  input: LayoutInput,
  group: number,
  pieces: readonly number[],
  boxes: ReadonlyMap<number, OpenBox>,
  ports: ReadonlyMap<number, Ports>,
  closedHeight: number,
): LocalGraph {
  const items = input.childItems.subarray(
    input.childStarts[group + 1] as number,
    input.childStarts[group + 2] as number,
  );
  const place = new Map<number, number>();
  items.forEach((item, index) => {
    place.set(item, index);
  });
  const open = Array.from(items, (item) => (item < 0 ? (boxes.get(-1 - item) ?? null) : null));
  const own = ports.get(group);
  const lines = localLines(group, pieces, place, ports);
  return {
    up: group >= 0 && input.groupBackward[group] === 1,
    items,
    open,
    width: Array.from(items, (item, index) => open[index]?.width ?? closedWidth(input, item)),
    height: Array.from(
      items,
      (item, index) =>
        open[index]?.height ?? (item < 0 ? closedHeight : (input.nodeHeight[item] as number)),
    ),
    entryCount: own === undefined ? 0 : portCount(own.entries),
    exitCount: own === undefined ? 0 : portCount(own.exits),
    lines,
    below: [...inTurn(input, group, items, lines), ...bodies(input, items, place)],
  };
}

function closedWidth(input: LayoutInput, item: number): number {
  return (item < 0 ? input.groupWidth[-1 - item] : input.nodeWidth[item]) as number;
}

function localLines(
  group: number,
  pieces: readonly number[],
  place: ReadonlyMap<number, number>,
  ports: ReadonlyMap<number, Ports>,
): LocalLine[] {
  const border = -1 - group;
  const lines = new Map<string, LocalLine>();
  for (let at = 0; at < pieces.length; at += PIECE) {
    const [from, to, value, edge] = pieces.slice(at, at + PIECE) as [
      number,
      number,
      number,
      number,
    ];
    const enters = group >= 0 && from === border;
    const leaves = group >= 0 && to === border;
    // An open box is left through its exits; the level's own border is entered through its entries.
    const fromPort = from < 0 ? ports.get(-1 - from)?.[enters ? "entries" : "exits"].get(value) : 0;
    const toPort = to < 0 ? ports.get(-1 - to)?.[leaves ? "exits" : "entries"].get(value) : 0;
    const line: LocalLine = {
      from: enters ? BORDER : (place.get(from) as number),
      fromPort: fromPort ?? 0,
      to: leaves ? BORDER : (place.get(to) as number),
      toPort: toPort ?? 0,
      edges: [edge],
    };
    const key = `${line.from}.${line.fromPort}-${line.to}.${line.toPort}`;
    const known = lines.get(key);
    if (known === undefined) lines.set(key, line);
    else known.edges.push(edge);
  }
  return [...lines.values()];
}

/** Equal modules that run in turn, where nothing else says that they do. */
function inTurn(
  input: LayoutInput,
  group: number,
  items: Int32Array,
  lines: readonly LocalLine[],
): [number, number][] {
  if (group < 0 || input.groupRepeats[group] !== 1) return [];
  if (lines.some((line) => line.from !== BORDER && line.to !== BORDER)) return [];
  return Array.from(items.subarray(1), (_, index) => [index, index + 1]);
}

/** The bodies of nodes, below the nodes whose they are. */
function bodies(
  input: LayoutInput,
  items: Int32Array,
  place: ReadonlyMap<number, number>,
): [number, number][] {
  const pairs: [number, number][] = [];
  items.forEach((item, index) => {
    const owner = item < 0 ? place.get(input.groupOwner[-1 - item] as number) : undefined;
    if (owner !== undefined) pairs.push([owner, index]);
  });
  return pairs;
}

/** The same level with every group in it closed. */
export function closedForm(
  graph: LocalGraph,
  input: LayoutInput,
  closedHeight: number,
): LocalGraph {
  const lines = new Map<string, LocalLine>();
  for (const line of graph.lines) {
    const closed: LocalLine = {
      ...line,
      fromPort: line.from !== BORDER && graph.open[line.from] ? 0 : line.fromPort,
      toPort: line.to !== BORDER && graph.open[line.to] ? 0 : line.toPort,
    };
    const key = `${closed.from}.${closed.fromPort}-${closed.to}.${closed.toPort}`;
    if (!lines.has(key)) lines.set(key, closed);
  }
  return {
    ...graph,
    open: graph.open.map(() => null),
    width: graph.width.map((width, index) =>
      graph.open[index] ? closedWidth(input, graph.items[index] as number) : width,
    ),
    height: graph.height.map((height, index) => (graph.open[index] ? closedHeight : height)),
    lines: [...lines.values()],
  };
}

/** Equal for levels that look the same, whatever their boxes are called. */
export function signature(graph: LocalGraph): string {
  const parts: (number | string)[] = [graph.up ? 1 : 0, graph.entryCount, graph.exitCount];
  graph.width.forEach((width, index) => {
    const box = graph.open[index];
    parts.push(width, graph.height[index] as number);
    if (box) parts.push("i", ...box.entryX, "o", ...box.exitX, ";");
  });
  for (const line of graph.lines) {
    parts.push("e", line.from, line.fromPort, line.to, line.toPort);
  }
  for (const pair of graph.below) parts.push("b", ...pair);
  return parts.join(" ");
}
