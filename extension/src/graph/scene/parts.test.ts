import { describe, expect, it } from "vitest";
import { pressed } from "./keys";
import { detailOf, soloTitlePx, zoomStep } from "./lod";
import { frameOn, mapSize } from "./minimap";
import { arrowHead, roundedPolyline } from "./shapes";
import type { SceneSource } from "./source";
import { edgeFacts } from "./spoken";
import { placeNames } from "./stub_names";

describe("detail", () => {
  it.each([
    [1.2, 0.4, 0.2, "speck"],
    [30, 8, 2, "block"],
    [60, 16, 6, "title"],
    [100, 26, 8.5, "full"],
  ])("of a box of %d × %d px is right", (width, height, note, detail) => {
    expect(detailOf(width, height, note)).toBe(detail);
  });

  it("never asks for text below eight px", () => {
    for (let zoom = 0.02; zoom < 4; zoom *= 1.1) {
      const height = 26 * zoom;
      if (detailOf(100 * zoom, height, 8.5 * zoom) === "block") continue;
      if (detailOf(100 * zoom, height, 8.5 * zoom) === "speck") continue;
      expect(soloTitlePx(height, 12 * zoom)).toBeGreaterThanOrEqual(8);
    }
  });

  it("is chosen for few zooms, each near the real one", () => {
    for (let zoom = 0.002; zoom < 4; zoom *= 1.01) {
      expect(Math.abs(Math.log2(zoomStep(zoom) / zoom))).toBeLessThanOrEqual(0.126);
    }
    expect(zoomStep(0.99)).toBe(zoomStep(1.01));
  });
});

describe("minimap", () => {
  it("has the picture's shape, unless that is too narrow to be hit", () => {
    const screen = { width: 1_400, height: 800 };
    expect(mapSize({ width: 3_000, height: 3_000 }, screen)).toEqual({ width: 150, height: 150 });
    expect(mapSize({ width: 3_000, height: 300_000 }, screen)).toEqual({ width: 26, height: 200 });
  });

  it("keeps the frame on the map, and large enough to be seen", () => {
    const map = { width: 26, height: 200 };
    const frame = frameOn(
      { x: -900, y: 299_990, width: 50, height: 50 },
      { x: 0.01, y: 1e-3 },
      map,
    );
    expect(frame.x).toBeGreaterThanOrEqual(0);
    expect(frame.width).toBeGreaterThanOrEqual(6);
    expect(frame.y + frame.height).toBeLessThanOrEqual(map.height);
  });
});

describe("shapes", () => {
  it("an arrow head ends where the line ends, and points along its last stretch", () => {
    const head = arrowHead([0, 0, 50, 0, 50, 40, 50, 40], 8);
    expect(head?.slice(0, 2)).toEqual([50, 40]);
    expect(head?.[3]).toBeCloseTo(32);
    expect(arrowHead([3, 3, 3, 3], 8)).toBeNull();
  });

  it("a bend begins and ends on the line, at most half-way", () => {
    const calls: number[][] = [];
    const pen = {
      moveTo: (...at: number[]) => calls.push(at),
      lineTo: (...at: number[]) => calls.push(at),
      quadraticCurveTo: (...at: number[]) => calls.push(at),
      bezierCurveTo: (...at: number[]) => calls.push(at),
    };
    roundedPolyline(pen, [0, 0, 0, 6, 100, 6], 5);
    expect(calls).toEqual([
      [0, 0],
      [0, 3],
      [0, 6, 5, 6],
      [100, 6],
    ]);
  });
});

describe("names of stubs", () => {
  it("do not run into the next line", () => {
    const placed = placeNames([
      { x: 0, y: 0 },
      { x: 60, y: 1 },
      { x: 70, y: 1 },
      { x: 300, y: 1 },
    ]);
    expect(placed.map(({ name, side, room }) => [name.x, side, room])).toEqual([
      [0, "right", 52],
      [70, "right", 150],
      [300, "right", 150],
    ]);
  });

  it("change sides where there is room", () => {
    const placed = placeNames([
      { x: 200, y: 0 },
      { x: 212, y: 0 },
    ]);
    expect(placed.map(({ side }) => side)).toEqual(["left", "right"]);
  });
});

describe("keys", () => {
  const calls: string[] = [];
  const actions = {
    step: (direction: string) => calls.push(direction),
    end: (end: string) => calls.push(end),
    enter: () => calls.push("enter"),
    pick: () => calls.push("pick"),
    zoomBy: (factor: number) => calls.push(factor > 1 ? "in" : "out"),
    fit: () => calls.push("fit"),
    clear: () => false,
    pan: (x: number, y: number) => calls.push(`${Math.sign(x)},${Math.sign(y)}`),
  };
  const press = (key: string, init = {}) => {
    calls.length = 0;
    const taken = pressed(new KeyboardEvent("keydown", { key, ...init }), actions as never);
    return [taken, ...calls];
  };

  it.each([
    ["ArrowDown", "down"],
    ["Home", "first"],
    ["End", "last"],
    ["Enter", "enter"],
    [" ", "pick"],
    ["+", "in"],
    ["-", "out"],
    ["0", "fit"],
  ])("%s means %s", (key, meaning) => {
    expect(press(key)).toEqual([true, meaning]);
  });

  it("pans with shift", () => {
    expect(press("ArrowLeft", { shiftKey: true })).toEqual([true, "1,0"]);
  });

  it("leaves the page its shortcuts, and Escape when there is nothing to clear", () => {
    expect(press("+", { ctrlKey: true })).toEqual([false]);
    expect(press("Escape")).toEqual([false]);
    expect(press("Tab")).toEqual([false]);
  });
});

describe("what is said of a line", () => {
  const source = {
    face: (item: number) => ({ title: `box ${item}` }),
    tensor: (edge: number) => `tensor ${edge >> 1}`,
  } as SceneSource;
  const edge = (count: number, crossing: boolean) => ({
    from: 1,
    to: 2,
    edges: Int32Array.from({ length: count }, (_, i) => i),
    points: Float32Array.of(),
    shape: "line" as const,
    crossing,
  });

  it("names its ends and its tensors, each once", () => {
    expect(edgeFacts(source, edge(2, false))).toEqual(["box 1 → box 2", "tensor 0"]);
  });

  it("counts what it does not name", () => {
    const facts = edgeFacts(source, edge(1_333, true));
    expect(facts.slice(0, 3)).toEqual(["box 1 → box 2", "kept for the gradients", "tensor 0"]);
    expect(facts.at(-1)).toBe("and 1,329 more");
  });
});
