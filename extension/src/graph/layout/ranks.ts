/** Rows of a level's boxes, and which of its lines are too long to be drawn whole. */
import { GROUP_HEIGHT } from "../sizes";
import { BORDER, type LocalGraph, type LocalLine } from "./local_graph";
import { bestOrder } from "./order";

/** A line over more rows than this is drawn as its two ends. */
const FAR = 14;
/** So is one over more rows than `SHARED_FAR` of a box that so many others use: a mask. */
const SHARED_FAR = 3;
const SHARED_BY = 4;

/** Fewer blocks than this are no chain. */
const CHAIN = 4;

export interface Ranks {
  /** Boxes, each after those it uses; where they use each other in a circle, by number. */
  order: number[];
  /** By box: 1 for those that use nothing. */
  rank: Int32Array;
  last: number;
}

export function ranksOf(graph: LocalGraph): Ranks {
  const count = graph.items.length;
  const sources: number[][] = Array.from({ length: count }, () => []);
  for (const { from, to } of graph.lines) {
    if (from !== BORDER && to !== BORDER && from !== to) sources[to]?.push(from);
  }
  for (const [first, second] of graph.below) sources[second]?.push(first);
  const order = bestOrder(sources);
  const place = new Int32Array(count);
  order.forEach((box, index) => {
    place[box] = index;
  });
  const rank = new Int32Array(count).fill(1);
  let last = 0;
  for (const box of order) {
    for (const source of sources[box] as number[]) {
      if ((place[source] as number) > (place[box] as number)) continue;
      rank[box] = Math.max(rank[box] as number, (rank[source] as number) + 1);
    }
    last = Math.max(last, rank[box] as number);
  }
  return { order, rank, last: last + 1 };
}

/**
 * Whether a level is mainly a row of groups one after the other: the blocks of a model.
 *
 * @param whole By line: whether all of it is drawn.
 */
export function isChain(graph: LocalGraph, ranks: Ranks, whole: readonly boolean[]): boolean {
  const groups = graph.height.filter((height) => height >= GROUP_HEIGHT).length;
  const boxes = graph.items.length;
  const skipping = graph.lines.filter((line, index) => whole[index] && span(line, ranks) > 1);
  return (
    groups >= CHAIN &&
    groups >= boxes * 0.8 &&
    ranks.last - 1 >= boxes * 0.8 &&
    skipping.length < boxes / 2
  );
}

/** By line: whether only its ends are drawn. Every box keeps one whole line, so that it has a place. */
export function stubsOf(graph: LocalGraph, ranks: Ranks): boolean[] {
  const spans = graph.lines.map((line) => span(line, ranks));
  const users = new Map<string, number>();
  for (const line of graph.lines) {
    users.set(
      `${line.from}.${line.fromPort}`,
      (users.get(`${line.from}.${line.fromPort}`) ?? 0) + 1,
    );
  }
  const stubs = graph.lines.map((line, index) => {
    const rows = spans[index] as number;
    const shared = (users.get(`${line.from}.${line.fromPort}`) as number) >= SHARED_BY;
    return rows > FAR || (shared && rows > SHARED_FAR);
  });
  keepOne(graph, spans, stubs);
  return stubs;
}

function span(line: LocalLine, ranks: Ranks): number {
  const from = line.from === BORDER ? 0 : (ranks.rank[line.from] as number);
  const to = line.to === BORDER ? ranks.last : (ranks.rank[line.to] as number);
  return Math.abs(to - from);
}

function keepOne(graph: LocalGraph, spans: readonly number[], stubs: boolean[]): void {
  const shortest = new Map<number, number>();
  graph.lines.forEach((line, index) => {
    for (const box of [line.from, line.to]) {
      if (box === BORDER) continue;
      const known = shortest.get(box);
      if (known === undefined || rowsOf(spans, stubs, index) < rowsOf(spans, stubs, known)) {
        shortest.set(box, index);
      }
    }
  });
  for (const index of shortest.values()) stubs[index] = false;
}

/** A whole line is nearer than any stub. */
const rowsOf = (spans: readonly number[], stubs: readonly boolean[], index: number): number =>
  (stubs[index] ? 1e6 : 0) + (spans[index] as number);
