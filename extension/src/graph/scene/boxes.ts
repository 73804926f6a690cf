import Flatbush from "flatbush";
import type { ItemId, Picture, PlacedEdge, PlacedItem } from "../types";
import { lineBounds } from "./lines";
import type { Rect } from "./viewport";

/** A picture, and what is where in it. */
export interface Indexed {
  picture: Picture;
  at: ReadonlyMap<ItemId, PlacedItem>;
  /** Open groups, outermost first. */
  frames: readonly PlacedItem[];
  /** Indices into `picture.items` that touch a rectangle of the world, in no order. */
  itemsIn(rect: Rect): number[];
  /** Indices into `picture.edges` whose line touches a rectangle of the world. */
  edgesIn(rect: Rect): number[];
  /** Lines that begin or end at a box, as indices into `picture.edges`. */
  linesOf(item: ItemId): readonly number[];
  /** Lines that stand for any of these edges. */
  linesFor(edges: readonly number[]): number[];
}

const NONE: readonly number[] = [];

/** Index a picture. What is only asked of what is hovered or selected is made when it is asked. */
export function indexed(picture: Picture): Indexed {
  const { items, edges } = picture;
  const boxes = tree(items, (item) => item);
  const lines = tree(edges, lineBounds);
  const at = new Map(items.map((placed) => [placed.item, placed]));
  let ends: ReadonlyMap<ItemId, number[]> | null = null;
  let byNumber: ReadonlyMap<number, number[]> | null = null;
  return {
    picture,
    at,
    frames: items.filter(({ open }) => open).sort((a, b) => a.depth - b.depth),
    itemsIn: (rect) => search(boxes, rect),
    edgesIn: (rect) => search(lines, rect),
    linesOf: (item) => {
      ends ??= incidence(edges);
      return ends.get(item) ?? NONE;
    },
    linesFor: (numbers) => {
      if (numbers.length === 0) return [];
      byNumber ??= linesByNumber(edges);
      return linesWith(byNumber, numbers);
    },
  };
}

function tree<T>(things: T[], bounds: (thing: T) => Rect): Flatbush | null {
  if (things.length === 0) return null;
  const built = new Flatbush(things.length);
  for (const thing of things) {
    const { x, y, width, height } = bounds(thing);
    built.add(x, y, x + width, y + height);
  }
  built.finish();
  return built;
}

const search = (found: Flatbush | null, { x, y, width, height }: Rect) =>
  found?.search(x, y, x + width, y + height) ?? [];

function incidence(edges: PlacedEdge[]): Map<ItemId, number[]> {
  const ends = new Map<ItemId, number[]>();
  const put = (item: ItemId, line: number) => {
    const list = ends.get(item);
    if (list === undefined) ends.set(item, [line]);
    else list.push(line);
  };
  edges.forEach(({ from, to }, line) => {
    put(from, line);
    if (to !== from) put(to, line);
  });
  return ends;
}

/** The lines that stand for an edge: more than one where it goes through borders. */
function linesByNumber(edges: PlacedEdge[]): Map<number, number[]> {
  const lines = new Map<number, number[]>();
  edges.forEach((edge, line) => {
    for (const number of edge.edges) {
      const list = lines.get(number);
      if (list === undefined) lines.set(number, [line]);
      else list.push(line);
    }
  });
  return lines;
}

function linesWith(byNumber: ReadonlyMap<number, number[]>, numbers: readonly number[]): number[] {
  const found = new Set<number>();
  for (const number of numbers) {
    for (const line of byNumber.get(number) ?? []) found.add(line);
  }
  return [...found];
}
