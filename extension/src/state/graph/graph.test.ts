import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GoldenTransport, golden } from "../../../test/golden";
import { StringTable } from "../../graph/string_table";
import { GraphStructure } from "../../graph/structure";
import {
  groupItem,
  type ItemId,
  type LayoutEngine,
  type Picture,
  type Scene,
} from "../../graph/types";
import { DebuggerStore } from "../store";
import { counterpart } from "./follow";
import { GraphInspector } from "./inspector";
import { Lineage } from "./lineage";
import { search } from "./search";

const structure = new GraphStructure(golden("graph_structure"));
const lineageAnswer = golden("graph_lineage");

/** A layout that says what is on screen, without places. */
function pictureOf(graph: GraphStructure, open: ReadonlySet<number>): Picture {
  const items: Picture["items"] = [];
  const add = (group: number, depth: number) => {
    for (const item of graph.children(group)) {
      const inside = item < 0 && open.has(-1 - item);
      const y = items.length * 50;
      items.push({ item, x: 0, y, width: 100, height: 40, depth, open: inside });
      if (inside) add(-1 - item, depth + 1);
    }
  };
  add(-1, 0);
  return { items, edges: [], width: 100, height: 100 };
}

const engine = (graph: GraphStructure): LayoutEngine => ({
  layout: async (open, signal) => {
    await Promise.resolve();
    signal?.throwIfAborted();
    return pictureOf(graph, open);
  },
  dispose: () => {},
});

/** A scene that only remembers, for there is no canvas here. */
function fakeScene() {
  const calls = {
    selected: [] as readonly ItemId[],
    revealed: [] as ItemId[],
    looked: [] as { x: number; y: number }[],
    shown: 0,
  };
  const scene = {
    show: () => {
      calls.shown += 1;
    },
    select: (items: readonly ItemId[]) => {
      calls.selected = items;
    },
    trace: () => {},
    reveal: (item: ItemId) => calls.revealed.push(item),
    lookAt: (x: number, y: number) => calls.looked.push({ x, y }),
    centre: () => ({ item: groupItem(0), x: 30, y: 40 }),
    viewport: { x: 0, y: 0, zoom: 2 },
  };
  return { scene: scene as unknown as Scene, calls };
}

const half = structure.groups.findIndex(({ kind }) => kind === "half");
const inner = structure.groups.findIndex(
  ({ parent, kind }) => parent === half && kind === "module",
);
const module = structure.group(inner).module ?? "";
const [node = -1] = structure.nodesIn(inner);

