import { expect, it, vi } from "vitest";
import { golden } from "../../../test/golden";
import { GraphStructure } from "../../graph/structure";
import { groupItem, type LayoutEngine, type Picture, type Scene } from "../../graph/types";
import { GraphPane } from "./pane";

const PICTURE: Picture = { items: [], edges: [], width: 1, height: 1 };
const first = new GraphStructure(golden("graph_structure"));
const second = new GraphStructure(golden("graph_structure"));
const group = first.groups.findIndex(({ kind }) => kind === "module");

const engine: LayoutEngine = { layout: async () => PICTURE, dispose: () => {} };

function fakeScene() {
  const fakes = { show: vi.fn(), select: vi.fn(), trace: vi.fn(), reveal: vi.fn() };
  const scene = { ...fakes, centre: () => null, sees: () => false } as unknown as Scene;
  return { ...fakes, scene };
}

const pictured = (pane: GraphPane) => vi.waitFor(() => expect(pane.picture.value).not.toBeNull());

it("draws a structure into its own scene only, whichever comes first", async () => {
  const pane = new GraphPane(() => engine);
  const before = fakeScene();
  pane.load(first);
  pane.attach(before.scene, first);
  await pictured(pane);
  expect(before.show).toHaveBeenCalledTimes(1);
  pane.load(second);
  pane.reveal(groupItem(group), true);
  await pictured(pane);
  expect(before.show).toHaveBeenCalledTimes(1);
  expect(before.reveal).not.toHaveBeenCalled();
  const after = fakeScene();
  pane.attach(null);
  pane.attach(after.scene, second);
  expect(after.show).toHaveBeenCalledTimes(1);
  expect(after.reveal).toHaveBeenCalledTimes(1);
  pane.dispose();
});

it("forgets what went wrong with the structure before", async () => {
  let fails = true;
  const layout = async () => {
    if (fails) throw new Error("No room.");
    return PICTURE;
  };
  const pane = new GraphPane(() => ({ layout, dispose: () => {} }));
  pane.load(first);
  await vi.waitFor(() => expect(pane.failure.value).toEqual(new Error("No room.")));
  fails = false;
  pane.load(second);
  expect(pane.failure.value).toBeNull();
  await pictured(pane);
  pane.dispose();
});

it("goes where somebody looks when everything opens, not where something is selected far away", async () => {
  const half = first.groups.findIndex(({ kind }) => kind === "half");
  const items = [{ item: groupItem(half), x: 0, y: 0, width: 9, height: 9, depth: 0, open: true }];
  const layout = async () => ({ ...PICTURE, items });
  const pane = new GraphPane(() => ({ layout, dispose: () => {} }));
  const { scene, show } = fakeScene();
  pane.load(first);
  await pictured(pane);
  pane.attach(scene, first);
  pane.select([groupItem(half)]);
  pane.expandAll();
  const forward = first.groups.findIndex((each) => each.kind === "half" && each.half === "forward");
  await vi.waitFor(() => expect(show).toHaveBeenCalledTimes(2));
  expect(show.mock.lastCall?.slice(1)).toEqual([null, groupItem(forward)]);
  scene.centre = () => ({ item: groupItem(group), x: 0, y: 0 });
  pane.collapseAll();
  await vi.waitFor(() => expect(show).toHaveBeenCalledTimes(3));
  expect(show.mock.lastCall?.slice(1)).toEqual([groupItem(group), pane.visible(groupItem(group))]);
  pane.dispose();
});
