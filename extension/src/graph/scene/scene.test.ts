import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { allOpen, madePicture, madeStructure } from "../../../test/graph/made";
import { groupItem, type ItemId, type Overlay, type Scene } from "../types";
import { createScene } from "./index";

const palette = {
  surface: "#ffffff",
  ink: "#22262a",
  muted: "#656c73",
  line: "#dfe2e5",
  forward: "#1769c2",
  backward: "#d1660a",
  groupFill: "rgba(0, 0, 0, 0.03)",
  select: "#b3125c",
  hover: "#656c73",
  font: 'system-ui, "Segoe UI"',
};
const structure = madeStructure(3, 12);
const open = structure.initiallyOpen();
const picture = madePicture(structure, open);
let element: HTMLElement;
let scene: Scene;
const events = { pick: vi.fn(), toggle: vi.fn(), hover: vi.fn(), move: vi.fn() };

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  // Still pictures: what is on screen is where it will stay.
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  element = document.createElement("div");
  document.body.append(element);
  scene = createScene(element, structure, palette, events);
  scene.show(picture);
});
afterEach(() => {
  scene.dispose();
  element.remove();
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

const host = () => element.querySelector<HTMLElement>(".ov-scene") as HTMLElement;
const find = (item: ItemId, shown = picture) => {
  const placed = shown.items.find((other) => other.item === item);
  if (placed === undefined) throw new Error(`${item} is not in the picture`);
  const { x, y, zoom } = scene.viewport;
  return {
    x: placed.x * zoom + x,
    y: placed.y * zoom + y,
    width: placed.width * zoom,
    height: placed.height * zoom,
  };
};
const mouse = (type: string, x: number, y: number) =>
  host().dispatchEvent(new MouseEvent(type, { clientX: x, clientY: y, bubbles: true }));
const press = (key: string) => host().dispatchEvent(new KeyboardEvent("keydown", { key }));
const spoken = () => element.querySelector("[aria-live]")?.textContent ?? "";
const closed = groupItem(1);

describe("showing", () => {
  it("fits the picture in, and keeps an anchor where it is", () => {
    const before = find(closed);
    expect(before.x).toBeGreaterThan(0);
    const all = madePicture(structure, new Set([...open, 1]));
    scene.show(all, closed);
    const after = find(closed, all);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("reveals what is off screen, and tells nobody that the user moved", () => {
    scene.show(madePicture(structure, allOpen(structure)), groupItem(0));
    scene.viewport = { x: 0, y: 0, zoom: 1 };
    const all = madePicture(structure, allOpen(structure));
    const last = all.items.reduce((low, placed) => (placed.y > low.y ? placed : low));
    scene.reveal(last.item);
    const { y, height } = find(last.item, all);
    expect(y).toBeGreaterThan(0);
    expect(y + height).toBeLessThanOrEqual(600);
    expect(events.move).not.toHaveBeenCalled();
  });

  it("knows the box in the middle", () => {
    const { x, y, width, height } = find(closed);
    const { viewport } = scene;
    scene.viewport = {
      ...viewport,
      x: viewport.x + 400 - x - width / 2,
      y: viewport.y + 300 - y - height / 2,
    };
    const centre = scene.centre();
    expect(centre?.item).toBe(closed);
    expect(centre?.x).toBeCloseTo(400);
  });
});

describe("the pointer", () => {
  it("picks a box, and nothing on the empty ground", () => {
    const { x, y, width, height } = find(closed);
    mouse("click", x + width - 10, y + height / 2);
    expect(events.pick).toHaveBeenLastCalledWith(closed);
    mouse("click", 2, 2);
    expect(events.pick).toHaveBeenLastCalledWith(null);
  });

  it("toggles by the twisty and by a double click, not both at once", () => {
    const { x, y, width, height } = find(closed);
    mouse("click", x + 12, y + height / 2);
    expect(events.toggle).toHaveBeenCalledExactlyOnceWith(closed);
    mouse("dblclick", x + 12, y + height / 2);
    expect(events.toggle).toHaveBeenCalledTimes(1);
    mouse("dblclick", x + width - 10, y + height / 2);
    expect(events.toggle).toHaveBeenCalledTimes(2);
    expect(events.pick).not.toHaveBeenCalled();
  });

  it("leaves the wheel to the page until the graph has the focus, and says so", () => {
    const wheel = (init: WheelEventInit) => {
      const event = new WheelEvent("wheel", { deltaY: -100, cancelable: true });
      // The pretended browser's wheel events know nothing of the mouse.
      Object.assign(event, { clientX: 400, clientY: 300, ctrlKey: false, metaKey: false }, init);
      host().dispatchEvent(event);
      return event.defaultPrevented;
    };
    const { zoom } = scene.viewport;
    expect(wheel({})).toBe(false);
    expect(scene.viewport.zoom).toBe(zoom);
    expect(element.textContent).toContain("to zoom with the wheel");
    expect(wheel({ ctrlKey: true })).toBe(true);
    expect(scene.viewport.zoom).toBeGreaterThan(zoom);
    expect(events.move).toHaveBeenCalled();
    host().focus();
    expect(wheel({})).toBe(true);
  });
});

describe("the keyboard", () => {
  it("walks, says where it is, opens and picks", () => {
    press("Home");
    expect(spoken()).toBe("input_ids, input of the graph, forward");
    const id = host().getAttribute("aria-activedescendant");
    expect(element.querySelector(`#${id}`)?.getAttribute("aria-label")).toBe(spoken());
    scene.select([closed]);
    expect(spoken()).toBe("blocks.0, closed group, 12 nodes, forward");
    press("Enter");
    expect(events.toggle).toHaveBeenCalledWith(closed);
    press(" ");
    expect(events.pick).toHaveBeenCalledWith(closed);
    press("ArrowDown");
    expect(spoken()).toBe("blocks.1, closed group, 12 nodes, forward");
  });

  it("clears what is marked, once", () => {
    scene.select([closed]);
    press("Escape");
    expect(events.pick).toHaveBeenLastCalledWith(null);
    scene.select([]);
    events.pick.mockClear();
    press("Escape");
    expect(events.pick).not.toHaveBeenCalled();
  });

  it("zooms and fits, as the user's own doing", () => {
    const { zoom } = scene.viewport;
    press("+");
    expect(scene.viewport.zoom).toBeCloseTo(zoom * 1.25);
    press("0");
    expect(scene.viewport.zoom).toBeCloseTo(zoom);
    expect(events.move).toHaveBeenCalledTimes(2);
  });
});

describe("the file of what is on screen", () => {
  const parsed = (svg: string) => new DOMParser().parseFromString(svg, "image/svg+xml");

  it("is valid, has the text, and refers to nothing outside", () => {
    const svg = scene.svg();
    expect(parsed(svg).querySelector("parsererror")).toBeNull();
    expect(svg).toContain("blocks.2");
    expect(svg).not.toMatch(/href|url\(|<script|<foreignObject/i);
    expect(svg.replace(/xmlns(:\w+)?="[^"]*"/g, "")).not.toContain("http");
  });

  it("has an overlay's marks and colours", () => {
    const overlay: Overlay = {
      name: "NaN",
      legend: [],
      notes: [],
      item: (item) => (item === closed ? { fill: "rgb(10, 20, 200)", mark: "<&>" } : null),
      edge: () => ({ color: "rgb(0, 128, 0)", width: 3 }),
    };
    scene.paint(overlay);
    const svg = scene.svg();
    expect(svg).toContain("#0a14c8");
    expect(svg).toContain("#008000");
    expect(svg.includes("&lt;&amp;&gt; · 12 nodes")).toBe(true);
    scene.select([closed]);
    expect(spoken()).toContain("NaN: <&>");
  });

  it("shows what is selected, and where its lines go", () => {
    expect(scene.svg()).not.toContain(palette.select);
    scene.select([closed]);
    const marked = scene.svg().split(palette.select).length;
    expect(marked).toBeGreaterThan(3);
  });
});

it("leaves nothing behind", () => {
  scene.dispose();
  expect(element.innerHTML).toBe("");
  scene = createScene(element, structure, palette);
  expect(element.children).toHaveLength(1);
});
