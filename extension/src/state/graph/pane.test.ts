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
  return { ...fakes, scene: { ...fakes, centre: () => null } as unknown as Scene };
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
