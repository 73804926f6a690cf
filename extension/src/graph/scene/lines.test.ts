import { describe, expect, it } from "vitest";
import { HEADER_HEIGHT } from "../sizes";
import type { PlacedEdge, PlacedItem } from "../types";
import { clipped } from "./clip";
import { distanceTo, farEnd, lineBounds, lineWidth, pieces } from "./lines";

const edge = (points: number[], more: Partial<PlacedEdge> = {}): PlacedEdge => ({
  from: 1,
  to: 2,
  edges: Int32Array.of(0),
  points: Float32Array.from(points),
  shape: "line",
  crossing: false,
  ...more,
});
const NOWHERE = new Map<number, PlacedItem>();
const stub = edge([0, 0, 0, 12, 900, 888, 900, 900], { shape: "stub" });

it("bounds hold all points", () => {
  expect(lineBounds(edge([5, 9, -3, 20, 7, 1]))).toEqual({ x: -3, y: 1, width: 10, height: 19 });
  expect(lineBounds(edge([]))).toEqual({ x: 0, y: 0, width: 0, height: 0 });
});

describe("pieces", () => {
  it("are a stub's two ends", () => {
    expect(pieces(stub, NOWHERE).map((part) => [...part])).toEqual([
      [0, 0, 0, 12],
      [900, 888, 900, 900],
    ]);
  });

  it("go through the header of an open group", () => {
    const group = { item: 1, x: 0, y: 100, width: 200, height: 300, depth: 0, open: true };
    const inside = edge([50, 100 + HEADER_HEIGHT, 50, 180]);
    expect([...(pieces(inside, new Map([[1, group]]))[0] ?? [])]).toEqual([50, 100, 50, 180]);
    expect([...(pieces(inside, new Map([[1, { ...group, open: false }]]))[0] ?? [])][1]).toBe(124);
  });
});

it("distance is to the nearest drawn part", () => {
  expect(distanceTo(edge([0, 0, 100, 0]), NOWHERE, 50, 7)).toBe(7);
  expect(distanceTo(edge([0, 0, 100, 0]), NOWHERE, 103, 4)).toBe(5);
  expect(distanceTo(stub, NOWHERE, 450, 450)).toBeGreaterThan(500);
});

it("the far end of a stub is the one that was not clicked", () => {
  expect(farEnd(stub, 2, 10)).toMatchObject({ x: 880, y: 880 });
  expect(farEnd(stub, 890, 890)).toMatchObject({ x: -20, y: -20 });
});

it("lines grow with what they stand for, within bounds", () => {
  expect(lineWidth(1, 1)).toBeLessThan(lineWidth(8, 1));
  expect(lineWidth(1_000_000, 1)).toBe(lineWidth(10_000, 1));
  expect(lineWidth(1, 0.001)).toBeGreaterThan(0.3);
});

describe("clipped", () => {
  const area = { x: 0, y: 0, width: 100, height: 100 };
  const clip = (points: number[]) =>
    clipped(Float32Array.from(points), area).map((run) => Array.from(run));

  it("leaves what is inside as it is", () => {
    const points = Float32Array.of(1, 1, 50, 50, 99, 20);
    expect(clipped(points, area)).toEqual([points]);
  });

  it("cuts at the borders", () => {
    expect(clip([-100, 50, 300, 50])).toEqual([[0, 50, 100, 50]]);
    expect(clip([50, 50, 50, 500])).toEqual([[50, 50, 50, 100]]);
  });

  it("gives a run for each visit", () => {
    expect(clip([50, -10, 50, 50, 150, 50, 150, 80, 50, 80])).toEqual([
      [50, 0, 50, 50, 100, 50],
      [100, 80, 50, 80],
    ]);
  });

  it("drops what only passes by", () => {
    expect(clip([-10, -10, 300, -10])).toEqual([]);
    expect(clip([150, -60, 260, 50])).toEqual([]);
  });
});
