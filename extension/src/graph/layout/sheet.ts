/** Boxes and lines at their places, as a picture is put together. */
import { CROSSING, type PackedPicture, STUB } from "./messages";

export interface Box {
  item: number;
  x: number;
  y: number;
  width: number;
  height: number;
  depth: number;
  open: boolean;
}

export interface Line {
  from: number;
  to: number;
  edges: readonly number[];
  points: Float32Array;
  stub: boolean;
  crossing: boolean;
}

/** Boxes stand before what is in them. */
export interface Sheet {
  boxes: Box[];
  lines: Line[];
}

export const emptySheet = (): Sheet => ({ boxes: [], lines: [] });

export function move(sheet: Sheet, x: number, y: number): void {
  for (const box of sheet.boxes) {
    box.x += x;
    box.y += y;
  }
  for (const { points } of sheet.lines) {
    for (let at = 0; at < points.length; at += 2) {
      points[at] = (points[at] as number) + x;
      points[at + 1] = (points[at + 1] as number) + y;
    }
  }
}

/** What lies across the halves comes first, so that all else is drawn over it. */
export function packed(sheet: Sheet, width: number, height: number): PackedPicture {
  const { boxes } = sheet;
  const lines = [
    ...sheet.lines.filter((line) => line.crossing),
    ...sheet.lines.filter((line) => !line.crossing),
  ];
  const box = new Float32Array(boxes.length * 4);
  boxes.forEach((each, index) => {
    box.set([each.x, each.y, each.width, each.height], index * 4);
  });
  const [edgeEnds, edges] = joined(
    lines.map((line) => line.edges),
    Int32Array,
  );
  const [pointEnds, points] = joined(
    lines.map((line) => line.points),
    Float32Array,
  );
  return {
    width,
    height,
    item: Int32Array.from(boxes, (each) => each.item),
    box,
    depth: Uint8Array.from(boxes, (each) => Math.min(255, each.depth)),
    open: Uint8Array.from(boxes, (each) => (each.open ? 1 : 0)),
    from: Int32Array.from(lines, (line) => line.from),
    to: Int32Array.from(lines, (line) => line.to),
    flags: Uint8Array.from(
      lines,
      (line) => (line.stub ? STUB : 0) | (line.crossing ? CROSSING : 0),
    ),
    edgeEnds,
    edges,
    pointEnds,
    points,
  };
}

function joined<T extends Int32Array | Float32Array>(
  lists: readonly ArrayLike<number>[],
  ArrayType: new (length: number) => T,
): [Int32Array, T] {
  const ends = new Int32Array(lists.length);
  let length = 0;
  lists.forEach((list, index) => {
    length += list.length;
    ends[index] = length;
  });
  const all = new ArrayType(length);
  lists.forEach((list, index) => {
    all.set(list, (ends[index] as number) - list.length);
  });
  return [ends, all];
}
