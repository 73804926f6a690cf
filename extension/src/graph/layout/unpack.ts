/** From the worker's arrays to boxes and lines. */
import { inSlices } from "../breathe";
import type { Picture, PlacedEdge, PlacedItem } from "../types";
import { CROSSING, type PackedPicture, STUB } from "./messages";

/** In slices: an open graph of ten thousand nodes has forty thousand of them. */
export async function unpackPicture(
  picture: PackedPicture,
  signal?: AbortSignal,
): Promise<Picture> {
  const items: PlacedItem[] = new Array(picture.item.length);
  const edges: PlacedEdge[] = new Array(picture.from.length);
  await inSlices(
    items.length,
    (index) => {
      items[index] = unpackItem(picture, index);
    },
    signal,
  );
  await inSlices(
    edges.length,
    (index) => {
      edges[index] = unpackEdge(picture, index);
    },
    signal,
  );
  return { items, edges, width: picture.width, height: picture.height };
}

function unpackItem(picture: PackedPicture, index: number): PlacedItem {
  const { box } = picture;
  return {
    item: picture.item[index] as number,
    x: box[index * 4] as number,
    y: box[index * 4 + 1] as number,
    width: box[index * 4 + 2] as number,
    height: box[index * 4 + 3] as number,
    depth: picture.depth[index] as number,
    open: picture.open[index] === 1,
  };
}

function unpackEdge(picture: PackedPicture, index: number): PlacedEdge {
  const flags = picture.flags[index] as number;
  const begin = (ends: Int32Array): number => (index === 0 ? 0 : (ends[index - 1] as number));
  return {
    from: picture.from[index] as number,
    to: picture.to[index] as number,
    edges: picture.edges.subarray(begin(picture.edgeEnds), picture.edgeEnds[index]),
    points: picture.points.subarray(begin(picture.pointEnds), picture.pointEnds[index]),
    shape: (flags & STUB) !== 0 ? "stub" : "line",
    crossing: (flags & CROSSING) !== 0,
  };
}
