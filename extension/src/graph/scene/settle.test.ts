import { expect, it } from "vitest";
import { allOpen, madePicture, madeStructure } from "../../../test/graph/made";
import { groupItem, type ItemId, type Picture, type Viewport } from "../types";
import { indexed } from "./boxes";
import { settled } from "./settle";
import { fitted, overlaps, READABLE_ZOOM, toScreen, visibleWorld, whole } from "./viewport";

const screen = { width: 800, height: 600 };
const structure = madeStructure(80, 40);
const closed = indexed(madePicture(structure, structure.initiallyOpen()));
const opened = indexed(madePicture(structure, allOpen(structure)));
const at = (model: typeof closed, item: ItemId) => {
  const placed = model.at.get(item);
  if (placed === undefined) throw new Error(`${item} is not in the picture`);
  return placed;
};
/** Boxes of nodes and closed groups that are on screen. */
const seen = ({ items }: Picture, viewport: Viewport) =>
  items.filter((placed) => !placed.open && overlaps(placed, visibleWorld(viewport, screen)));
const block = groupItem(41);

it("opens a fitted picture where its middle was, large enough to be read", () => {
  const viewport = fitted(closed.picture, screen);
  const before = { viewport, box: at(closed, block), fitted: true, more: false };
  const found = settled(opened, block, before, screen, 0);
  expect(found.fitted).toBe(false);
  expect(found.viewport.zoom).toBeGreaterThanOrEqual(READABLE_ZOOM);
  const inside = seen(opened.picture, found.viewport).filter(({ item }) =>
    structure.nodePath(item).includes(41),
  );
  expect(inside.length).toBeGreaterThan(0);
});

it("leaves what was in the middle where it was, if something is to be seen there", () => {
  const box = at(closed, block);
  const viewport = { zoom: 1, x: 300 - box.x, y: 200 - box.y };
  const found = settled(opened, block, { viewport, box, fitted: false, more: false }, screen, 0);
  const after = toScreen(at(opened, block), found.viewport);
  expect([after.x, after.y]).toEqual([300, 200]);
  expect(found.viewport.zoom).toBe(1);
});

it("begins at the first box where nothing stands for what was in the middle", () => {
  const viewport = { zoom: 0.01, x: 9_000, y: 9_000 };
  const found = settled(
    opened,
    null,
    { viewport, box: undefined, fitted: false, more: false },
    screen,
    0,
  );
  const [first] = [...opened.picture.items].filter(({ open }) => !open).sort((a, b) => a.y - b.y);
  expect(seen(opened.picture, found.viewport)).toContain(first);
  expect(found.viewport.zoom).toBe(READABLE_ZOOM);
});

it("shows a small picture whole, and says so", () => {
  const small = madeStructure(1, 8);
  const model = indexed(madePicture(small, allOpen(small)));
  const before = { viewport: { x: 0, y: 0, zoom: 1 }, box: undefined, fitted: true, more: false };
  const found = settled(model, null, before, { width: 2_000, height: 2_000 }, 0);
  expect(found.fitted).toBe(true);
  expect(found.viewport).toEqual(whole(model.picture, { width: 2_000, height: 2_000 }));
});

it("shows a picture in which much was closed whole, if its groups can be read", () => {
  const before = { viewport: { x: 0, y: 0, zoom: 1 }, box: undefined, fitted: false, more: true };
  const room = { width: 0.4 * closed.picture.width, height: 0.4 * closed.picture.height };
  expect(settled(closed, null, before, room, 0).fitted).toBe(true);
  const tight = { width: 0.2 * closed.picture.width, height: 0.2 * closed.picture.height };
  const found = settled(closed, null, before, tight, 0);
  expect(found.fitted).toBe(false);
  expect(found.viewport.zoom).toBe(1);
});
