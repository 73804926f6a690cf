import { describe, expect, it } from "vitest";
import { HEADER_HEIGHT } from "../sizes";
import type { PlacedItem } from "../types";
import { headerBars } from "./headers";
import { overlaps } from "./viewport";

const screen = { width: 1_000, height: 600 };
const frame = (item: number, x: number, y: number, width: number, height: number, depth = 0) => ({
  item,
  x,
  y,
  width,
  height,
  depth,
  open: true,
});
const nested: PlacedItem[] = [
  frame(-1, 0, 0, 900, 5_000),
  frame(-2, 20, 40, 800, 4_000, 1),
  frame(-3, 40, 80, 700, 300, 2),
];

describe("headerBars", () => {
  it("lie on the frames' own headers", () => {
    const bars = headerBars(nested, { x: 0, y: 0, zoom: 1 }, screen);
    expect(bars.map(({ y, height, stuck }) => [y, height, stuck])).toEqual([
      [0, HEADER_HEIGHT, false],
      [40, HEADER_HEIGHT, false],
      [80, HEADER_HEIGHT, false],
    ]);
  });

  it("stick to the top, one below the other, while their groups are scrolled", () => {
    const bars = headerBars(nested, { x: 0, y: -1_000, zoom: 1 }, screen);
    expect(bars.map(({ placed, y, stuck }) => [placed.item, y, stuck])).toEqual([
      [-1, 0, true],
      [-2, HEADER_HEIGHT, true],
    ]);
  });

  it("leave with the end of their group", () => {
    const items = headerBars(nested, { x: 0, y: -4_035, zoom: 1 }, screen);
    expect(items.map(({ placed }) => placed.item)).toEqual([-1]);
  });

  it("are never too small to be read, and then only where there is room", () => {
    const far = headerBars(nested, { x: 0, y: 0, zoom: 0.1 }, screen);
    expect(far.every(({ height, enlarged }) => height >= 16 && enlarged)).toBe(true);
    expect(far.map(({ placed }) => placed.item)).not.toContain(-3);
  });

  it("do not cover each other", () => {
    const rows = Array.from({ length: 40 }, (_, i) => frame(-10 - i, 0, 30 + 60 * i, 400, 55, 1));
    for (const zoom of [0.1, 0.3, 0.5, 1, 2]) {
      const bars = headerBars(
        [frame(-1, 0, 0, 500, 2_600), ...rows],
        { x: 0, y: -20, zoom },
        screen,
      );
      for (const [i, bar] of bars.entries()) {
        for (const other of bars.slice(i + 1)) {
          const shrunk = { ...bar, y: bar.y + 4, height: bar.height - 8 };
          expect(overlaps(shrunk, other)).toBe(false);
        }
      }
    }
  });

  it("take no more than a fifth of the screen when they stick", () => {
    const deep = Array.from({ length: 30 }, (_, i) =>
      frame(-1 - i, 10 * i, 40 * i, 900 - 20 * i, 9_000 - 80 * i, i),
    );
    const bars = headerBars(deep, { x: 0, y: -3_000, zoom: 1 }, screen);
    expect(bars.length).toBeGreaterThan(2);
    expect(Math.max(...bars.map(({ y, height }) => y + height))).toBeLessThanOrEqual(120);
  });
});
