import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GoldenTransport, golden } from "../../../test/golden";
import { find, open, seen, usePage } from "../../../test/page";
import { GraphStructure } from "../../graph/structure";
import type { Scene, SceneEvents } from "../../graph/types";
import { requestKey } from "../../protocol";

vi.mock("plotly.js-cartesian-dist-min", () => ({
  default: { react: () => new Promise(() => {}), relayout: vi.fn(), purge: vi.fn() },
}));

/** What the views hear from the scene, and what they tell it; there is no canvas here. */
let events: SceneEvents;
const scene = { paint: vi.fn(), select: vi.fn(), reveal: vi.fn(), fit: vi.fn() };

vi.mock("../../graph/scene", () => ({
  createScene: (
    _element: HTMLElement,
    _structure: unknown,
    _palette: unknown,
    own: SceneEvents,
  ) => {
    events = own;
    return {
      ...scene,
      show: () => {},
      trace: () => {},
      recolour: () => {},
      centre: () => null,
      viewport: { x: 0, y: 0, zoom: 1 },
      dispose: () => {},
    } as unknown as Scene;
  },
}));
vi.mock("../../graph/layout", () => ({
  prewarmLayout: () => {},
  createLayoutEngine: () => ({
    layout: async () => ({ items: [], edges: [], width: 1, height: 1 }),
    dispose: () => {},
  }),
}));

usePage();
const structure = new GraphStructure(golden("graph_structure"));
const operators = [...structure.nodeKind.keys()].filter((node) => structure.nodeKind[node] === 0);
const [node = -1] = operators;
const opOf = (index: number) => structure.ops[structure.nodeOp[index] ?? -1]?.op_type ?? "";

const choose = (testid: string, value: string) => {
  const select = find<HTMLSelectElement>(testid);
  if (select === null) throw new Error(`There is no ${testid}.`);
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
};

const press = (target: HTMLElement, key: string) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

const known = (testid: string) => {
  const found = find(testid);
  if (found === null) throw new Error(`There is no ${testid}.`);
  return found;
};

/** Type into the search box, which then has the focus. */
async function searchFor(text: string): Promise<HTMLInputElement> {
  const box = await seen<HTMLInputElement>("graph-search");
  box.focus();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  return box;
}

/** Go to the step that the golden run has traces of. */
async function goToStep(): Promise<void> {
  const strip = await seen("step-strip");
  for (let presses = 0; presses < 2; presses += 1) {
    strip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
  }
  await vi.waitFor(() => expect(find("current-step")?.textContent).toContain("step 2 "));
}

