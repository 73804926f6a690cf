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

/** Index a picture; O(n log n), some 10 ms for 10,000 boxes and 14,000 lines. */
export function indexed(picture: Picture): Indexed {
  const { items, edges } = picture;
  const boxes = tree(items, (item) => item);
  const lines = tree(edges, lineBounds);
  const at = new Map(items.map((placed) => [placed.item, placed]));
  const ends = incidence(edges);
  return {
    picture,
    at,
    frames: items.filter(({ open }) => open).sort((a, b) => a.depth - b.depth),
    itemsIn: (rect) => search(boxes, rect),
    edgesIn: (rect) => search(lines, rect),
    linesOf: (item) => ends.get(item) ?? NONE,
    linesFor: (numbers) => linesWith(edges, new Set(numbers)),
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

function linesWith(edges: PlacedEdge[], wanted: ReadonlySet<number>): number[] {
  if (wanted.size === 0) return [];
  const found: number[] = [];
  edges.forEach((edge, line) => {
    if (edge.edges.some((number) => wanted.has(number))) found.push(line);
  });
  return found;
}
