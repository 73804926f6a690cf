import { describe, expect, it } from "vitest";
import type { PlacedItem } from "../types";
import { indexed } from "./boxes";
import { MAX_MOVING, transition } from "./transition";

const box = (item: number, x: number, y: number): PlacedItem => ({
  item,
  x,
  y,
  width: 60,
  height: 26,
  depth: 0,
  open: false,
});
const side = (items: PlacedItem[], viewport = { x: 0, y: 0, zoom: 1 }) => ({
  model: indexed({ items, edges: [], width: 1_000, height: 1_000 }),
  viewport,
});
const everything = { x: -1e6, y: -1e6, width: 2e6, height: 2e6 };

describe("transition", () => {
  it("moves what is in both pictures and fades in what is new", () => {
    const found = transition(
      side([box(1, 0, 0)]),
      side([box(1, 100, 40), box(2, 5, 5)]),
      everything,
    );
    const [start, end] = [found?.at(0), found?.at(1)];
    expect(start?.rect(box(1, 100, 40))).toMatchObject({ x: 0, y: 0 });
    expect(end?.rect(box(1, 100, 40))).toMatchObject({ x: 100, y: 40 });
    expect(start?.opacity(box(1, 100, 40))).toBe(1);
    expect([start?.opacity(box(2, 5, 5)), end?.opacity(box(2, 5, 5))]).toEqual([0, 1]);
    expect(start?.rect(box(2, 5, 5))).toMatchObject({ x: 5, y: 5 });
    expect([start?.lineOpacity, end?.lineOpacity]).toEqual([0, 1]);
  });

  it("begins where things were on screen, whatever the viewport becomes", () => {
    const before = side([box(1, 10, 20)], { x: 7, y: 9, zoom: 2 });
    const after = side([box(1, 300, 400)], { x: -50, y: 30, zoom: 0.5 });
    const start = transition(before, after, everything)
      ?.at(0)
      .rect(box(1, 300, 400));
    expect((start?.x ?? 0) * 0.5 - 50).toBeCloseTo(10 * 2 + 7);
    expect((start?.y ?? 0) * 0.5 + 30).toBeCloseTo(20 * 2 + 9);
    expect((start?.width ?? 0) * 0.5).toBeCloseTo(60 * 2);
  });

  it("draws what only passes the screen", () => {
    const visible = { x: 0, y: 0, width: 100, height: 100 };
    const found = transition(
      side([box(1, 10, 10), box(2, 900, 900)]),
      side([box(1, 900, 10), box(2, 800, 900)]),
      visible,
    );
    expect([...(found?.at(0).cut.items ?? [])]).toEqual([0]);
  });

  it("does nothing when nothing changes", () => {
    expect(transition(side([box(1, 0, 0)]), side([box(1, 0, 0)]), everything)).toBeNull();
  });

  it("is left out when too much changes", () => {
    const many = Array.from({ length: MAX_MOVING + 1 }, (_, i) => box(i, i, 0));
    const moved = many.map((placed) => ({ ...placed, y: 50 }));
    expect(transition(side(many), side(moved), everything)).toBeNull();
    expect(transition(side(many.slice(1)), side(moved.slice(1)), everything)).not.toBeNull();
    expect(transition(side(many), side(many.slice(0, 1)), everything)).not.toBeNull();
  });
});