describe("the Graph view's inspector", () => {
  let store: DebuggerStore;
  let inspector: GraphInspector;
  beforeEach(() => {
    store = new DebuggerStore(new GoldenTransport());
    inspector = new GraphInspector(store, engine);
  });
  afterEach(() => inspector.dispose());

  const load = async () => {
    inspector.right.load(structure);
    await vi.waitFor(() => expect(inspector.right.picture.value).not.toBeNull());
  };

  it("follows nodes through the stages of the mode that is shown only", () => {
    const { mode, stage } = lineageAnswer;
    store.selection.pickStage(mode, stage);
    inspector.lineages.value = [lineageAnswer];
    expect(inspector.lineage.value?.mode).toBe(mode);
    store.selection.pickStage(mode === "training" ? "inference" : "training", stage);
    expect(inspector.lineage.value).toBeNull();
  });

  it("opens what is around a node that another view selected, and marks the node", async () => {
    const { scene, calls } = fakeScene();
    inspector.right.attach(scene);
    await load();
    const [value = -1] = structure.outputsOf(node);
    inspector.right.setOpen(structure.nodePath(node), false);
    store.selection.pickNode(module, structure.valueName(value), null);
    await vi.waitFor(() => expect(calls.selected).toEqual([node]));
    for (const group of structure.nodePath(node))
      expect(inspector.right.open.has(group)).toBe(true);
    expect(calls.revealed.at(-1)).toBe(node);
  });

  it("reveals the node that makes the tensor of a site, and again when led there again", async () => {
    const { scene, calls } = fakeScene();
    inspector.right.attach(scene);
    await load();
    await store.cache.load(store.summary);
    const overlay = golden("graph_overlay");
    store.selection.pickStep(overlay.step);
    const site = new StringTable(overlay.site_ids).get(0);
    const maker = structure.producer(overlay.value.values[0] ?? -1);
    const row = { site_id: site, module, value_name: "" };
    store.selection.pickSite(row);
    await vi.waitFor(() => expect(inspector.right.selected.value).toEqual([maker]));
    await vi.waitFor(() => expect(calls.revealed.at(-1)).toBe(maker));
    const before = calls.revealed.length;
    store.selection.pickSite(row);
    await vi.waitFor(() => expect(calls.revealed.length).toBe(before + 1));
  });

  it("falls back to the module of a site that its step does not know", async () => {
    const { scene } = fakeScene();
    inspector.right.attach(scene);
    await load();
    await store.cache.load(store.summary);
    store.selection.pickSite({ site_id: "forward:nowhere", module, value_name: "" });
    const groups = structure.groupsOfModule(module).map(groupItem);
    await vi.waitFor(() => expect(inspector.right.selected.value).toEqual(groups));
  });

  it("says a click to all views, and does not move under the click", async () => {
    const { scene, calls } = fakeScene();
    inspector.right.attach(scene);
    await load();
    inspector.right.heard.picked?.(groupItem(inner));
    await vi.waitFor(() => expect(inspector.right.selected.value).toEqual([groupItem(inner)]));
    expect(store.selection.module.value).toBe(module);
    expect(calls.revealed).toEqual([]);
  });

  it("marks the closed group that a selected node is in", async () => {
    const { scene, calls } = fakeScene();
    inspector.right.attach(scene);
    await load();
    inspector.right.collapseAll();
    inspector.right.setOpen([half], false);
    inspector.pickNodes(structure, [node], false);
    await vi.waitFor(() => expect(calls.selected).toEqual([groupItem(half)]));
  });

  it("opens in the other pane and in the tree what is opened in one, unless told not to", async () => {
    const twin = new GraphStructure(golden("graph_structure"));
    inspector.leftContent.value = { kind: "stage", mode: twin.mode, stage: twin.stage };
    await load();
    inspector.left.load(twin);
    const before = inspector.right.open.has(inner);
    inspector.right.toggle(groupItem(inner));
    expect(inspector.left.open.has(inner)).toBe(!before);
    expect(inspector.treeOpen.value.has(module)).toBe(!before);
    inspector.follow.value = false;
    inspector.right.toggle(groupItem(inner));
    expect(inspector.left.open.has(inner)).toBe(!before);
  });

  it("shows the same groups and the same place in a stage that is put beside, and again", async () => {
    const twin = new GraphStructure(golden("graph_structure"));
    const [left, right] = [fakeScene(), fakeScene()];
    inspector.right.attach(right.scene);
    await load();
    inspector.right.toggle(groupItem(inner));
    const isOpen = inspector.right.open.has(inner);
    inspector.leftContent.value = { kind: "stage", mode: twin.mode, stage: twin.stage };
    inspector.left.attach(left.scene);
    inspector.left.load(twin);
    expect(new Set(inspector.left.open)).toEqual(new Set(inspector.right.open));
    const group = inspector.left;
    await vi.waitFor(() => {
      const placed = group.placed(groupItem(0));
      const down = placed?.open ? 12 : 20;
      expect(left.scene.viewport.zoom).toBe(2);
      expect(left.scene.viewport.y).toBe(40 - ((placed?.y ?? Number.NaN) + down) * 2);
    });
    inspector.leftContent.value = { kind: "closed" };
    inspector.right.toggle(groupItem(inner));
    inspector.leftContent.value = { kind: "stage", mode: twin.mode, stage: twin.stage };
    inspector.left.load(twin);
    expect(inspector.left.open.has(inner)).toBe(!isOpen);
    expect(new Set(inspector.left.open)).toEqual(new Set(inspector.right.open));
  });

  it("brings the panes together when they begin to follow each other", async () => {
    const twin = new GraphStructure(golden("graph_structure"));
    inspector.leftContent.value = { kind: "stage", mode: twin.mode, stage: twin.stage };
    await load();
    inspector.follow.value = false;
    inspector.left.load(twin);
    inspector.right.toggle(groupItem(inner));
    expect(inspector.left.open.has(inner)).toBe(!inspector.right.open.has(inner));
    inspector.follow.value = true;
    expect(inspector.left.open.has(inner)).toBe(inspector.right.open.has(inner));
  });

  it("opens a module's groups when the tree opens it", async () => {
    await load();
    inspector.right.setOpen([inner], false);
    inspector.toggleModule(module, true);
    expect(inspector.right.open.has(inner)).toBe(true);
    inspector.toggleModule(module, false);
    expect(inspector.right.open.has(inner)).toBe(false);
  });

  it("puts what is in the middle of one pane at the same place of the other, once", async () => {
    const twin = new GraphStructure(golden("graph_structure"));
    inspector.leftContent.value = { kind: "stage", mode: twin.mode, stage: twin.stage };
    const [left, right] = [fakeScene(), fakeScene()];
    inspector.left.attach(left.scene);
    inspector.right.attach(right.scene);
    await load();
    inspector.left.load(twin);
    await vi.waitFor(() => expect(inspector.left.picture.value).not.toBeNull());
    expect(counterpart(inspector, inspector.right, node, inspector.left)).toBe(
      inspector.left.visible(node),
    );
    inspector.right.heard.moved?.();
    const placed = inspector.left.placed(groupItem(0));
    if (placed === null) throw new Error("the first group is not in the picture");
    const y = 40 - (placed.y + (placed.open ? 12 : 20)) * 2;
    await vi.waitFor(() => expect(left.scene.viewport).toEqual({ zoom: 2, x: 30 - 100, y }));
    expect(right.scene.viewport).toEqual({ zoom: 2, x: 0, y: 0 });
  });

  it("looks where the tree is scrolled to, between two modules as between two rows", async () => {
    const { scene, calls } = fakeScene();
    inspector.right.attach(scene);
    await load();
    inspector.right.setOpen([half], true);
    await vi.waitFor(() =>
      expect(inspector.right.visible(groupItem(inner))).toBe(groupItem(inner)),
    );
    const placed = inspector.right.placed(groupItem(inner));
    const top = inspector.right.placed(inspector.right.visible(groupItem(half)));
    if (placed === null || top === null) throw new Error("the groups are not in the picture");
    const y = placed.y + (placed.open ? 12 : placed.height / 2);
    const { centre } = inspector.treeFollow;
    inspector.treeMoved(module, module, 0.5);
    expect(calls.looked).toEqual([{ x: placed.x + placed.width / 2, y }]);
    expect(centre.value.count, "the tree is not pushed back").toBe(0);
    inspector.right.heard.moved?.();
    await vi.waitFor(() => expect(centre.value.count).toBe(1));
    inspector.follow.value = false;
    inspector.treeMoved(module, module, 0);
    expect(calls.looked).toHaveLength(1);
  });

  it("goes back to what was shown when a layout is cancelled", async () => {
    await load();
    const before = new Set(inspector.right.open);
    inspector.right.expandAll();
    inspector.right.cancel();
    expect(new Set(inspector.right.open)).toEqual(before);
    expect(inspector.right.progress.value).toBeNull();
  });

  it("keeps groups open by key when another structure is shown", async () => {
    await load();
    inspector.right.setOpen([inner], true);
    inspector.right.load(new GraphStructure(golden("graph_structure")));
    expect(inspector.right.open.has(inner)).toBe(true);
  });
});

