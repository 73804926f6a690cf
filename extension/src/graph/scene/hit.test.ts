import { describe, expect, it } from "vitest";
import { madePicture, madeStructure } from "../../../test/graph/made";
import { groupItem } from "../types";
import { indexed } from "./boxes";
import { headerBars } from "./headers";
import { hitAt } from "./hit";
import { linesAt } from "./marks";
import { sourceOf } from "./source";
import { toScreen } from "./viewport";

const structure = madeStructure(3, 12);
const open = new Set([...structure.initiallyOpen(), 1]);
const model = indexed(madePicture(structure, open));
const viewport = { x: 15, y: -30, zoom: 0.9 };
const bars = headerBars([...model.frames], viewport, { width: 5_000, height: 5_000 });
const hit = (x: number, y: number) => hitAt(model, bars, viewport, x, y);
const placed = (item: number) => {
  const found = model.at.get(item);
  if (found === undefined) throw new Error(`${item} is not in the picture`);
  return found;
};

describe("hitAt", () => {
  it("finds every closed box at its middle", () => {
    for (const item of model.picture.items.filter(({ open: isOpen }) => !isOpen)) {
      const { x, y, width, height } = toScreen(item, viewport);
      expect(hit(x + width / 2, y + height / 2)).toMatchObject({ item: item.item, edge: null });
    }
  });

  it("finds the twisty of a closed and of an open group", () => {
    const closed = toScreen(placed(groupItem(6)), viewport);
    expect(hit(closed.x + 10, closed.y + 20)).toMatchObject({ item: groupItem(6), twisty: true });
    expect(hit(closed.x + 60, closed.y + 20).twisty).toBe(false);
    const frame = toScreen(placed(groupItem(1)), viewport);
    expect(hit(frame.x + 10, frame.y + 10)).toMatchObject({ item: groupItem(1), twisty: true });
  });

  it("finds nothing on the ground of an open group", () => {
    const frame = toScreen(placed(groupItem(1)), viewport);
    const ground = hit(frame.x + 4, frame.y + frame.height - 4);
    expect(ground).toEqual({ item: null, edge: null, twisty: false });
  });

  it("finds a line within reach, whatever the zoom", () => {
    const edge = model.picture.edges.find(({ shape }) => shape === "line");
    const [x = 0, y = 0, , bend = 0] = edge?.points ?? [];
    for (const zoom of [0.4, 1, 3]) {
      const at = { x: 0, y: 0, zoom };
      const [px, py] = [x * zoom, ((y + bend) / 2) * zoom];
      expect(hitAt(model, [], at, px + 3, py).edge).not.toBeNull();
      expect(hitAt(model, [], at, px + 40, py).edge).not.toBe(edge);
    }
  });
});

describe("lines of a box", () => {
  it("are found by the numbers of the edges they stand for, beyond borders too", () => {
    const line = (...edges: number[]) => ({
      from: 0,
      to: 1,
      edges: Int32Array.from(edges),
      points: Float32Array.of(0, 0, 9, 9),
      shape: "line" as const,
      crossing: false,
    });
    const edges = [line(3, 4), line(7), line(4)];
    const { linesFor } = indexed({ items: [], edges, width: 9, height: 9 });
    expect(linesFor([4])).toEqual([0, 2]);
    expect(linesFor([3])).toEqual([0]);
    expect(linesFor([99])).toEqual([]);
    expect(linesFor([])).toEqual([]);
  });

  it("of an open group are those that leave it", () => {
    const lines = linesAt(model, groupItem(1), sourceOf(structure));
    const inside = (item: number) =>
      item === groupItem(1) || structure.parentOf(item) === 1 ? 1 : 0;
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const edge = model.picture.edges[line];
      expect(inside(edge?.from ?? 0) + inside(edge?.to ?? 0)).toBe(1);
    }
  });
});
