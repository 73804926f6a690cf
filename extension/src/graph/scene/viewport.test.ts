import { describe, expect, it } from "vitest";
import {
  anchored,
  fitted,
  leashed,
  lookingAt,
  minZoom,
  revealing,
  toScreen,
  toWorld,
  visibleWorld,
  zoomedAround,
} from "./viewport";

const screen = { width: 800, height: 600 };
const box = { x: 1_000, y: 2_000, width: 100, height: 26 };

describe("fitted", () => {
  it("shows a large picture whole, in the middle", () => {
    const viewport = fitted({ width: 4_000, height: 1_000 }, screen);
    const shown = toScreen({ x: 0, y: 0, width: 4_000, height: 1_000 }, viewport);
    expect(shown.x).toBeCloseTo(14);
    expect(shown.x + shown.width).toBeCloseTo(786);
    expect(shown.y + shown.height / 2).toBeCloseTo(300);
  });

  it("does not enlarge a small one", () => {
    expect(fitted({ width: 100, height: 50 }, screen)).toEqual({ zoom: 1, x: 350, y: 275 });
  });

  it("shows the width of what would be a thin strip, and stays where one was", () => {
    const tall = { width: 1_200, height: 266_000 };
    const at = { x: 900, y: 100_000 };
    const viewport = fitted(tall, screen, at);
    expect(viewport.zoom).toBeCloseTo((800 - 28) / 1_200);
    expect(viewport.x).toBeGreaterThanOrEqual(0);
    expect(viewport.x + 1_200 * viewport.zoom).toBeLessThanOrEqual(800);
    expect(at.y * viewport.zoom + viewport.y).toBeCloseTo(300);
    expect(minZoom(tall, screen), "all of it can still be seen").toBeLessThan(600 / 266_000);
  });

  it("is never too small to be read unless all of it is shown", () => {
    const viewport = fitted({ width: 3_000, height: 266_000 }, screen, { x: 2_500, y: 0 });
    expect(viewport.zoom).toBe(0.5);
    expect(2_500 * viewport.zoom + viewport.x).toBeGreaterThan(0);
    expect(2_500 * viewport.zoom + viewport.x).toBeLessThan(800);
  });

  it("has a zoom above zero for an empty picture on a screen of no size", () => {
    const { zoom } = fitted({ width: 0, height: 0 }, { width: 0, height: 0 });
    expect(zoom).toBeGreaterThan(0);
    expect(minZoom({ width: 0, height: 0 }, screen)).toBe(0.5);
  });
});

it("an anchor stays where it was on screen", () => {
  const viewport = { x: 12, y: -40, zoom: 0.7 };
  const moved = { ...box, x: 350, y: 90 };
  const after = toScreen(moved, anchored(viewport, box, moved));
  const before = toScreen(box, viewport);
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

it("zooming leaves the point under the pointer where it is", () => {
  const viewport = { x: -300, y: 120, zoom: 0.5 };
  const before = toWorld(250, 330, viewport);
  const after = toWorld(250, 330, zoomedAround(viewport, 250, 330, 1.7));
  expect(after.x).toBeCloseTo(before.x);
  expect(after.y).toBeCloseTo(before.y);
});

it("what is visible is the inverse of what is shown", () => {
  const viewport = { x: -300, y: 120, zoom: 0.5 };
  const seen = visibleWorld(viewport, screen);
  expect(toScreen(seen, viewport)).toEqual({ x: 0, y: 0, ...screen });
  expect(visibleWorld(viewport, screen, 0.5).width).toBe(seen.width * 2);
});

describe("revealing", () => {
  it("does not move when the box is on screen", () => {
    const viewport = { zoom: 1, x: -700, y: -1_800 };
    expect(revealing(box, viewport, screen)).toEqual(viewport);
  });

  it("does not move when the box is on screen, however near to its edge", () => {
    const edge = { zoom: 1, x: 5 - box.x, y: 5 - box.y };
    expect(revealing(box, edge, screen)).toEqual(edge);
  });

  it("moves no further than it must", () => {
    const viewport = { zoom: 1, x: -700, y: 0 };
    const { x, y } = revealing(box, viewport, screen);
    expect(x).toBe(-700);
    expect(toScreen(box, { zoom: 1, x, y }).y + box.height).toBe(600 - 24);
  });

  it("keeps clear of what covers the top", () => {
    const viewport = { zoom: 1, x: -700, y: -2_500 };
    expect(toScreen(box, revealing(box, viewport, screen, 56)).y).toBe(56 + 24);
  });

  it("zooms in to where the box can be read", () => {
    const far = { zoom: 0.01, x: 0, y: 0 };
    const near = revealing(box, far, screen);
    expect(near.zoom).toBeGreaterThan(0.4);
    const shown = toScreen(box, near);
    expect(shown.x).toBeGreaterThanOrEqual(0);
    expect(shown.y + shown.height).toBeLessThanOrEqual(screen.height);
  });

  it("shows the beginning of what is wider than the screen", () => {
    const wide = { x: 500, y: 0, width: 5_000, height: 30 };
    expect(toScreen(wide, revealing(wide, { zoom: 1, x: 0, y: 0 }, screen)).x).toBe(24);
  });
});

it("a picture cannot be lost off screen", () => {
  const picture = { width: 400, height: 300 };
  const gone = leashed({ zoom: 1, x: 10_000, y: -10_000 }, picture, screen);
  const shown = toScreen({ x: 0, y: 0, ...picture }, gone);
  expect(shown.x).toBeLessThan(screen.width);
  expect(shown.y + shown.height).toBeGreaterThan(0);
  const near = { zoom: 1, x: 20, y: 30 };
  expect(leashed(near, picture, screen)).toEqual(near);
});

describe("what is looked at", () => {
  const screen = { width: 400, height: 300 };

  it("comes to the middle, no further than to the ends of the picture", () => {
    const picture = { width: 200, height: 3000 };
    const at = { zoom: 1, x: 10, y: -50 };
    const seen = (y: number) => lookingAt({ x: 150, y }, at, picture, screen);
    expect(seen(1000)).toEqual({ zoom: 1, x: 10, y: 150 - 1000 });
    expect(seen(0).y).toBe(24);
    expect(seen(3000).y).toBe(300 - 3000 - 24);
  });

  it("stays where all of the picture is on screen, and brings it back where it is not", () => {
    const picture = { width: 200, height: 100 };
    const at = { zoom: 1, x: 30, y: 40 };
    expect(lookingAt({ x: 0, y: 90 }, at, picture, screen)).toEqual(at);
    const away = { zoom: 1, x: -150, y: 40 };
    expect(lookingAt({ x: 0, y: 90 }, away, picture, screen)).toEqual({ zoom: 1, x: 100, y: 40 });
  });
});