describe("lineage", () => {
  const { previous, stage, mode } = lineageAnswer;
  if (previous === null) throw new Error("the golden lineage has a stage before");
  const first = golden("graph_lineage", "graph_lineage_first");
  const lineage = new Lineage(mode, [previous, stage], [first, lineageAnswer]);
  const from = lineageAnswer.link_from.values[0] ?? -1;
  const to = lineageAnswer.link_to.values[0] ?? -1;

  it("leads from one stage to the other and back", () => {
    expect(lineage.map(previous, [from], stage)).toContain(to);
    expect(lineage.map(stage, [to], previous)).toContain(from);
    expect(lineage.map(stage, [to], stage)).toEqual([to]);
    expect(lineage.map(stage, [to], "optimized")).toEqual([]);
  });

  it("leads back from a gradient to what it serves, and not from there to it", () => {
    const kind = (node: number) => lineageAnswer.kinds[lineageAnswer.node_kind.values[node] ?? -1];
    const links = Array.from(lineageAnswer.link_to.values.keys());
    const link = links.find((each) => kind(lineageAnswer.link_to.values[each] ?? -1) === "added");
    const gradient = lineageAnswer.link_to.values[link ?? -1] ?? -1;
    const forward = lineageAnswer.link_from.values[link ?? -1] ?? -1;
    expect(lineage.map(stage, [gradient], previous)).toContain(forward);
    expect(lineage.map(previous, [forward], stage)).not.toContain(gradient);
  });

  it("says kind and evidence of each link, in the stages' order", () => {
    const chain = lineage.chain(stage, to);
    expect(chain.map((link) => link.stage)).toEqual([previous, stage]);
    expect(chain[1]?.nodes).toEqual([to]);
    expect(chain[1]?.kind).toBe(lineageAnswer.kinds[lineageAnswer.node_kind.values[to] ?? -1]);
    expect(chain[1]?.evidence).not.toBe("");
  });
});

describe("search", () => {
  const never = new AbortController().signal;

  it("finds operators, modules and names, every word of them, whatever the case", async () => {
    const op = structure.ops[structure.nodeOp[node] ?? -1]?.op_type ?? "";
    const found = await search(structure, [], op.toUpperCase(), never);
    const operator = found.hits.find((hit) => hit.kind === "operator" && hit.text === op);
    expect(operator?.kind === "operator" && operator.nodes).toContain(node);
    expect(found.count).toBeGreaterThanOrEqual(found.hits.length);
    const modules = await search(structure, [], module, never);
    expect(modules.hits.some((hit) => hit.kind === "module" && hit.module === module)).toBe(true);
    expect((await search(structure, [], `${op} nowhere-at-all`, never)).count).toBe(0);
    expect((await search(structure, [], "  ", never)).count).toBe(0);
  });

  it("finds findings by their titles", async () => {
    const { rows } = golden("findings");
    const [finding] = rows;
    const found = await search(structure, rows, finding?.title ?? "", never);
    expect(found.hits.at(-1)).toMatchObject({ kind: "finding", text: finding?.title });
  });
});
