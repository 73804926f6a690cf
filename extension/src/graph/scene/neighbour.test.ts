import { describe, expect, it } from "vitest";
import { madePicture, madeStructure } from "../../../test/graph/made";
import { groupItem, type PlacedItem } from "../types";
import { indexed } from "./boxes";
import { extreme, nearestTo, neighbour } from "./neighbour";

const box = (item: number, x: number, y: number): PlacedItem => ({
  item,
  x,
  y,
  width: 60,
  height: 26,
  depth: 0,
  open: false,
});
const line = (from: number, to: number) => ({
  from,
  to,
  edges: Int32Array.of(0),
  points: Float32Array.of(0, 0, 1, 1),
  shape: "line" as const,
  crossing: false,
});
const grid = indexed({
  items: [box(0, 0, 0), box(1, 100, 0), box(2, 0, 60), box(3, 130, 60), box(4, 60, 120)],
  edges: [line(0, 3)],
  width: 300,
  height: 200,
});

describe("neighbour", () => {
  it("is the next box in the direction", () => {
    expect(neighbour(grid, 0, "right")).toBe(1);
    expect(neighbour(grid, 1, "left")).toBe(0);
    expect(neighbour(grid, 2, "up")).toBe(0);
  });

  it("prefers what a line leads to", () => {
    const without = indexed({ ...grid.picture, edges: [] });
    expect(neighbour(without, 0, "down")).toBe(2);
    const near = indexed({ ...grid.picture, edges: [line(0, 4)] });
    expect(neighbour(near, 0, "down")).toBe(2);
    const joined = indexed({
      ...grid.picture,
      items: [box(0, 0, 0), box(2, -50, 60), box(3, 30, 70)],
      edges: [line(0, 3)],
    });
    expect(neighbour(joined, 0, "down")).toBe(3);
  });

  it("ends at the border", () => {
    expect(neighbour(grid, 0, "up")).toBeNull();
    expect(neighbour(grid, 99, "up")).toBeNull();
  });

  it("reaches every box of a picture from the first by arrow keys", () => {
    const structure = madeStructure(2, 12);
    const open = new Set([...structure.initiallyOpen(), 1, 2]);
    const model = indexed(madePicture(structure, open));
    const first = extreme(model, "first");
    const reached = new Set([first]);
    const pending = [first];
    for (let at = pending.pop(); at !== undefined && at !== null; at = pending.pop()) {
      for (const direction of ["up", "down", "left", "right"] as const) {
        const next = neighbour(model, at, direction);
        if (next === null || reached.has(next)) continue;
        reached.add(next);
        pending.push(next);
      }
    }
    expect(reached.size).toBe(model.picture.items.length);
    expect(reached.has(groupItem(0))).toBe(true);
  });
});

it("first and last are told by reading from the top left", () => {
  expect(extreme(grid, "first")).toBe(0);
  expect(extreme(grid, "last")).toBe(4);
});

it("the nearest box to a point is the one it is in", () => {
  expect(nearestTo(grid, 110, 10)?.item).toBe(1);
  expect(nearestTo(grid, 95, 400)?.item).toBe(4);
});