describe("the Graph view", () => {
  let transport: GoldenTransport;
  beforeEach(async () => {
    transport = new GoldenTransport();
    open(transport);
    (await seen("tab-graph")).click();
    await seen("graph-scene");
  });
  afterEach(() => vi.clearAllMocks());

  it("tells of the stage and what changed in it while nothing is selected", async () => {
    const [sentence] = golden("graph_lineage").sentences;
    const shown = await seen("lineage-sentences");
    expect(shown.textContent).toContain(sentence?.text);
    shown.querySelector<HTMLElement>("[data-testid=lineage-sentence]")?.click();
    await vi.waitFor(() => expect(scene.select).toHaveBeenCalled());
  });

  it("tells all of a node that was clicked, and how it came through the stages", async () => {
    await vi.waitFor(() => expect(events.pick).toBeDefined());
    events.pick?.(node);
    const details = await seen("node-details", `[data-node="${node}"]`);
    await vi.waitFor(() => expect(details.querySelector("h4")?.textContent).toContain(opOf(node)));
    const row = golden("graph_details").nodes.find((each) => each.node === node);
    for (const { name } of row?.outputs ?? []) {
      await vi.waitFor(() => expect(details.textContent).toContain(name));
    }
  });

  it("documents an operator in one sentence, and in all when asked", async () => {
    const { schemas } = golden("graph_schemas");
    const documented = operators.find((each) =>
      schemas.some((schema) => schema.op_type === opOf(each) && schema.doc !== ""),
    );
    if (documented === undefined) throw new Error("no operator of the golden graph has a doc");
    events.pick?.(documented);
    const schema = await seen("schema");
    const before = schema.textContent?.length ?? 0;
    find("schema-more")?.click();
    await vi.waitFor(() => expect(schema.textContent?.length ?? 0).toBeGreaterThan(before));
  });

  it("finds by keyboard alone, from the slash to the selected node", async () => {
    const panel = await seen("graph-scene");
    panel.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
    const box = await seen<HTMLInputElement>("graph-search");
    expect(document.activeElement).toBe(box);
    box.value = structure.nodeName(node) || opOf(node);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    await seen("graph-hit");
    expect(find("graph-search-count")?.textContent).toMatch(/\d+ hits?/);
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await vi.waitFor(() => expect(scene.select.mock.lastCall?.[0]?.length).toBeGreaterThan(0));
  });

  it("closes the list of hits when one is chosen, unless there will be more", async () => {
    const box = await searchFor("norm");
    const hit = await seen("graph-hit");
    hit.dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
    await vi.waitFor(() => expect(scene.select.mock.lastCall?.[0]?.length).toBeGreaterThan(0));
    expect(find("graph-hit")).not.toBeNull();
    hit.click();
    await vi.waitFor(() => expect(find("graph-hit")).toBeNull());
    press(box, "ArrowDown");
    await seen("graph-hit");
    press(box, "Enter");
    await vi.waitFor(() => expect(find("graph-hit")).toBeNull());
  });

  it("gives the focus back to who had it when a search is left", async () => {
    const before = await seen("graph-overlay");
    before.focus();
    press(before, "/");
    const box = await searchFor("norm");
    expect(document.activeElement).toBe(box);
    await seen("graph-hit");
    press(box, "Escape");
    await vi.waitFor(() => expect(find("graph-hit")).toBeNull());
    expect(document.activeElement).toBe(before);
  });

  it("says where a step does not tell what is born there, and leads to one that does", async () => {
    await goToStep();
    choose("graph-overlay", "divergence");
    await vi.waitFor(() => expect(find("graph-legend")?.textContent).toContain("rounding"));
    const slider = await seen<HTMLInputElement>("step-slider");
    slider.value = String(Number(slider.value) + 1);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    const note = await vi.waitFor(() => known("no-deep-record"), 3_000);
    expect(note.textContent).toContain("Step 4 has no deep record");
    expect(find("graph-legend")?.textContent).not.toContain("born here");
    const go = await seen("go-to-deep-step");
    expect(go.textContent).toContain("step 2");
    go.click();
    await vi.waitFor(() => expect(find("current-step")?.textContent).toContain("step 2 "));
    await vi.waitFor(() => expect(find("no-deep-record")).toBeNull());
  });

  it("shows a module again when it is chosen again", async () => {
    const named = () => find("module-item", '[data-module]:not([data-module=""])');
    await vi.waitFor(() => expect(named()).not.toBeNull());
    named()?.click();
    await vi.waitFor(() => expect(scene.select.mock.lastCall?.[0]?.length).toBeGreaterThan(0));
    scene.select.mockClear();
    named()?.click();
    await vi.waitFor(() => expect(scene.select.mock.lastCall?.[0]?.length).toBeGreaterThan(0));
  });

  it("paints by the chosen overlay and says in a legend what the colours are", async () => {
    await goToStep();
    choose("graph-overlay", "divergence");
    await vi.waitFor(() => {
      const legend = find("graph-legend", '[data-overlay="divergence"]');
      expect(legend?.querySelectorAll("li").length).toBeGreaterThan(1);
    });
    expect(await seen("step-slider")).not.toBeNull();
    expect(scene.paint.mock.lastCall?.[0]?.name).toBe("divergence");
  });

  it("asks for the next step ahead of it while steps are played, and for none after that", async () => {
    await goToStep();
    choose("graph-overlay", "divergence");
    (await seen("step-play")).click();
    const { mode, stage } = structure;
    const asked = (step: number) => requestKey("graph_overlay", { mode, stage, step });
    await vi.waitFor(() => expect(transport.asked).toContain(asked(4)));
    expect(find("current-step")?.textContent).toContain("step 2 ");
    expect(transport.asked).not.toContain(asked(6));
  });

  it("says where Netron comes from where nothing brings it along", async () => {
    (await seen("graph-shape-netron")).querySelector("input")?.click();
    expect((await seen("no-netron")).textContent).toContain("Jupyter Server");
    (await seen("graph-shape-picture")).querySelector("input")?.click();
    await seen("graph-scene");
  });

  it("closes the left pane, or shows another stage in it", async () => {
    choose("graph-left", "training/torch_exported");
    await vi.waitFor(() => expect(find("module-tree")).toBeNull());
    choose("graph-left", "closed");
    await vi.waitFor(() => expect(find("graph-divider")).toBeNull());
    choose("graph-left", "modules");
    await seen("module-tree");
  });

  it("shows the calls of a module with what they returned", async () => {
    await goToStep();
    const item = await seen("module-item", '[data-module="norm"]');
    await vi.waitFor(() => expect(item.textContent).toMatch(/f32 \d+×\d+/));
  });
});

/** Elements are as wide as a narrow window; nothing is laid out here. */
class NarrowObserver {
  constructor(readonly heard: (entries: unknown[]) => void) {}
  observe() {
    this.heard([{ contentRect: { width: 700, height: 500 } }]);
  }
  unobserve() {}
  disconnect() {}
}

describe("the Graph view where it is narrow", () => {
  beforeEach(async () => {
    vi.stubGlobal("ResizeObserver", NarrowObserver);
    open(new GoldenTransport());
    (await seen("tab-graph")).click();
    await seen("graph-scene");
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.clearAllMocks();
  });

  it("says in one line what is selected, which opens all that is known of it", async () => {
    const peek = await seen("graph-peek");
    expect(find("node-details")).toBeNull();
    expect(peek.textContent).toContain("Nothing is selected");
    await goToStep();
    await vi.waitFor(() => expect(events.pick).toBeDefined());
    events.pick?.(node);
    await vi.waitFor(() => expect(find("graph-peek")?.textContent).toContain(opOf(node)));
    expect(find("graph-peek-spoken")?.textContent).toContain(opOf(node));
    expect(find("node-details")).toBeNull();
    peek.focus();
    peek.click();
    const details = await seen("node-details", `[data-node="${node}"]`);
    expect(peek.getAttribute("aria-expanded")).toBe("true");
    expect(details.parentElement).toBe(document.activeElement);
    press(details, "Escape");
    await vi.waitFor(() => expect(find("node-details")).toBeNull());
    expect(document.activeElement).toBe(peek);
  });

  it("says how many nodes and findings a module has", async () => {
    await goToStep();
    await vi.waitFor(() => expect(find("module-item", '[data-module="norm"]')).not.toBeNull());
    find("module-item", '[data-module="norm"]')?.click();
    await vi.waitFor(() =>
      expect(find("graph-peek")?.textContent).toMatch(/norm.*1 finding.*step 2.*node/),
    );
  });
});
